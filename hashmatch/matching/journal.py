"""Lines of JSON that several processes append to and follow."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hashmatch.errors import FeedbackError


class Journal:
    """A file of JSON lines, private to its owner, that only ever grows.

    Parameters
    ----------
    path : Path
        The file; made with its folder when something is first appended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._read = 0
        self._lines = 0

    def append(self, shape: Mapping[str, Any]) -> None:
        """Add a line and see it onto the disk.

        Raises
        ------
        FeedbackError
            If it cannot be written.
        """
        line = json.dumps(shape, ensure_ascii=False).encode() + b"\n"
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # one write to a descriptor that appends: lines of several processes do not mix
            target = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                size = os.fstat(target).st_size
                if size:
                    os.lseek(target, size - 1, os.SEEK_SET)
                    if os.read(target, 1) != b"\n":  # a writer died in the middle of a line
                        line = b"\n" + line
                os.write(target, line)
                os.fsync(target)
            finally:
                os.close(target)
        except OSError as error:
            raise FeedbackError(f"cannot write to {self.path}: {error.strerror}") from error

    def news(self) -> Iterator[tuple[int, bytes]]:
        """Give the lines added since the last call, with their numbers from 1.

        Costs one look at the file's size where there is nothing new. A last line without its
        end is left for later. Hold ``lock`` while iterating.

        Raises
        ------
        FeedbackError
            If the file cannot be read.
        """
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return
        except OSError as error:
            raise FeedbackError(f"cannot read {self.path}: {error.strerror}") from error
        if size == self._read:
            return
        if size < self._read:
            raise FeedbackError(f"{self.path} lost lines it had; restore it, then start anew")
        try:
            with self.path.open("rb") as source:
                source.seek(self._read)
                text = source.read(size - self._read)
        except OSError as error:
            raise FeedbackError(f"cannot read {self.path}: {error.strerror}") from error
        for line in text.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                return
            if _complete(line):
                yield self._lines + 1, line
            # only now: a line that its reader refuses is met again, not skipped, next time
            self._read += len(line)
            self._lines += 1


def _complete(line: bytes) -> bool:
    """Say whether a line holds something and its writer did not die in the middle of it."""
    return line.rstrip().endswith(b"}")
