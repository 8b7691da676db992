"""Opening an input and reading it through its descriptor, as a locked-down worker has to."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hashmatch import hashing, media
from hashmatch.errors import MediaError
from hashmatch.matching.examine import Examination, KnownGood, exact_only, examine
from hashmatch.matching.plan import Plan
from hashmatch.types import Reason

CHUNK = 1 << 20

FilePath = str | bytes | os.PathLike[Any]


def examine_file(
    path: FilePath,
    examined: Callable[[int, int], Examination],
    *,
    follow_symlinks: bool = True,
) -> Examination:
    """Open a file read-only, have it examined, and note whether it was written to meanwhile.

    Parameters
    ----------
    path : path
    examined : callable
        Examines the file behind a descriptor; called with that and the file's size in bytes.
    follow_symlinks : bool
        Whether a symbolic link is followed or refused.
    """
    try:
        descriptor = media.open_file(path, follow_symlinks=follow_symlinks)
    except MediaError as error:
        return refusal(error)
    try:
        before = os.fstat(descriptor)
        found = examined(descriptor, before.st_size)
        if changed(before, os.fstat(descriptor)):
            note_change(found)
    finally:
        os.close(descriptor)
    return found


def examine_descriptor(
    descriptor: int,
    plan: Plan,
    *,
    size: int | None = None,
    known_good: KnownGood | None = None,
    undecoded: tuple[Reason, str] | None = None,
) -> Examination:
    """Examine the regular file behind a descriptor; see :func:`~hashmatch.matching.examine`.

    Only the first ``size`` bytes count where that is given: memory that is lent is longer than
    what it holds. A file above the plan's ``max_bytes`` is hashed piece by piece and not decoded.
    Only calls that the sandbox allows are made.
    """
    try:
        if size is None:
            size = os.lseek(descriptor, 0, os.SEEK_END)
        os.lseek(descriptor, 0, os.SEEK_SET)
        if size > plan.limits.max_bytes:
            hasher = PieceHasher(plan)
            while piece := os.read(descriptor, CHUNK):
                hasher.add(piece)
            return hasher.finish()
        data = read_all(descriptor, size)
    except OSError as error:
        return Examination(reason=Reason.READ_FAILED, message=f"cannot be read: {error.strerror}")
    return examine(data, plan, known_good=known_good, undecoded=undecoded)


def read_all(descriptor: int, size: int) -> memoryview:
    """Read up to ``size`` bytes: a file that grows meanwhile is read as far as it went."""
    buffer = memoryview(bytearray(size))
    done = 0
    while done < size:
        count = os.readv(descriptor, [buffer[done:]])
        if not count:
            break
        done += count
    return buffer[:done]


class PieceHasher:
    """Cryptographic hashes of content too large to hold in memory, taken piece by piece.

    Parameters
    ----------
    plan : Plan
        Which ones.
    """

    def __init__(self, plan: Plan) -> None:
        self._limit = plan.limits.max_bytes
        self._hasher = hashing.CryptoHasher(plan.cryptographic)
        self._size = 0

    def add(self, piece: bytes) -> None:
        """Take the next piece."""
        self._size += len(piece)
        self._hasher.update(piece)

    def finish(self) -> Examination:
        """Return the examination: hashed, but too large to decode."""
        message = f"larger than {self._limit:,} bytes; only exact copies were looked for"
        return exact_only(self._hasher.finish(), self._size, Reason.TOO_MANY_BYTES, message)


def changed(before: os.stat_result, after: os.stat_result) -> bool:
    """Say whether a file was written to between two looks at it."""
    return (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)


def note_change(found: Examination) -> None:
    """Mark an examination of a file that was written to while it was read."""
    if found.reason is None or found.reason is not Reason.READ_FAILED:
        found.reason = Reason.CHANGED
        found.message = "the file was written to while it was read; scan it again when it rests"


def refusal(error: MediaError) -> Examination:
    """Return the examination of an input that could not even be opened."""
    return Examination(reason=error.reason, message=str(error))
