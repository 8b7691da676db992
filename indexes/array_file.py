"""One array in one file: header, payload, checksums of its blocks.

    offset 0      16 bytes   magic
    16            u32        format version, 1
    20            u32        bytes in a block, 1 MiB
    24            u64        bytes of payload
    32            8 bytes    numpy's name of the dtype, such as ``<u4``, padded with zeros
    40            u32        number of dimensions, at most 4
    44            u32        zero
    48            4 x u64    shape
    80            ...        zeros
    4096          payload    little-endian, C order
    4096 + bytes  u32 each   CRC-32C of every block of the payload

Everything is little-endian. The *seal* of a file is the SHA-256 of its header and its checksums:
it is small enough to check whenever the file is opened, and the checksums it vouches for vouch
for the payload, block by block. The manifest keeps the seal, so one array cannot be passed off
as another.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hashmatch import kernels
from hashmatch.errors import SnapshotCorruptError

MAGIC = b"hashmatch\0array\0"
VERSION = 1
BLOCK = 1 << 20
HEADER = 4096
_FIELDS = struct.Struct("<16sIIQ8sII4Q")
_HUGE = 8 << 20
"""Arrays from this size on ask the system for huge pages."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What the manifest keeps about a file."""

    size: int
    seal: str


class ArrayWriter:
    """Writes an array of known dtype, row by row or at once, and has it on disk when it closes.

    Parameters
    ----------
    path : Path
        The new file.
    dtype : dtype
        Little-endian whatever the machine is.
    row : tuple of int
        The shape of one row; ``()`` for a one-dimensional array.
    """

    def __init__(self, path: Path, dtype: DTypeLike, row: tuple[int, ...] = ()) -> None:
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._row = row
        self._rows = 0
        self._bytes = 0
        self._sums: list[NDArray[np.uint32]] = []
        self._pending = bytearray()
        self._file = path.open("xb", buffering=0)
        path.chmod(0o600)
        self._file.write(bytes(HEADER))
        self.sealed: Seal | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._file.close()

    def append(self, rows: NDArray[Any]) -> None:
        """Write more rows."""
        data = np.ascontiguousarray(rows, self._dtype)
        if data.shape[1:] != self._row:
            raise ValueError(f"rows of shape {data.shape[1:]} in an array of {self._row}")
        self._rows += len(data)
        if data.size:
            self._write(data.reshape(-1).view(np.uint8))

    def append_bytes(self, data: bytes) -> None:
        """Write more rows of an array of single bytes."""
        self._rows += len(data)
        self._write(np.frombuffer(data, np.uint8))

    def _write(self, data: NDArray[np.uint8]) -> None:
        self._bytes += len(data)
        if self._pending:
            taken = min(len(data), BLOCK - len(self._pending))
            self._pending += data[:taken].tobytes()
            data = data[taken:]
            if len(self._pending) < BLOCK:
                return
            self._put(np.frombuffer(bytes(self._pending), np.uint8))
            self._pending.clear()
        whole = len(data) // BLOCK * BLOCK
        if whole:
            self._put(data[:whole])
        self._pending += data[whole:].tobytes()

    def _put(self, data: NDArray[np.uint8]) -> None:
        self._sums.append(kernels.checksum.block_checksums(data, BLOCK, kernels.level()))
        self._write_out(data.data)

    def _write_out(self, rest: memoryview) -> None:
        while rest:
            rest = rest[self._file.write(rest) :]

    def _finish(self) -> None:
        if self._pending:
            self._put(np.frombuffer(bytes(self._pending), np.uint8))
        sums = np.concatenate([np.empty(0, np.uint32), *self._sums]).astype("<u4").tobytes()
        self._write_out(memoryview(sums))
        header = _header(self._dtype, (self._rows, *self._row), self._bytes)
        self._file.seek(0)
        self._file.write(header)
        os.fsync(self._file.fileno())
        digest = hashlib.sha256(header + sums).hexdigest()
        self.sealed = Seal(HEADER + self._bytes + len(sums), digest)


class ArrayFile:
    """A stored array, mapped and read-only.

    Opening checks the size and the seal. The payload is compared with its checksums before it is
    first used: all of it by :attr:`array`, only the blocks that are touched by :meth:`rows`.

    Parameters
    ----------
    path : Path
    size : int
    seal : str
        As the manifest has them.

    Raises
    ------
    SnapshotCorruptError
        If the file is missing, or size, header or checksums are not what they should be.
    """

    def __init__(self, path: Path, size: int, seal: str) -> None:
        self.name = path.name
        self._lock = threading.Lock()
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno()).st_size
                if found != size or size < HEADER:
                    raise self._damaged(f"has {found:,} bytes instead of {size:,}")
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise self._damaged(f"cannot be read ({error.strerror})") from error
        header = self._map[:HEADER]
        magic, version, block, payload, dtype, dimensions, _, *shape = _FIELDS.unpack_from(header)
        if hashlib.sha256(header + self._map[HEADER + payload :]).hexdigest() != seal:
            raise self._damaged("has a damaged header or was exchanged")
        if magic != MAGIC or version != VERSION:
            raise self._damaged(f"has format {version}, which this version cannot read")
        self._block = block
        self._payload: NDArray[np.uint8] = np.frombuffer(
            self._map, np.uint8, count=payload, offset=HEADER
        )
        self._sums = np.frombuffer(self._map, "<u4", offset=HEADER + payload)
        stored = np.dtype(dtype.rstrip(b"\0").decode("ascii"))
        self._array: NDArray[Any] = self._payload.view(stored).reshape(shape[:dimensions])
        if sys.byteorder == "big":
            self._array = self._array.astype(stored.newbyteorder("="))
        self._row_bytes = payload // shape[0] if shape[0] else 0
        self._sound = np.zeros(len(self._sums), np.bool_)
        self._all_sound = not len(self._sums)
        if payload >= _HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
            with suppress(OSError):  # a kernel without them; nothing but speed depends on it
                self._map.madvise(mmap.MADV_HUGEPAGE)

    def __len__(self) -> int:
        return len(self._array)

    @property
    def array(self) -> NDArray[Any]:
        """The whole array, compared with its checksums when it is first asked for.

        Raises
        ------
        SnapshotCorruptError
            If a block is damaged.
        """
        if not self._all_sound:
            self._check(0, len(self._sums))
            self._all_sound = True
        return self._array

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """Return some rows, of which only the blocks they lie in are checked.

        Raises
        ------
        SnapshotCorruptError
            If a block is damaged.
        """
        if not self._all_sound and stop > start:
            first = start * self._row_bytes // self._block
            last = -(-stop * self._row_bytes // self._block)
            if not self._sound[first:last].all():
                self._check(first, last)
        return self._array[start:stop]

    def _check(self, first: int, last: int) -> None:
        with self._lock:
            if self._sound[first:last].all():
                return
            part = self._payload[first * self._block : last * self._block]
            found = kernels.checksum.block_checksums(part, self._block, kernels.level())
            wrong = np.flatnonzero(found != self._sums[first:last])
            if len(wrong):
                raise self._damaged(f"is damaged in block {first + int(wrong[0])}")
            self._sound[first:last] = True

    def _damaged(self, what: str) -> SnapshotCorruptError:
        return SnapshotCorruptError(
            self.name,
            f"{self.name} {what}; the snapshot is refused. Run 'hashmatch index verify', then "
            "'hashmatch index build' to make a new one",
        )


def _header(dtype: np.dtype[Any], shape: tuple[int, ...], payload: int) -> bytes:
    name = dtype.str.encode("ascii")
    padded = (*shape, *(0,) * (4 - len(shape)))
    fields = _FIELDS.pack(MAGIC, VERSION, BLOCK, payload, name, len(shape), 0, *padded)
    return fields.ljust(HEADER, b"\0")
