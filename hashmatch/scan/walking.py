"""Finding every file below the roots of a scan, in an order that never changes."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
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
    for root in distinct(roots):
        yield from _walk(root, follow_symlinks)


def distinct(roots: Iterable[str]) -> list[str]:
    """Return the roots without those that the others reach anyway, in their order.

    A root is left out if it was named before, or lies inside another one and is no symbolic link
    or behind one: a link is followed only because it was named.
    """
    places: dict[str, str] = {}
    for root in roots:
        places.setdefault(os.path.abspath(root), root)  # noqa: PTH100 - str keeps odd bytes
    return [root for place, root in places.items() if not _reached(place, places)]


def _reached(place: str, places: Collection[str]) -> bool:
    """Say whether walking the nearest root above a place comes to it."""
    above, within = os.path.split(place)
    while above not in places:
        up, name = os.path.split(above)
        if up == above:
            return False
        above, within = up, os.path.join(name, within)  # noqa: PTH118
    if above == place:  # the top of the file system
        return False
    return os.path.realpath(place) == os.path.join(os.path.realpath(above), within)  # noqa: PTH118


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
