"""One line of a scan: an input and its result, in the shape every report is made from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hashmatch.types import MatchResult

# kinds of inputs
FILE, MEMBER, THUMBNAIL, HASHES = "file", "member", "thumbnail", "hashes"

# made once: json.dumps makes an encoder for every record
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def shown(path: str) -> str:
    """Return a path as text that any file or terminal can hold.

    Bytes that are not UTF-8 and control characters are written as backslash escapes.
    """
    if path.isascii() and path.isprintable():
        return path
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def record_of(
    path: str, result: MatchResult, *, kind: str | None = None, known_good: bool = False
) -> dict[str, Any]:
    """Return the JSON record of one input.

    Where ``path`` had to be escaped to be shown, ``path_hex`` holds its bytes. ``kind`` says
    what sort of input it was, where it is not plain; ``skipped`` that it was not decoded because
    its bytes are known to be good.
    """
    text = shown(path)
    record: dict[str, Any] = {"path": text}
    if text != path:
        record["path_hex"] = os.fsencode(path).hex()
    if kind is not None:
        record["kind"] = kind
    if known_good:
        record["skipped"] = "known_good"
    return record | result.to_json()


def as_line(record: dict[str, Any]) -> str:
    """Return a record as one line of JSON."""
    return _compact(record) + "\n"


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Give the records of a ``results.jsonl``."""
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)
