"""The JSON records of entries, one behind the other, read one at a time."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hashmatch.errors import IndexArgumentError
from hashmatch.indexes.array_file import ArrayFile, ArrayWriter

RECORDS, OFFSETS = "entries.records.arr", "entries.offsets.arr"
_BUFFER = 4 << 20
_STREAM = 4096


def write_entries(folder: Path, records: Iterable[bytes]) -> tuple[int, list[ArrayWriter]]:
    """Write records as they come and return how many there were, and the files."""
    count = 0
    with (
        ArrayWriter(folder / RECORDS, np.uint8) as blob,
        ArrayWriter(folder / OFFSETS, np.uint64) as offsets,
    ):
        held: list[bytes] = []
        ends = [0]
        end = size = 0
        for record in records:
            held.append(record)
            size += len(record)
            end += len(record)
            ends.append(end)
            if size >= _BUFFER:
                blob.append_bytes(b"".join(held))
                offsets.append(np.array(ends, np.uint64))
                count += len(held)
                held, ends, size = [], [], 0
        blob.append_bytes(b"".join(held))
        offsets.append(np.array(ends, np.uint64))
        count += len(held)
    return count, [blob, offsets]


class Entries:
    """Reads stored records; only the blocks a record lies in are checked and loaded."""

    def __init__(self, records: ArrayFile, offsets: ArrayFile) -> None:
        self._records = records
        self._offsets = offsets

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def raw(self, number: int) -> bytes:
        """Return the bytes of a record.

        Raises
        ------
        IndexArgumentError
            If there is no such entry.
        SnapshotCorruptError
            If a block it lies in is damaged.
        """
        if not 0 <= number < len(self):
            raise IndexArgumentError(f"there is no entry {number}; there are {len(self):,}")
        start, stop = self._offsets.rows(number, number + 2).tolist()
        return self._records.rows(start, stop).tobytes()

    def stream(self) -> Iterator[bytes]:
        """Give the bytes of every record, reading many at a time."""
        for first in range(0, len(self), _STREAM):
            last = min(first + _STREAM, len(self))
            ends = self._offsets.rows(first, last + 1).astype(np.int64)
            part = self._records.rows(int(ends[0]), int(ends[-1])).tobytes()
            within = (ends - ends[0]).tolist()
            for start, stop in itertools.pairwise(within):
                yield part[start:stop]

    def __getitem__(self, number: int) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self.raw(number))
        return record
