"""Archives that only libarchive can read (7z, rar), by the ``archives`` extra."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from hashmatch.types import Reason

if TYPE_CHECKING:
    from hashmatch.scan.archives import Budget, Member

_BLOCK = 64 << 10
# a stored 22-byte ZIP without members: opening it makes libarchive and ctypes load everything
_NOTHING = b"PK\x05\x06" + bytes(18)


def load() -> Any | None:
    """Return the libarchive binding, or ``None`` if it is not installed."""
    try:
        import libarchive
    except (ImportError, OSError, AttributeError, TypeError):  # the binding, or the C library
        return None
    return libarchive


def prepare() -> None:
    """Load the library while files can still be opened, callbacks included."""
    libarchive = load()
    if libarchive is not None:
        with libarchive.stream_reader(io.BytesIO(_NOTHING)) as opened:
            for _ in opened:
                pass


def members(source: IO[bytes], kind: str, budget: Budget) -> Iterator[Member]:
    """Give the files inside an archive, as :func:`hashmatch.scan.archives.members` does."""
    from hashmatch.scan.archives import ArchiveError, Member

    libarchive = load()
    if libarchive is None:
        raise ArchiveError(
            Reason.ARCHIVE_UNSUPPORTED,
            f"{kind} archives need libarchive; run: pip install 'hashmatch[archives]'",
        )
    with libarchive.seekable_stream_reader(source, block_size=_BLOCK) as opened:
        for entry in opened:
            if entry.isdir:
                continue
            budget.count()
            name = entry.pathname
            if entry.issym or entry.islnk:
                yield Member(name, None, Reason.SYMLINK, "a link inside an archive")
            elif not entry.isfile:
                yield Member(name, None, Reason.SPECIAL_FILE, "a device or pipe, not a file")
            else:
                yield Member(name, partial(_opened, entry))


def _opened(entry: Any) -> io.BufferedReader:
    return io.BufferedReader(_Blocks(entry), _BLOCK)


class _Blocks(io.RawIOBase):
    """An entry's blocks as a stream."""

    def __init__(self, entry: Any) -> None:
        self._blocks = entry.get_blocks()
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        if not self._left:
            self._left = memoryview(next(self._blocks, b""))
        taken = self._left[: len(buffer)]
        self._left = self._left[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)
