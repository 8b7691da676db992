"""Which format a file has, told by its content; a file's name is never asked."""

from __future__ import annotations

import re

from hashmatch.errors import ListFormatError
from hashmatch.lists.readers import encase, hashdeep, presets, sqlite_files, table
from hashmatch.lists.readers.columns import NAMES_OF_HASHES, recognised
from hashmatch.lists.readers.source import open_source, open_utf8

HEAD = 1 << 16
_LINES = 20

_DIGITS = r"[0-9A-Fa-f]{16,288}"
_LINE_FORMATS = (
    ("text", re.compile(_DIGITS)),
    ("sums", re.compile(rf"\\?{_DIGITS} [ *].+|\\?[A-Za-z0-9/-]+ ?\(.+\) ?= ?{_DIGITS}")),
    ("pdq-text", re.compile(rf"(hash=)?{_DIGITS}(,.*)?")),
    ("threatexchange-text", presets.SIGNAL_LINE),
)
_OWN_ENTRY = re.compile(r'\{"id":.*"hashes":\s*\[|\{"hashes":\s*\[')


def recognise(path: str) -> str:
    """Return the name of a file's format.

    Raises
    ------
    ListFormatError
        If it cannot be opened or is of no format that is known by content.
    """
    with open_source(path) as stream:
        raw = stream.read(HEAD)
    if not raw:
        raise ListFormatError(path, "the file is empty")
    found = _binary(path, raw)
    if found is None:
        with open_utf8(path) as stream:
            found = _text(stream.read(HEAD))
    if found is None:
        raise ListFormatError(
            path, "the format is not recognised; say it with --format, if it is one hashmatch reads"
        )
    return found


def _binary(path: str, head: bytes) -> str | None:
    if head.startswith(encase.MAGIC):
        return "encase"
    if head.startswith(sqlite_files.MAGIC):
        return "kdb" if set(sqlite_files.tables(path)) >= sqlite_files.KDB_TABLES else "nsrl"
    return None


def _text(head: bytes) -> str | None:
    whole = head[: head.rfind(b"\n")] if len(head) == HEAD and b"\n" in head else head
    text = whole.decode("utf-8", "replace").lstrip()
    lines = [line.strip() for line in text.split("\n")[:_LINES]]
    lines = [line for line in lines if line and not line.startswith("#")]
    if text.startswith(hashdeep.MAGIC):
        return "hashdeep"
    if text.startswith("<"):
        return "ncmec"
    if text.startswith(("{", "[")):
        return "jsonl" if _OWN_ENTRY.match(lines[0]) else "vics"
    return _line_format(lines)


def _line_format(lines: list[str]) -> str | None:
    if not lines:
        return None
    cells = table.header_cells(lines[0])
    for name, header in presets.HEADERS.items():
        if header <= {cell.strip().lower() for cell in cells}:
            return name
    if any(recognised(cell) in NAMES_OF_HASHES for cell in cells):
        return "csv"
    for name, pattern in _LINE_FORMATS:
        if _mostly(pattern, lines):
            return name
    return None


def _mostly(pattern: re.Pattern[str], lines: list[str]) -> bool:
    """Say whether half of the lines or more fit, so that a bad row does not hide the format."""
    return 2 * sum(bool(pattern.fullmatch(line)) for line in lines) >= len(lines)
