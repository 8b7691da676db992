"""Writers of hash-list formats. What they write, the readers read back."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from hashmatch.errors import ListFormatError, OutputError
from hashmatch.lists.writers import jsonl, kdb, text, threatexchange, vics
from hashmatch.lists.writers.listing import Listing, Written


@dataclass(frozen=True, slots=True)
class Options:
    """What a format may be told besides its name.

    Parameters
    ----------
    hash_type : str or None
        Which values to write, for formats of one value a line.
    region : str or None
        The region a VICS 2.0 file names.
    """

    hash_type: str | None = None
    region: str | None = None


_Writer = Callable[[Listing, TextIO, Options], Written]


def _vics(version: str, case: bool) -> _Writer:
    return lambda listing, stream, options: vics.write_vics(
        listing, stream, vics.Options(version, case, options.region)
    )


_TEXTS: dict[str, _Writer] = {
    "text": lambda listing, stream, options: text.write_text(listing, stream, options.hash_type),
    "pdq-text": lambda listing, stream, options: text.write_pdq(listing, stream, options.hash_type),
    "threatexchange-text": lambda listing, stream, _: text.write_signals(listing, stream),
    "threatexchange-csv": lambda listing, stream, _: threatexchange.write_threatexchange(
        listing, stream
    ),
    "jsonl": lambda listing, stream, _: jsonl.write_jsonl(listing, stream),
    "vics-1.3": _vics("1.3", case=False),
    "vics-1.3-case": _vics("1.3", case=True),
    "vics-2.0": _vics("2.0", case=False),
    "vics-2.0-case": _vics("2.0", case=True),
}


def formats() -> tuple[str, ...]:
    """Return the names of the formats that can be written."""
    return (*_TEXTS, "kdb")


def write(
    listing: Listing,
    format: str,  # noqa: A002 - the word users say
    target: str | os.PathLike[str],
    options: Options | None = None,
) -> Written:
    """Write a list to a file, or to standard output for ``-``.

    The file is private to its owner and appears whole or not at all.

    Parameters
    ----------
    listing : Listing
        What :meth:`hashmatch.lists.catalog.Catalog.listing` gives.
    format : str
        One of :func:`formats`.
    target : path
        Where to; an existing file is replaced.
    options : Options or None
        What the format may be told besides.

    Returns
    -------
    Written

    Raises
    ------
    ListFormatError
        If there is no such format, it needs an option that is missing, or has a place for no
        entry of the list.
    OutputError
        If the file cannot be written.
    """
    chosen = options or Options()
    if format not in formats():
        raise ListFormatError(
            os.fspath(target), f"no format {format!r} is written; there are {', '.join(formats())}"
        )
    if os.fspath(target) == "-":
        if format not in _TEXTS:
            raise ListFormatError("-", f"{format} is a database; name a file to write it to")
        return _TEXTS[format](listing, sys.stdout, chosen)
    with _replacing(Path(target)) as path:
        if format not in _TEXTS:
            written = kdb.write_kdb(listing, path)
        else:
            with path.open(
                "w", encoding="utf-8", errors="backslashreplace", newline="\n"
            ) as stream:
                written = _TEXTS[format](listing, stream, chosen)
        if not written.entries and written.left_out:
            why = ", ".join(written.left_out)
            raise ListFormatError(listing.name, f"no entry can be written as {format}: {why}")
        return written


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Give a private file to write, which takes the target's place once it is on disk."""
    try:
        # mkstemp makes files that only their owner can read
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise OutputError(f"cannot write beside {target}: {error.strerror}") from error
    path = Path(name)
    try:
        yield path
        with path.open("rb") as written:
            os.fsync(written.fileno())
        path.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


__all__ = ["Listing", "Options", "Written", "formats", "write"]
