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
    status : os.stat_result or None
        Of a regular file, as the walk saw it.
    """

    path: str
    refused: Reason | None = None
    message: str | None = None
    status: os.stat_result | None = None


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
        yield from _walk(root, follow_symlinks)


@dataclass(slots=True)
class _Folder:
    """A folder being walked: which one it is, and the names still to come, the next one last."""

    path: str
    identity: tuple[int, int]
    names: list[str]


def _walk(root: str, follow: bool) -> Iterator[Found]:
    # an explicit stack: a tree deeper than Python's recursion limit is still walked
    above: list[_Folder] = []
    path, named = root, True
    while True:
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode) and (follow or named):
                status = os.stat(path)  # noqa: PTH116 - str keeps odd bytes
            if stat.S_ISDIR(status.st_mode):
                identity = (status.st_dev, status.st_ino)
                if any(folder.identity == identity for folder in above):
                    yield Found(path, Reason.SYMLINK, "a symbolic link back to a folder above it")
                else:
                    with os.scandir(path) as entries:
                        names = [entry.name for entry in entries]
                    names.sort(key=os.fsencode, reverse=True)
                    above.append(_Folder(path, identity, names))
            else:
                yield _no_folder(path, status)
        except OSError as error:
            yield Found(path, reason_for(error), f"cannot be read: {error.strerror}")
        while above and not above[-1].names:
            above.pop()
        if not above:
            return
        path = os.path.join(above[-1].path, above[-1].names.pop())  # noqa: PTH118 - as above
        named = False


def _no_folder(path: str, status: os.stat_result) -> Found:
    if stat.S_ISREG(status.st_mode):
        return Found(path, status=status)
    if stat.S_ISLNK(status.st_mode):
        return Found(path, Reason.SYMLINK, "a symbolic link, which is not followed")
    return Found(path, Reason.SPECIAL_FILE, "a device, pipe or socket, not a file")
