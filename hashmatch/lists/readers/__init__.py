"""Readers of hash-list formats, each a stream of blocks of entries.

    reading = read(["hashes.txt"], hash_type="pdq")
    for block in reading: ...
    reading.problems.count

The format is recognised by content unless it is said; what being on the list means is never
recognised, and neither is the type of a value whose length fits several.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from hashmatch import hash_types
from hashmatch.errors import ListFormatError
from hashmatch.lists.readers.detect import recognise
from hashmatch.lists.readers.reading import Deletion, Reading
from hashmatch.lists.readers.registry import FORMATS


def formats() -> tuple[str, ...]:
    """Return the names of the formats that can be read."""
    return tuple(FORMATS)


def read(
    files: Sequence[str | os.PathLike[str]],
    format: str | None = None,  # noqa: A002 - the word users say
    hash_type: str | None = None,
    scheme: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Reading:
    """Open files as one list.

    Parameters
    ----------
    files : sequence of paths
        Read in order; all of one format.
    format : str or None
        One of :func:`formats`; recognised by content if ``None``.
    hash_type : str or None
        What values are where the file does not say: 64 digits are PDQ or SHA-256.
    scheme : str or None
        The scheme the category codes belong to.
    options : mapping or None
        What a format asks besides: ``columns``, a :class:`~.columns.ColumnMap`, for tables.

    Returns
    -------
    Reading
        Not yet read: iterate it.

    Raises
    ------
    ListFormatError
        If a file cannot be opened, or the format is unknown or differs between the files.
    UnknownHashTypeError
        If there is no such hash type.
    """
    if not files:
        raise ListFormatError("no file", "name at least one file to read")
    if hash_type is not None:
        hash_types.get(hash_type)
    names = tuple(os.fspath(file) for file in files)
    if format is None:
        format = _recognise_all(names, bool(options and options.get("columns")))  # noqa: A001
    elif format not in FORMATS:
        raise ListFormatError(
            names[0], f"there is no format {format!r}; formats are {', '.join(FORMATS)}"
        )
    known = FORMATS[format]
    return Reading(
        format,
        names,
        hash_type,
        scheme=scheme or known.scheme,
        options=options or {},
        source=known.read,
    )


def _recognise_all(names: tuple[str, ...], mapped: bool) -> str:
    if mapped:
        return "csv"
    found = {name: recognise(name) for name in names}
    first = found[names[0]]
    for name, other in found.items():
        if other != first:
            raise ListFormatError(
                name, f"looks like {other}, but {names[0]} like {first}; import them one by one"
            )
    return first


__all__ = ["Deletion", "Reading", "formats", "read"]
