"""Opening list files: byte-order marks, encodings, whole lines a chunk at a time."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from hashmatch.errors import ListFormatError
from hashmatch.lists.problems import Problems

CHUNK = 1 << 22
LONGEST_LINE = 1 << 20
"""A longer line is no row of any list; it is reported and skipped without being held."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def open_source(path: str) -> BinaryIO:
    """Open a list file for reading its bytes.

    Raises
    ------
    ListFormatError
        If it cannot be opened; the reason is named.
    """
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise ListFormatError(path, f"cannot be read: {error.strerror}") from error


def open_utf8(path: str) -> BinaryIO:
    """Open a text file as UTF-8 without a byte-order mark, whatever its encoding.

    UTF-16 and UTF-32 are known by their mark. Bytes that are no text in them become U+FFFD.
    """
    stream = open_source(path)
    head = stream.read(4)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            stream.seek(len(mark))
            if encoding == "utf-8":
                return stream
            return cast(BinaryIO, io.BufferedReader(_Recoded(stream, encoding), CHUNK))
    stream.seek(0)
    return stream


class _Recoded(io.RawIOBase):
    """A stream in another encoding, read as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._ready and not self._ended:
            piece = self._stream.read(1 << 16)
            self._ended = not piece
            self._ready = self._decoder.decode(piece, self._ended).encode("utf-8", "replace")
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def line_chunks(path: str, problems: Problems) -> Iterator[tuple[int, bytes]]:
    """Give a text file in chunks of whole lines, each with the number of its first line.

    Every chunk ends with a newline. Lines that grow past :data:`LONGEST_LINE` without an end in
    sight are left out and counted as problems.
    """
    line, rest, skipping = 1, b"", False
    with open_utf8(path) as stream:
        while piece := _read(stream, path):
            if skipping:
                end = piece.find(b"\n")
                if end < 0:
                    continue
                piece, line, skipping = piece[end + 1 :], line + 1, False
            joined = rest + piece
            cut = joined.rfind(b"\n") + 1
            rest = joined[cut:]
            if cut:
                yield line, joined[:cut]
                line += joined.count(b"\n", 0, cut)
            if len(rest) > LONGEST_LINE:
                problems.add(path, line, f"the line is longer than {LONGEST_LINE:,} bytes")
                rest, skipping = b"", True
    if rest:
        yield line, rest + b"\n"


def _read(stream: BinaryIO, path: str) -> bytes:
    try:
        return stream.read(CHUNK)
    except OSError as error:
        raise ListFormatError(path, f"cannot be read: {error.strerror}") from error


def text_lines(
    path: str, problems: Problems, encoding: str | None = None
) -> Iterator[tuple[int, str]]:
    """Give ``(line number, line without its end)`` of a text file.

    Bytes that are not text in the encoding (UTF-8 if none is said) become backslash escapes, so
    nothing of a line is lost.
    """
    for first, chunk in line_chunks(path, problems):
        text = chunk.decode(encoding or "utf-8", "backslashreplace")
        for number, line in enumerate(text.split("\n")[:-1], first):
            yield number, line.removesuffix("\r")
