"""One value on most records of a list: what a broken exporter writes, and nothing to search for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hashmatch import hash_types
from hashmatch.lists import block_store
from hashmatch.lists.blocks import Block, Codes
from hashmatch.lists.versions import Member

FEWEST = 10
"""A value on fewer records is never called repeated."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A value on more than half of the records that have its hash type."""

    hash_type: str
    value: bytes
    count: int
    total: int


class Suspects:
    """Finds values that could be on most records while blocks pass by.

    A value on more than half of all records is on more than half of some block's, and there it is
    the median of the block's sorted values, so one look at each block's median finds it.
    """

    def __init__(self, known: Iterable[tuple[str, bytes]]) -> None:
        self._found = set(known)

    def look(self, block: Block) -> None:
        """Take up what is on half of a block's values or more."""
        for name, column in block.values.items():
            if len(column.codes) < 2:
                continue
            heads = _heads(column.codes)
            middle = len(heads) // 2
            rows = np.flatnonzero(heads == np.partition(heads, middle)[middle])
            if 2 * len(rows) >= len(heads):
                self._found.add((name, column.codes[rows[0]].tobytes()))

    def confirm(self, connection: sqlite3.Connection, members: Sequence[Member]) -> list[Repeated]:
        """Count the suspects over a whole version and return those on most of its records."""
        found = []
        for name, value in sorted(self._found):
            count = total = 0
            for member in members:
                codes = living_codes(connection, member, name)
                total += len(codes)
                count += int((codes == np.frombuffer(value, np.uint8)).all(axis=1).sum())
            if count >= FEWEST and 2 * count > total:
                found.append(Repeated(name, value, count, total))
        return found


def living_codes(connection: sqlite3.Connection, member: Member, hash_type: str) -> Codes:
    """Return the values of one hash type of a member's living entries, (n, size) uint8."""
    size = hash_types.get(hash_type).size
    data = block_store.part(connection, member.block_id, f"codes {hash_type}")
    if data is None:
        return np.empty((0, size), np.uint8)
    codes = np.frombuffer(data, np.uint8).reshape(-1, size)
    rows = block_store.part(connection, member.block_id, f"rows {hash_type}")
    alive = member.alive if rows is None else member.alive[np.frombuffer(rows, "<u4")]
    return codes[alive]


def _heads(codes: Codes) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return the first 8 bytes of each value as a number."""
    return np.ascontiguousarray(codes[:, :8]).view(np.uint64).reshape(-1)
