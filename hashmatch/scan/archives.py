"""What is inside archives, read in memory and never written anywhere.

Runs inside the locked-down worker. Nothing is extracted, so a member called ``../../etc/passwd``
is only a name in a report. A budget bounds what an archive may unfold to, so a bomb ends in a
verdict.
"""

from __future__ import annotations

import bz2
import codecs
import copy
import gzip
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import IO, Any, Protocol

from hashmatch.scan import foreign_archives
from hashmatch.types import Reason

_CHUNK = 1 << 20
# a sign of life is given after so many unfolded bytes
STRIDE = 32 << 20


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How far archives are gone into.

    Parameters
    ----------
    depth : int
        Archives inside archives, counting the outermost as 1.
    members : int
        Files inside one outermost archive.
    total_bytes : int
        Bytes one outermost archive may unfold to, its inner archives included.
    ratio : int
        How many times its own size an outermost archive may unfold to, once it has unfolded to
        more than ``free_bytes``.
    free_bytes : int
        Where the ratio begins to count.
    """

    depth: int = 4
    members: int = 1_000_000
    total_bytes: int = 64 << 30
    ratio: int = 200
    free_bytes: int = 64 << 20

    def to_json(self) -> dict[str, int]:
        """Return the limits as JSON values."""
        return asdict(self)


class Readable(Protocol):
    """The content of a member."""

    def read1(self, size: int, /) -> bytes:
        """Return some bytes, none at the end."""


class ArchiveError(Exception):
    """An archive cannot be gone through any further."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(slots=True)
class Budget:
    """What is left for one outermost archive."""

    limits: ArchiveLimits
    archive_size: int
    unfolded: int = 0
    members: int = 0

    def spend(self, count: int) -> None:
        """Count unfolded bytes.

        Raises
        ------
        ArchiveError
            If they are too many.
        """
        self.unfolded += count
        most = min(
            self.limits.total_bytes,
            max(self.limits.free_bytes, self.archive_size * self.limits.ratio),
        )
        if self.unfolded > most:
            raise ArchiveError(
                Reason.ARCHIVE_LIMIT,
                f"unfolds to more than {most:,} bytes; unpack it and scan the folder, or raise "
                "the limits",
            )

    def count(self) -> None:
        """Count a member.

        Raises
        ------
        ArchiveError
            If there are too many.
        """
        self.members += 1
        if self.members > self.limits.members:
            raise ArchiveError(
                Reason.ARCHIVE_LIMIT, f"holds more than {self.limits.members:,} files"
            )


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside an archive.

    Parameters
    ----------
    name : str
        Its name as the archive states it.
    open : callable or None
        Opens its content; ``None`` where it cannot be read.
    reason, message : Reason and str, or None
        Why it cannot be read.
    """

    name: str
    open: Callable[[], Readable] | None
    reason: Reason | None = None
    message: str | None = None


class DescriptorFile(io.RawIOBase):
    """A descriptor as a file object, by the few system calls the sandbox allows."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be searched."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        data = os.pread(self._descriptor, len(buffer), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class _Metered(io.RawIOBase):
    """A stream of unfolded bytes that are counted as they are read."""

    def __init__(self, stream: Readable, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        # one piece at a time: a longer read would lose what lies before damage
        data = self._stream.read1(min(len(buffer), _CHUNK))
        self._budget.spend(len(data))
        buffer[: len(data)] = data
        return len(data)


_MAGIC = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b\x08": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"\x28\xb5\x2f\xfd": "zst",
}
HEAD = 512
_TAR_AT, _TAR = 257, b"ustar"
_ZIP_END, _ZIP_END_WITHIN = b"PK\x05\x06", 65557
_OPENERS: dict[str, Callable[[Any], Any]] = {
    "gz": lambda stream: gzip.GzipFile(fileobj=stream),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}


def sniff(head: bytes | memoryview, tail: bytes | memoryview = b"") -> str | None:
    """Return which kind of archive begins with ``head`` (or, for ZIP, ends with ``tail``)."""
    head = bytes(head[:HEAD])
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return "tar"
    # a ZIP can hang behind anything: a self-extracting program, a picture
    tail = bytes(tail[-_ZIP_END_WITHIN:])
    end = tail.rfind(_ZIP_END)
    if end >= 0 and end + 22 + int.from_bytes(tail[end + 20 : end + 22], "little") == len(tail):
        return "zip"
    return None


def prepare() -> None:
    """Load codecs and everything else reading an archive needs, while files can be opened."""
    codecs.lookup("cp437")  # names in a ZIP
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:xz") as made:
        made.addfile(tarfile.TarInfo("\u00e9"))
    content.seek(0)
    budget = Budget(ArchiveLimits(), len(content.getvalue()))
    for _ in members(content, "xz", budget):
        pass
    foreign_archives.prepare()


def members(source: IO[bytes], kind: str, budget: Budget) -> Iterator[Member]:
    """Give the files inside an archive one after the other; each is read before the next.

    Parameters
    ----------
    source : binary file
        The archive, at its start.
    kind : str
        From :func:`sniff`.
    budget : Budget
        Spent by whatever unfolds.

    Raises
    ------
    ArchiveError
        If it cannot be gone through, or not to its end.
    """
    try:
        if kind == "zip":
            yield from _zip(source, budget)
        elif kind == "tar":
            yield from _tar(source, budget, unfolding=False)
        elif kind in _OPENERS:
            yield from _compressed(source, kind, budget)
        else:
            yield from _foreign(source, kind, budget)
    except ArchiveError:
        raise
    except MemoryError:
        raise ArchiveError(Reason.ARCHIVE_LIMIT, "needs more memory than a worker has") from None
    except Exception as error:  # noqa: BLE001 - the edge to code that reads hostile bytes
        # parsers of hostile bytes raise what they like; the message may quote the content
        raise ArchiveError(
            Reason.ARCHIVE_DAMAGED, f"damaged {kind} archive ({type(error).__name__})"
        ) from None


@dataclass(frozen=True, slots=True)
class Content:
    """What reading a member gave.

    Parameters
    ----------
    data : bytes
        Its content, or the beginning of one that is too large to hold.
    rest : Readable or None
        The rest of one that is too large.
    damaged : bool
        Whether reading ended in an error; what was read until then still counts.
    """

    data: bytes
    rest: Readable | None = None
    damaged: bool = False


def read_member(member: Member, most: int, budget: Budget) -> Generator[bytes, None, Content]:
    """Read a member's content up to ``most`` bytes, yielding signs of life on the way."""
    assert member.open is not None, "a member that cannot be read is never opened"
    content = io.BytesIO()
    signs = 0
    try:
        stream = member.open()
        while content.tell() <= most:
            piece = stream.read1(_CHUNK)
            if not piece:
                return Content(content.getvalue())
            budget.spend(len(piece))
            content.write(piece)
            if content.tell() // STRIDE > signs:
                signs += 1
                yield b""
    except (ArchiveError, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - as in members()
        return Content(content.getvalue(), damaged=True)
    return Content(content.getvalue(), stream)


def _zip(source: IO[bytes], budget: Budget) -> Iterator[Member]:
    with zipfile.ZipFile(source) as opened:
        for info in opened.infolist():
            if info.is_dir():
                continue
            budget.count()
            if info.flag_bits & 1:
                yield Member(
                    info.filename, None, Reason.ARCHIVE_ENCRYPTED, "protected by a password"
                )
            else:
                yield Member(info.filename, partial(_Checked, opened, info))


class _Checked:
    """A member of a ZIP whose checksum is held against it only after all of it was given."""

    def __init__(self, opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._expected, self._crc = info.CRC, 0
        unchecked = copy.copy(info)
        del unchecked.CRC
        self._stream: Any = opened.open(unchecked)

    def read1(self, size: int, /) -> bytes:
        """Return some bytes, none at the end."""
        data: bytes = self._stream.read1(size)
        self._crc = zlib.crc32(data, self._crc)
        if not data and self._crc != self._expected:
            raise zipfile.BadZipFile("the checksum does not fit")
        return data


def _tar(source: Any, budget: Budget, *, unfolding: bool) -> Iterator[Member]:
    mode = "r|" if unfolding else "r:"
    with tarfile.open(fileobj=source, mode=mode) as opened:  # type: ignore[call-overload]
        for info in opened:
            if info.isdir():
                continue
            budget.count()
            if info.issym() or info.islnk():
                yield Member(info.name, None, Reason.SYMLINK, "a link inside an archive")
            elif not info.isreg():
                yield Member(info.name, None, Reason.SPECIAL_FILE, "a device or pipe, not a file")
            else:
                yield Member(info.name, partial(_tar_member, opened, info))
            opened.members = []  # or it would remember every member of a large archive


def _tar_member(opened: tarfile.TarFile, info: tarfile.TarInfo) -> Readable:
    stream: Any = opened.extractfile(info)
    if stream is None:
        raise tarfile.TarError("not a regular file")
    return stream  # type: ignore[no-any-return]


def _compressed(source: IO[bytes], kind: str, budget: Budget) -> Iterator[Member]:
    with _OPENERS[kind](source) as opened:
        head = opened.read(HEAD)
    source.seek(0)
    with _OPENERS[kind](source) as opened:
        if sniff(head) == "tar":
            yield from _tar(_Metered(opened, budget), budget, unfolding=True)
            return
        budget.count()
        yield Member("content", lambda: opened)


def _foreign(source: IO[bytes], kind: str, budget: Budget) -> Iterator[Member]:
    """Go through what libarchive knows."""
    yield from foreign_archives.members(source, kind, budget)
