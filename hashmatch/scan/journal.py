"""What a scan has found so far, on disk before anything is built on it.

One JSON object a line, appended and never changed: a file's derived inputs (members of an
archive, an embedded thumbnail) first, then the file itself, which closes its group. Each line
carries its own checksum. After a crash everything up to the last closed, sound group counts.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch.errors import OutputError
from hashmatch.scan.record import FILE

# Written lines outlive the process at once; a power cut may take the last so many seconds.
SYNC_SECONDS = 1.0
_OPEN, _MIDDLE, _CLOSE = b'{"crc":"', b'","r":', b"}\n"
_PAYLOAD = len(_OPEN) + 8 + len(_MIDDLE)


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells whether a file is still the one that was read."""

    size: int
    modified_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """Return the identity of a file from its status."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev)

    def to_json(self) -> list[int]:
        """Return the identity as JSON values."""
        return [self.size, self.modified_ns, self.inode, self.device]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a journal.

    Parameters
    ----------
    path : str
        The file, with surrogate escapes for bytes that are not UTF-8.
    member : str
        What inside the file, such as ``!/b/c.jpg``; empty for the file itself.
    found : bytes
        The examination, as :mod:`hashmatch.matching.wire` writes it.
    identity : Identity or None
        Of the file when it was read; ``None`` if it could not be.
    kind : str
        What sort of input it is; see :mod:`hashmatch.scan.record`.
    """

    path: str
    member: str
    found: bytes
    identity: Identity | None = None
    kind: str = FILE

    def to_line(self) -> bytes:
        """Return the line, with its checksum and line break."""
        head: dict[str, Any] = {"path": self.path}
        if self.member:
            head["member"] = self.member
        if self.identity is not None:
            head["id"] = self.identity.to_json()
        if self.kind != FILE:
            head["kind"] = self.kind
        start = json.dumps(head, separators=(",", ":"))[:-1].encode("ascii")
        payload = start + b',"found":' + self.found + b"}"
        return _OPEN + b"%08x" % zlib.crc32(payload) + _MIDDLE + payload + _CLOSE

    @classmethod
    def from_line(cls, line: bytes) -> Self | None:
        """Read a line; ``None`` if it is torn or damaged."""
        payload = line[_PAYLOAD : -len(_CLOSE)]
        if (
            not line.startswith(_OPEN)
            or not line.endswith(_CLOSE)
            or line[len(_OPEN) : len(_OPEN) + 8] != b"%08x" % zlib.crc32(payload)
        ):
            return None
        try:
            shape = json.loads(payload)
            start = payload.index(b',"found":') + len(b',"found":')
            identity = shape.get("id")
            return cls(
                shape["path"],
                shape.get("member", ""),
                payload[start:-1],
                Identity(*identity) if identity else None,
                shape.get("kind", FILE),
            )
        except (ValueError, KeyError, TypeError):  # sound checksum, foreign content
            return None


class Journal:
    """A journal being written.

    Parameters
    ----------
    path : Path
        The file; made if missing.
    keep : int or None
        Cut the file to so many bytes first: what a crash left behind a sound end.

    Raises
    ------
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: Path, keep: int | None = None) -> None:
        self.path = path
        try:
            self._descriptor = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
            if keep is not None:
                os.ftruncate(self._descriptor, keep)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from error
        # the disk takes its time; whoever hands out files to the workers must not wait for it
        self._syncer = ThreadPoolExecutor(1, thread_name_prefix="hashmatch-journal")
        self._syncing: Future[None] | None = None
        self._synced = time.monotonic()

    def append(self, entry: Entry) -> None:
        """Write an entry; it survives the end of this process from here on.

        Raises
        ------
        OSError
            If it, or what was written before it, cannot be put on the disk.
        """
        line = memoryview(entry.to_line())
        while line:
            line = line[os.write(self._descriptor, line) :]
        if time.monotonic() - self._synced >= SYNC_SECONDS:
            if self._syncing is not None:
                self._syncing.result()
            self._syncing = self._syncer.submit(os.fdatasync, self._descriptor)
            self._synced = time.monotonic()

    def close(self) -> None:
        """Put everything on the disk itself, and close.

        Raises
        ------
        OSError
            If that fails, or failed before.
        """
        try:
            if self._syncing is not None:
                self._syncing.result()
            os.fdatasync(self._descriptor)
        finally:
            self._syncer.shutdown()
            os.close(self._descriptor)


def groups(path: Path) -> Iterator[tuple[int, list[Entry]]]:
    """Give each sound, closed group of a journal with the offset of its end."""
    with path.open("rb") as stream:
        yield from _groups(stream)


def _groups(stream: BinaryIO) -> Iterator[tuple[int, list[Entry]]]:
    position = stream.tell()
    group: list[Entry] = []
    for line in stream:
        position += len(line)
        entry = Entry.from_line(line)
        if entry is None or (group and entry.path != group[0].path):
            return
        group.append(entry)
        if not entry.member:
            yield position, group
            group = []


class JournalIndex:
    """Finds the group of a file in a journal, in 24 bytes of memory a file.

    Parameters
    ----------
    path : Path
        The journal; read once from end to end, so it is known where it is sound.
    """

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb")
        keys: list[int] = []
        starts: list[int] = []
        ends: list[int] = []
        begin = 0
        for end, group in groups(path):
            keys.append(_key(group[0].path))
            starts.append(begin)
            ends.append(end)
            begin = end
        self.sound_bytes = begin
        made: NDArray[np.uint64] = np.array(keys, np.uint64)
        order = np.argsort(made, kind="stable")
        self._keys = made[order]
        self._starts = np.array(starts, np.int64)[order]

    def close(self) -> None:
        """Close the journal."""
        self._stream.close()

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, path: str) -> list[Entry] | None:
        """Return the latest group of a file."""
        key = np.uint64(_key(path))
        first = int(np.searchsorted(self._keys, key, "left"))
        last = int(np.searchsorted(self._keys, key, "right"))
        for place in range(last - 1, first - 1, -1):  # a later record replaces an earlier one
            self._stream.seek(int(self._starts[place]))
            _, group = next(_groups(self._stream))
            if group[0].path == path:
                return group
        return None


def _key(path: str) -> int:
    digest = hashlib.blake2b(os.fsencode(path), digest_size=8).digest()
    return int.from_bytes(digest, "little")
