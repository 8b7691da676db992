"""Which format a file has, told by its content; a file's name is never asked."""

from __future__ import annotations

import re

from hashmatch.errors import ListFormatError
from hashmatch.lists.readers import table
from hashmatch.lists.readers.columns import NAMES_OF_HASHES
from hashmatch.lists.readers.source import open_utf8

HEAD = 1 << 16
_LINES = 20

_DIGITS = r"[0-9A-Fa-f]{16,288}"
_LINE_FORMATS = (
    ("text", re.compile(_DIGITS)),
    ("sums", re.compile(rf"\\?{_DIGITS} [ *].+|\\?[A-Za-z0-9/-]+ ?\(.+\) ?= ?{_DIGITS}")),
    ("pdq-text", re.compile(rf"(hash=)?{_DIGITS}(,.*)?")),
)


def recognise(path: str) -> str:
    """Return the name of a file's format.

    Raises
    ------
    ListFormatError
        If it cannot be opened or is of no format that is known by content.
    """
    with open_utf8(path) as stream:
        head = stream.read(HEAD)
    if not head:
        raise ListFormatError(path, "the file is empty")
    whole = head[: head.rfind(b"\n")] if len(head) == HEAD and b"\n" in head else head
    lines = [line.strip() for line in whole.decode("utf-8", "replace").split("\n")[:_LINES]]
    found = _line_format([line for line in lines if line and not line.startswith("#")])
    if found is None:
        raise ListFormatError(
            path, "the format is not recognised; say it with --format, if it is one hashmatch reads"
        )
    return found


def _line_format(lines: list[str]) -> str | None:
    if not lines:
        return None
    if any(name in NAMES_OF_HASHES for name in table.header_fields(lines[0])):
        return "csv"
    for name, pattern in _LINE_FORMATS:
        if _mostly(pattern, lines):
            return name
    return None


def _mostly(pattern: re.Pattern[str], lines: list[str]) -> bool:
    """Say whether half of the lines or more fit, so that a bad row does not hide the format."""
    return 2 * sum(bool(pattern.fullmatch(line)) for line in lines) >= len(lines)
