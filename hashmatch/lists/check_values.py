"""Checks of a list's values by themselves: degenerate ones, and ones that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hashmatch.lists import identity
from hashmatch.lists.blocks import Block, Codes
from hashmatch.lists.screen import Hold

# half of PDQ's bits are set in every hash of a picture with any detail; 16 by 16 of them
FEWEST_BITS, MOST_BITS = 96, 160
FEWEST_ROWS = 8

UNBALANCED = "PDQ value with far from half of its bits set"
REPEATED_ROWS = "PDQ value that repeats its rows"


def unlikely_pdq(block: Block) -> Iterator[Hold]:
    """Find PDQ values that no picture with detail gives.

    The hash has a bit for each of 16 by 16 frequencies, set where it is above their median: half
    of the bits are set, and rows differ.
    """
    column = block.values.get("pdq")
    if column is None:
        return
    set_bits = np.bitwise_count(column.codes).sum(axis=1, dtype=np.int64)
    unbalanced = (set_bits < FEWEST_BITS) | (set_bits > MOST_BITS)
    rows = np.sort(np.ascontiguousarray(column.codes).view(np.uint16), axis=1)
    distinct = 1 + (rows[:, 1:] != rows[:, :-1]).sum(axis=1)
    repeated = ~unbalanced & (distinct < FEWEST_ROWS)
    for marks, reason in ((unbalanced, UNBALANCED), (repeated, REPEATED_ROWS)):
        yield from holds(block, "pdq", column.row_numbers()[marks].tolist(), reason)


def holds(block: Block, hash_type: str, rows: Sequence[int], reason: str) -> list[Hold]:
    """Return how to keep the values of one hash type of some entries from being matched."""
    if not rows:
        return []
    keys, names = block.keys(), block.entry_ids()
    return [Hold(keys[row].tobytes(), hash_type, names[row], reason) for row in rows]


@dataclass(slots=True)
class Values:
    """Every value of one hash type of a list, as digests, with where it is.

    Parameters
    ----------
    digests : (n,) uint64
        Rising once :meth:`sort` was called.
    blocks, rows : (n,) int32
        The block, by its place in the list, and the entry in it.
    categories : (n,) int32
        A number for the entry's category code; -1 for none.
    """

    digests: NDArray[np.uint64]
    blocks: NDArray[np.int32]
    rows: NDArray[np.int32]
    categories: NDArray[np.int32]

    def sort(self) -> None:
        """Sort by digest."""
        order = np.argsort(self.digests, kind="stable")
        for name in self.__slots__:
            setattr(self, name, getattr(self, name)[order])

    def among(self, digests: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Return where the values are that are also in ``digests``, which must rise."""
        if not len(digests):
            return np.empty(0, np.intp)
        at = np.minimum(np.searchsorted(digests, self.digests), len(digests) - 1)
        return np.flatnonzero(digests[at] == self.digests)

    def conflicting(self) -> NDArray[np.bool_]:
        """Mark the values that occur under different categories."""
        starts = np.ones(len(self.digests), bool)
        starts[1:] = self.digests[1:] != self.digests[:-1]
        group = np.cumsum(starts) - 1
        low = np.full(group[-1] + 1 if len(group) else 0, np.iinfo(np.int32).max)
        high = np.full(len(low), -1)
        known = self.categories >= 0
        np.minimum.at(low, group[known], self.categories[known])
        np.maximum.at(high, group[known], self.categories[known])
        conflicting: NDArray[np.bool_] = (low < high)[group]
        return conflicting

    def repeated(self) -> int:
        """Return how many values occur again on another entry."""
        return len(self.digests) - len(np.unique(self.digests))


@dataclass(slots=True)
class Gatherer:
    """Gathers the values of a list block by block."""

    _parts: dict[str, list[Values]] = field(default_factory=dict)
    _codes: dict[str, int] = field(default_factory=dict)
    _blocks: int = 0

    def add(self, block: Block) -> None:
        """Take up a block."""
        numbers = [
            -1 if code is None else self._codes.setdefault(code, len(self._codes))
            for code in block.categories or ()
        ]
        categories = np.array(numbers, np.int32) if numbers else np.full(block.count, -1, np.int32)
        for name, column in block.values.items():
            rows = column.row_numbers()
            part = Values(
                digests_of(name, column.codes),
                np.full(len(rows), self._blocks, np.int32),
                rows.astype(np.int32),
                categories[rows],
            )
            self._parts.setdefault(name, []).append(part)
        self._blocks += 1

    def sorted(self) -> dict[str, Values]:
        """Return the values by hash type, each sorted."""
        found = {}
        for name, parts in self._parts.items():
            values = Values(
                *(np.concatenate([getattr(part, x) for part in parts]) for x in Values.__slots__)
            )
            values.sort()
            found[name] = values
        return found


def digests_of(hash_type: str, codes: Codes) -> NDArray[np.uint64]:
    """Return a 64-bit digest of each value, (n,)."""
    return np.frombuffer(identity.digest_rows(codes, hash_type, 8), ">u8").astype(np.uint64)
