"""Entries by the ten thousand: one array per hash type instead of one object per value.

A list of ten million hashes is read, stored and exported as blocks. What most entries lack (an
id of their own, a category, metadata) costs a block nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types
from hashmatch.lists import identity
from hashmatch.types import UNKNOWN_QUALITY, Category, Entry, HashValue

BLOCK_SIZE = 32_768
LARGEST_METADATA = 1 << 24
"""Bytes of metadata after which a block is full, however few its entries."""
UNMAPPED = "unmapped"
"""The scheme of category codes whose list was imported without one."""

Codes = NDArray[np.uint8]
Rows = NDArray[np.uint32]


@dataclass(slots=True)
class Column:
    """The values of one hash type in a block.

    Parameters
    ----------
    codes : (m, size) uint8
        The values.
    rows : (m,) uint32 or None
        The entry each value belongs to, in rising order; ``None`` where every entry has exactly
        one, in order.
    qualities : (m,) uint8 or None
        Quality 0..100, or 255 where it is unknown; ``None`` where all are.
    """

    codes: Codes
    rows: Rows | None = None
    qualities: NDArray[np.uint8] | None = None

    def row_numbers(self) -> Rows:
        """Return the entry of each value, (m,) uint32."""
        if self.rows is None:
            return np.arange(len(self.codes), dtype=np.uint32)
        return self.rows

    def quality_numbers(self) -> NDArray[np.uint8]:
        """Return the quality of each value, (m,) uint8, 255 where unknown."""
        if self.qualities is None:
            return np.full(len(self.codes), UNKNOWN_QUALITY, np.uint8)
        return self.qualities

    def select(self, keep: NDArray[np.bool_], count: int) -> Column:
        """Return the values marked in ``keep``, (m,) bool, of a block with ``count`` entries."""
        rows = self.row_numbers()[keep]
        dense = len(rows) == count and bool((rows == np.arange(count, dtype=np.uint32)).all())
        qualities = None if self.qualities is None else self.qualities[keep]
        return Column(self.codes[keep], None if dense else rows, qualities)


@dataclass(slots=True)
class Block:
    """A run of entries.

    Parameters
    ----------
    count : int
        How many entries.
    values : dict of str to Column
        Their hash values, by hash type.
    ids : list of (str or None), or None
        What the source calls each entry; where it has no name for one, its id is derived from
        its values (:mod:`hashmatch.lists.identity`).
    categories : list of (str or None), or None
        The category code of each entry.
    metadata : list of (bytes or None), or None
        What else the source says of each entry, as one JSON object in UTF-8.
    stamps : (n,) int64 or None
        When each entry was last changed, in microseconds since 1970, for sources whose records
        can arrive out of order.
    """

    count: int
    values: dict[str, Column]
    ids: list[str | None] | None = None
    categories: list[str | None] | None = None
    metadata: list[bytes | None] | None = None
    stamps: NDArray[np.int64] | None = None
    _keys: NDArray[np.void] | None = field(default=None, repr=False)

    def keys(self) -> identity.Keys:
        """Return what identifies each entry inside its list, (n,) of 16 bytes."""
        if self._keys is None:
            self._keys = identity.of_entries(self.count, self.ids, self.values)
        return self._keys

    def entry_ids(self) -> list[str]:
        """Return the id of each entry."""
        if self.ids is None:
            return identity.as_ids(self.keys())
        if None not in self.ids:
            return cast(list[str], self.ids)
        derived = identity.as_ids(self.keys())
        return [name or derived[row] for row, name in enumerate(self.ids)]

    def take(self, rows: NDArray[np.intp]) -> Block:
        """Return a block of the entries ``rows``, in rising order."""
        place = np.full(self.count, -1, np.int64)
        place[rows] = np.arange(len(rows))
        values = {}
        for name, column in self.values.items():
            moved = place[column.row_numbers()]
            keep = moved >= 0
            if keep.any():
                part = Column(column.codes, moved.astype(np.uint32), column.qualities)
                values[name] = part.select(keep, len(rows))
        pick = rows.tolist()
        return Block(
            len(pick),
            values,
            None if self.ids is None else [self.ids[row] for row in pick],
            None if self.categories is None else [self.categories[row] for row in pick],
            None if self.metadata is None else [self.metadata[row] for row in pick],
            None if self.stamps is None else self.stamps[rows],
            None if self._keys is None else self._keys[rows],
        )

    def entries(
        self, scheme: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Iterator[Entry]:
        """Give the entries one by one, with category codes under ``scheme``."""
        named = labels or {}
        hashes: list[list[HashValue]] = [[] for _ in range(self.count)]
        for name, column in self.values.items():
            size = column.codes.shape[1]
            joined = column.codes.tobytes()
            qualities = column.quality_numbers().tolist()
            for number, row in enumerate(column.row_numbers().tolist()):
                quality = qualities[number]
                value = joined[number * size : (number + 1) * size]
                hashes[row].append(
                    HashValue(name, value, None if quality == UNKNOWN_QUALITY else quality)
                )
        for row, entry_id in enumerate(self.entry_ids()):
            code = self.categories[row] if self.categories else None
            text = self.metadata[row] if self.metadata else None
            yield Entry(
                entry_id,
                tuple(hashes[row]),
                Category(scheme or UNMAPPED, code, named.get(code)) if code is not None else None,
                json.loads(text) if text else {},
            )


class BlockBuilder:
    """Gathers entries one by one into blocks, for formats that are read record by record."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self.count = 0
        # by hash type: values, the entries they belong to, qualities
        self._columns: dict[str, tuple[list[bytes], list[int], list[int]]] = {}
        self._ids: list[str | None] = []
        self._categories: list[str | None] = []
        self._metadata: list[bytes | None] = []
        self._stamps: list[int] = []
        self._size = 0

    @property
    def full(self) -> bool:
        """Whether it is time to take the block."""
        return self.count >= BLOCK_SIZE or self._size >= LARGEST_METADATA

    def add(
        self,
        values: Sequence[tuple[str, bytes, int | None]],
        *,
        entry_id: str | None = None,
        category: str | None = None,
        metadata: bytes | None = None,
        stamp: int | None = None,
    ) -> None:
        """Add one entry; stamps must be given for all entries of a source or for none."""
        for name, code, quality in values:
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = ([], [], [])
            column[0].append(code)
            column[1].append(self.count)
            column[2].append(UNKNOWN_QUALITY if quality is None else quality)
        self._ids.append(entry_id)
        self._categories.append(category)
        self._metadata.append(metadata)
        if stamp is not None:
            self._stamps.append(stamp)
        self._size += len(metadata or b"")
        self.count += 1

    def take(self) -> Block:
        """Return what was gathered as a block and start anew."""
        values = {}
        for name, (codes, rows, qualities) in self._columns.items():
            size = hash_types.get(name).size
            array = np.frombuffer(b"".join(codes), np.uint8).reshape(len(codes), size)
            known = np.array(qualities, np.uint8) if min(qualities) < UNKNOWN_QUALITY else None
            whole = Column(array, np.array(rows, np.uint32), known)
            values[name] = whole.select(np.ones(len(rows), bool), self.count)
        block = Block(
            self.count,
            values,
            self._ids if any(name is not None for name in self._ids) else None,
            self._categories if any(code is not None for code in self._categories) else None,
            self._metadata if any(self._metadata) else None,
            np.array(self._stamps, np.int64) if len(self._stamps) == self.count else None,
        )
        self._start()
        return block


def as_metadata(facts: Mapping[str, Any]) -> bytes | None:
    """Return facts as the compact JSON a block keeps; ``None`` where there are none."""
    if not facts:
        return None
    # a lone surrogate, which UTF-8 has no place for, becomes the escape JSON has for it
    return _ENCODER.encode(facts).encode("utf-8", "backslashreplace")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
