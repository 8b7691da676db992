"""A guard before JSON parsers, whose time and memory grow with the square of the nesting."""

from __future__ import annotations

import mmap
import re
from typing import BinaryIO

from hashmatch.errors import ListFormatError
from hashmatch.lists.readers.source import open_source

DEEPEST = 200
_SUSPICIOUS = 1000
_STEP = 1024
_TOKEN = re.compile(rb'[\[\]{}]|"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def guarded(stream: BinaryIO, path: str) -> BinaryIO:
    """Return a stream that refuses a file nested deeper than :data:`DEEPEST`.

    Opening brackets in excess of closing ones are counted as they pass, which costs next to
    nothing; only where there are suspiciously many, in texts perhaps, is the file examined.
    """
    return _Guarded(stream, path)  # type: ignore[return-value]


class _Guarded:
    def __init__(self, stream: BinaryIO, path: str) -> None:
        self._stream, self._path = stream, path
        self._excess = 0
        self._examined = False

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        for start in range(0, len(data), _STEP):
            if self._examined:
                break
            end = start + _STEP
            self._excess += data.count(b"[", start, end) + data.count(b"{", start, end)
            self._excess -= data.count(b"]", start, end) + data.count(b"}", start, end)
            if self._excess > _SUSPICIOUS:
                self._examined = True
                _examine(self._path)
        return data


def _examine(path: str) -> None:
    with (
        open_source(path) as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        depth = 0
        for token in _TOKEN.finditer(data):
            first = token[0][:1]
            if first in b"[{":
                depth += 1
                if depth > DEEPEST:
                    raise ListFormatError(path, f"is nested deeper than {DEEPEST} levels")
            elif first in b"]}":
                depth -= 1
