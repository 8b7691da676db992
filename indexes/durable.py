"""Writing to disk so that a crash leaves the old state or the new one, complete."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hashmatch.errors import SnapshotError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, where the system can do that."""
    if sys.platform == "win32":  # a folder cannot be opened there; NTFS journals its names
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, data: bytes) -> None:
    """Write a new file and have its content on disk; the folder still has to be synced."""
    handle = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600
    )
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_durably(path: Path, data: bytes) -> None:
    """Replace a file as a whole: after a crash it has its old content or the new one."""
    fresh = path.with_name(path.name + ".new")
    write_durably(fresh, data)
    fresh.replace(path)
    sync_folder(path.parent)


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold a lock that the system lets go of when this process ends, however it ends.

    Parameters
    ----------
    path : Path
        The lock file; it stays behind, empty.
    wait : bool
        Whether to wait for another holder or to fail.

    Raises
    ------
    SnapshotError
        If another process or thread holds it and ``wait`` is false.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(handle, wait)
        except BlockingIOError:
            raise SnapshotError(
                f"another process is writing in {path.parent}; wait until it is done"
            ) from None
        yield
    finally:
        os.close(handle)  # which lets go of the lock


if sys.platform == "win32":

    def _lock(handle: int, wait: bool) -> None:
        while True:
            try:
                msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            except PermissionError as error:
                raise BlockingIOError from error
            except OSError:  # LK_LOCK gives up after ten seconds
                if wait:
                    continue
                raise
            return

else:

    def _lock(handle: int, wait: bool) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
