"""Memory that is lent to worker processes by its descriptor.

It is made once, in advance: a process that handles uploads may forbid itself to write files, and
that limit also counts for growing and writing memory files. Filling a mapping needs neither.
"""

from __future__ import annotations

import mmap
import os
import queue
from collections.abc import Iterator
from contextlib import contextmanager

from hashmatch.errors import SandboxError


class Lender:
    """A few pieces of shared memory, each lent to one reader at a time.

    Parameters
    ----------
    pieces : int
        How many; who asks for one more waits.
    size : int
        Bytes that fit into each. What is not used takes no memory.
    """

    def __init__(self, pieces: int, size: int) -> None:
        self.size = size
        # None is what is left once the pieces are gone
        self._free: queue.LifoQueue[tuple[int, mmap.mmap] | None] = queue.LifoQueue()
        self._made: list[tuple[int, mmap.mmap]] = []
        for _ in range(pieces):
            descriptor = os.memfd_create("input", os.MFD_CLOEXEC)
            os.ftruncate(descriptor, size)
            piece = descriptor, mmap.mmap(descriptor, size)
            self._made.append(piece)
            self._free.put(piece)

    @contextmanager
    def lent(self, data: bytes | bytearray | memoryview) -> Iterator[int]:
        """Put bytes into a free piece and lend its descriptor; they are gone afterwards.

        Raises
        ------
        SandboxError
            If the memory was given back.
        """
        piece = self._take()
        descriptor, memory = piece
        try:
            memory[: len(data)] = data
            yield descriptor
        finally:
            pages = -(-len(data) // mmap.PAGESIZE) * mmap.PAGESIZE
            if pages:
                memory.madvise(mmap.MADV_REMOVE, 0, pages)
            self._free.put(piece)

    def close(self) -> None:
        """Give the memory back, once nothing is lent any more."""
        for _ in range(len(self._made)):
            descriptor, memory = self._take()
            memory.close()
            os.close(descriptor)
        self._made.clear()
        self._free.put(None)

    def _take(self) -> tuple[int, mmap.mmap]:
        piece = self._free.get()
        if piece is None:
            self._free.put(None)  # whoever else waits is told the same
            raise SandboxError("the pool of workers is closed")
        return piece
