"""Hashes found without their files, such as those a chat database keeps of its pictures.

A table with a header (CSV, TSV or semicolons) whose columns are named after hash types, or text
with one hash a line as ``md5sum`` writes it. Each row becomes a record of its own.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hashmatch import hash_types
from hashmatch.errors import HashFormatError, ListFormatError
from hashmatch.hash_types import HashKind
from hashmatch.types import HashValue

# header words of other tools -> hash type
_COLUMNS = {
    "sha-1": "sha1",
    "sha-256": "sha256",
    "sha2_256": "sha256",
    "md5 hash": "md5",
    "sha1 hash": "sha1",
    "sha256 hash": "sha256",
    "pdq hash": "pdq",
}
_NAMES = ("path", "file", "filename", "file name", "name", "filepath", "file path")
# a value alone on its line tells its type by its length; 64 digits could be SHA-256 or PDQ
_BY_LENGTH = {32: "md5", 40: "sha1"}
_BARE = re.compile(r"\\?([0-9A-Fa-f]+)(?:\s+\*?(.*))?")
_LONGEST_NAME = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a hash manifest.

    Parameters
    ----------
    label : str
        ``!row 12`` and, where the row names a file, that name.
    values : tuple of HashValue
        What it states; empty if nothing of it can be read.
    problem : str or None
        What is wrong with it.
    """

    label: str
    values: tuple[HashValue, ...]
    problem: str | None = None


def rows(path: Path, hash_type: str | None = None) -> Iterator[Row]:
    """Give every row of a hash manifest, unreadable ones included.

    Parameters
    ----------
    path : Path
        The manifest: UTF-8, or UTF-16 with a byte order mark.
    hash_type : str or None
        The type of bare values, where their length does not tell.

    Raises
    ------
    ListFormatError
        If the file cannot be read, or a bare value's type cannot be told.
    """
    try:
        raw = path.read_bytes()
        encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        text = raw.decode(encoding)
    except OSError as error:
        raise ListFormatError(str(path), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ListFormatError(str(path), "is not text in UTF-8 or UTF-16") from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",\t;", key=first.count)
    header = [_fold(cell) for cell in next(csv.reader([first], delimiter=delimiter), [])]
    columns = {n: t for n, cell in enumerate(header) if (t := _type_of(cell)) is not None}
    if columns:
        naming = next((n for n, cell in enumerate(header) if cell in _NAMES), None)
        yield from _table(text, delimiter, columns, naming)
    else:
        yield from _bare(path, text, hash_type)


def check(path: Path, hash_type: str | None = None) -> None:
    """Read a hash manifest to its end, so that a scan of hours does not stop at it.

    Raises
    ------
    ListFormatError
        If the file cannot be read, or a bare value's type cannot be told.
    UnknownHashTypeError
        If there is no such hash type.
    """
    if hash_type is not None:
        hash_types.get(hash_type)
    for _ in rows(path, hash_type):
        continue


def _fold(cell: str) -> str:
    return cell.strip().lower()


def _type_of(cell: str) -> str | None:
    name = _COLUMNS.get(cell, cell)
    if name in hash_types.names() and hash_types.get(name).kind is not HashKind.HELD:
        return name
    return None


def _table(text: str, delimiter: str, columns: dict[int, str], naming: int | None) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    seen_header = False
    number = 0
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if not seen_header:
            seen_header = True
            continue
        number += 1
        name = cells[naming] if naming is not None and naming < len(cells) else ""
        pairs = [
            (hash_type, cells[n])
            for n, hash_type in columns.items()
            if n < len(cells) and cells[n].strip()
        ]
        yield _row(number, name, pairs)


def _bare(path: Path, text: str, hash_type: str | None) -> Iterator[Row]:
    number = 0
    for place, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        number += 1
        found = _BARE.fullmatch(line.strip())
        if found is None:
            yield Row(f"!row {number}", (), "holds no hash value")
            continue
        digits, name = found.groups()
        known = hash_type or _BY_LENGTH.get(len(digits))
        if known is None and len(digits) == 64:
            raise ListFormatError(
                str(path),
                "64 digits are a SHA-256 or a PDQ value; say which with --hash-type",
                place,
            )
        if known is None:
            yield Row(f"!row {number}", (), "has a value of no known length")
        else:
            yield _row(number, name or "", [(known, digits)])


def _row(number: int, name: str, pairs: list[tuple[str, str]]) -> Row:
    label = f"!row {number}" + (f" {name.strip()[:_LONGEST_NAME]}" if name.strip() else "")
    values = []
    problem = None if pairs else "holds no hash value"
    for hash_type, text in pairs:
        try:
            values.append(HashValue(hash_type, hash_types.get(hash_type).parse(text)))
        except HashFormatError as error:
            problem = str(error)
    return Row(label, tuple(values), problem)
