"""Numbers that all processes of a service share: one row each, in memory without a file.

Every process adds to its own row only, so no lock is shared between them. Whoever reads adds the
rows up. The memory is made by the parent before the limit on file sizes falls; writing to the
mapping needs no file operation.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import threading

_NAME_BYTES = 128
_NUMBER_BYTES = 8


class Board:
    """A table of numbers, and a table of names that are met on the way.

    Parameters
    ----------
    handle : int
        File descriptor of the shared memory, from :meth:`make`.
    rows, columns, names : int
        The shape, the same in every process.
    row : int
        The row of this process.
    """

    def __init__(self, handle: int, rows: int, columns: int, names: int, row: int) -> None:
        self.handle = handle
        self.rows, self.columns, self.names, self.row = rows, columns, names, row
        self._mapped = mmap.mmap(handle, _size(rows, columns, names))
        numbers = rows * columns * _NUMBER_BYTES
        self._numbers = memoryview(self._mapped)[:numbers].cast("d")
        self._texts = memoryview(self._mapped)[numbers:]
        self._lock = threading.Lock()
        self._places: dict[str, int] = {}

    @staticmethod
    def make(rows: int, columns: int, names: int) -> int:
        """Return the file descriptor of new shared memory, all zero."""
        if hasattr(os, "memfd_create"):
            handle = os.memfd_create("hashmatch-board")
        else:  # an unlinked file, which holds numbers only
            with tempfile.TemporaryFile() as file:
                handle = os.dup(file.fileno())
        os.ftruncate(handle, _size(rows, columns, names))
        return handle

    def add(self, column: int, amount: float = 1.0) -> None:
        """Add to a number of this process."""
        with self._lock:
            self._numbers[self.row * self.columns + column] += amount

    def put(self, column: int, value: float) -> None:
        """Set a number of this process."""
        self._numbers[self.row * self.columns + column] = value

    def of(self, row: int, column: int) -> float:
        """Return one number of one process."""
        return self._numbers[row * self.columns + column]

    def clear(self, row: int, column: int) -> None:
        """Set a number of a process that is gone to zero."""
        self._numbers[row * self.columns + column] = 0.0

    def total(self, column: int) -> float:
        """Return a number added up over all processes."""
        return sum(self._numbers[column :: self.columns])

    def place_of(self, name: str) -> int | None:
        """Return the place of a name, giving it the next free one; ``None`` if all are taken."""
        known = self._places.get(name)
        if known is not None:
            return known
        wanted = name.encode()[: _NAME_BYTES - 1]
        with self._lock, _Locked(self.handle):
            for place in range(self.names):
                found = self._text(place)
                if not found:
                    start = place * _NAME_BYTES
                    self._texts[start : start + len(wanted)] = wanted
                if not found or found == wanted:
                    self._places[name] = place
                    return place
        return None

    def placed(self) -> list[str]:
        """Return the names met so far, by place."""
        found = []
        for place in range(self.names):
            text = self._text(place)
            if not text:
                break
            found.append(text.decode("utf-8", "ignore"))
        return found

    def take_turn(self, column: int, interval: float, slack: float, now: float) -> float:
        """Take a turn of something that is limited over all processes together.

        The generic cell rate algorithm: one number in row 0 says until when the turns taken
        reach.

        Parameters
        ----------
        column : int
            Where the number is.
        interval : float
            Seconds that this turn is worth.
        slack : float
            How many seconds turns may be taken ahead.
        now : float
            Seconds on a clock that all processes share.

        Returns
        -------
        float
            0 if the turn is taken, else the seconds to wait.
        """
        with self._lock, _Locked(self.handle):
            reached = max(self._numbers[column], now)
            ahead = reached + interval - now
            if ahead > slack:
                return ahead - slack
            self._numbers[column] = reached + interval
            return 0.0

    def _text(self, place: int) -> bytes:
        start = place * _NAME_BYTES
        return bytes(self._texts[start : start + _NAME_BYTES]).rstrip(b"\0")


class _Locked:
    """A lock between processes, let go by the system if its holder dies."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __enter__(self) -> None:
        import fcntl

        fcntl.lockf(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        import fcntl

        fcntl.lockf(self._handle, fcntl.LOCK_UN)


def _size(rows: int, columns: int, names: int) -> int:
    return rows * columns * _NUMBER_BYTES + names * _NAME_BYTES
