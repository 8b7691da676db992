"""The memory an upload is held in: bounded, never written out, and wiped after use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

FIRST_SIZE = 64 * 1024


class Buffer:
    """Bytes that can be added to, lent to readers, and wiped.

    Growing a plain ``bytearray`` may leave a copy of its content in freed memory; this one wipes
    what it leaves behind. :meth:`discard` wipes at once, or when the last reader is done: a
    reader that outlived its deadline still reads a picture, not one changing under its feet.

    Parameters
    ----------
    expected : int
        How many bytes are likely to come; the right guess saves copying.
    """

    def __init__(self, expected: int = 0) -> None:
        self._memory = bytearray(max(expected, 1))
        self._length = 0
        self._lock = threading.Lock()
        self._readers = 0
        self._discarded = False

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Buffer:
        """Return a buffer that holds a copy of some bytes."""
        buffer = cls(len(data))
        buffer.append(data)
        return buffer

    def __len__(self) -> int:
        return self._length

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes at the end."""
        end = self._length + len(data)
        if end > len(self._memory):
            larger = bytearray(max(end, 2 * len(self._memory), FIRST_SIZE))
            larger[: self._length] = memoryview(self._memory)[: self._length]
            _wipe(self._memory)
            self._memory = larger
        self._memory[self._length : end] = data
        self._length = end

    def tobytes(self) -> bytes:
        """Return a copy of the content, for a caller who keeps it."""
        return bytes(memoryview(self._memory)[: self._length])

    @contextmanager
    def lent(self, start: int = 0, end: int | None = None) -> Iterator[memoryview]:
        """Lend the content, or a part of it, without copying; it stays unchanged until returned."""
        with self._lock:
            if self._discarded:
                raise ValueError("the buffer has been wiped")
            self._readers += 1
        view = memoryview(self._memory)[start : self._length if end is None else end].toreadonly()
        try:
            yield view
        finally:
            with self._lock:
                self._readers -= 1
                self._wipe_if_done()

    def discard(self) -> None:
        """Wipe the content as soon as nobody reads it. May be called again."""
        with self._lock:
            self._discarded = True
            self._wipe_if_done()

    def _wipe_if_done(self) -> None:
        if self._discarded and not self._readers:
            _wipe(self._memory)
            self._memory = bytearray()
            self._length = 0


def _wipe(memory: bytearray) -> None:
    memory[:] = bytes(len(memory))
