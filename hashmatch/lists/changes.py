"""What differs between two versions of a list."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch.lists import block_store
from hashmatch.lists.identity import Keys
from hashmatch.lists.settle import Run, settle
from hashmatch.lists.versions import Member

KINDS = ("added", "changed", "removed")


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference between two versions.

    Parameters
    ----------
    added, changed, removed, unchanged : int
        Entries.
    entry_ids : dict of str to list of str
        By kind of change, the ids of the first entries, as many as were asked for.
    """

    added: int
    changed: int
    removed: int
    unchanged: int
    entry_ids: dict[str, list[str]]

    def to_json(self) -> dict[str, Any]:
        """Return the difference as JSON values."""
        return {
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "unchanged": self.unchanged,
            "entry_ids": self.entry_ids,
        }


def run_of(connection: sqlite3.Connection, member: Member, *, new: bool) -> Run:
    """Return a member as settling sees it; what settling clears is cleared in the member."""
    return Run(new, member.alive, partial(_load, connection, member.block_id, len(member.alive)))


def _load(
    connection: sqlite3.Connection, block_id: int, count: int
) -> tuple[Keys, NDArray[np.uint64], NDArray[np.int64] | None]:
    return (
        block_store.keys(connection, block_id),
        block_store.contents(connection, block_id, count),
        block_store.stamps(connection, block_id),
    )


def compare(
    connection: sqlite3.Connection, old: Sequence[Member], new: Sequence[Member], limit: int
) -> Changes:
    """Compare two versions, naming up to ``limit`` entries of each kind of change."""
    left = {member.block_id: member.alive.copy() for member in old}
    right = {member.block_id: member.alive.copy() for member in new}
    shared = 0
    for block_id in left.keys() & right.keys():  # blocks never change, so neither did these
        both = left[block_id] & right[block_id]
        shared += int(both.sum())
        left[block_id] &= ~both
        right[block_id] &= ~both
    before = [Member(block_id, alive) for block_id, alive in sorted(left.items()) if alive.any()]
    after = [Member(block_id, alive) for block_id, alive in sorted(right.items()) if alive.any()]
    was = [member.alive.copy() for member in before]
    runs = [run_of(connection, m, new=False) for m in before]
    runs += [run_of(connection, m, new=True) for m in after]
    counts = settle(runs, None, full=True)
    gone = [Member(m.block_id, alive & ~m.alive) for m, alive in zip(before, was, strict=True)]
    return Changes(
        counts["added"],
        counts["changed"],
        counts["removed"],
        counts["unchanged"] + shared,
        _named(connection, gone, after, limit) if limit else {},
    )


def _named(
    connection: sqlite3.Connection, gone: Sequence[Member], came: Sequence[Member], limit: int
) -> dict[str, list[str]]:
    gone_heads, came_heads = _heads(connection, gone), _heads(connection, came)
    both = set(np.intersect1d(gone_heads, came_heads).tolist())
    kinds: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for members, alone in ((came, "added"), (gone, "removed")):
        for head, entry_id in _ids(connection, members):
            kind = "changed" if head in both else alone
            if len(kinds[kind]) < limit and entry_id not in kinds[kind]:
                kinds[kind].append(entry_id)
            if all(len(found) >= limit for found in kinds.values()):
                break
    return kinds


def _heads(connection: sqlite3.Connection, members: Sequence[Member]) -> NDArray[np.uint64]:
    found = [
        block_store.keys(connection, m.block_id)["high"][m.alive].astype(np.uint64) for m in members
    ]
    return np.concatenate(found) if found else np.empty(0, np.uint64)


def _ids(connection: sqlite3.Connection, members: Sequence[Member]) -> Iterator[tuple[int, str]]:
    for member in members:
        block = block_store.load(connection, member.block_id).take(np.flatnonzero(member.alive))
        yield from zip(block.keys()["high"].tolist(), block.entry_ids(), strict=True)
