"""Finding every file below the roots of a scan, in an order that never changes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hashmatch.media import reason_for
from hashmatch.types import Reason


@dataclass(frozen=True, slots=True)
class Found:
    """Something the walk came upon.

    Parameters
    ----------
    path : str
        Its path; bytes that are not UTF-8 are kept as Python's surrogate escapes.
    refused : Reason or None
        Why it will not be read, if so.
    message : str or None
        The same in a sentence.
    """

    path: str
    refused: Reason | None = None
    message: str | None = None


def walk(roots: Iterable[str], *, follow_symlinks: bool = False) -> Iterator[Found]:
    """Give every file below the roots, and everything that cannot be read, exactly once each.

    Folders are walked depth first and names sorted by their bytes, so two walks of the same tree
    agree. A root that is itself a symbolic link is followed, since somebody named it.

    Parameters
    ----------
    roots : iterable of str
        Files and folders.
    follow_symlinks : bool
        Whether links inside the tree are followed. A link back to a folder being walked is
        refused, so loops end.
    """
    for root in roots:
        yield from _walk(root, follow_symlinks, named=True, above=())


def _walk(
    path: str, follow: bool, *, named: bool, above: tuple[tuple[int, int], ...]
) -> Iterator[Found]:
    # an explicit stack: a tree deeper than Python's recursion limit is still walked
    waiting = [(path, named, above)]
    while waiting:
        path, named, above = waiting.pop()
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                if not (follow or named):
                    yield Found(path, Reason.SYMLINK, "a symbolic link, which is not followed")
                    continue
                status = os.stat(path)  # noqa: PTH116 - as above
            if stat.S_ISREG(status.st_mode):
                yield Found(path)
                continue
            if not stat.S_ISDIR(status.st_mode):
                yield Found(path, Reason.SPECIAL_FILE, "a device, pipe or socket, not a file")
                continue
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                yield Found(path, Reason.SYMLINK, "a symbolic link back to a folder above it")
                continue
            with os.scandir(path) as entries:
                names = sorted((entry.name for entry in entries), key=os.fsencode, reverse=True)
        except OSError as error:
            yield Found(path, reason_for(error), f"cannot be read: {error.strerror}")
            continue
        below = (*above, identity)
        waiting += [(os.path.join(path, name), False, below) for name in names]  # noqa: PTH118 - str keeps odd bytes
