"""One line of a scan: a path and its result, in the shape every report is made from."""

from __future__ import annotations

import json
import os
from typing import Any

from hashmatch.types import MatchResult


def shown(path: str) -> str:
    """Return a path as text that any file or terminal can hold.

    Bytes that are not UTF-8 and control characters are written as backslash escapes.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def record_of(path: str, result: MatchResult) -> dict[str, Any]:
    """Return the JSON record of one scanned file.

    Where ``path`` had to be escaped to be shown, ``path_hex`` holds its bytes.
    """
    text = shown(path)
    record: dict[str, Any] = {"path": text}
    if text != path:
        record["path_hex"] = os.fsencode(path).hex()
    return record | result.to_json()


def as_line(record: dict[str, Any]) -> str:
    """Return a record as one line of JSON."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
