"""One import: a reading becomes a version of a list, in one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types
from hashmatch.errors import ListFormatError
from hashmatch.lists import block_store, identity, quarantine, screen
from hashmatch.lists.info import Mode
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.settle import Run, Tombstones, settle

_SHRUNK = 0.2
"""Share of a list whose removal by a full import deserves a warning."""


@dataclass(slots=True)
class Member:
    """A block as a part of a version, with the entries of it that live."""

    block_id: int
    alive: NDArray[np.bool_]


class Importer:
    """Writes the blocks of a reading and decides what the new version consists of.

    Parameters
    ----------
    connection : sqlite3.Connection
        Inside a transaction that the caller commits or rolls back.
    list_id : int
    before : list of Member
        The version that is live.
    """

    def __init__(
        self, connection: sqlite3.Connection, list_id: int, before: Sequence[Member]
    ) -> None:
        self._connection = connection
        self._list_id = list_id
        self._before = before
        self.counts: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.warnings: list[str] = []

    def run(
        self, reading: Reading, mode: Mode, progress: Callable[[int], object] | None
    ) -> list[Member]:
        """Read everything and return the members of the new version.

        Raises
        ------
        ListFormatError
            If a file breaks off or holds nothing that can be used.
        """
        arrived = self._store(reading, progress)
        total = sum(len(member.alive) for member in arrived)
        if not total and not reading.deletions:
            first = (
                f"; the first problem: {reading.problems.shown[0]}"
                if reading.problems.shown
                else ""
            )
            raise ListFormatError(reading.files[0], f"holds no entry that can be used{first}")
        old = sum(int(member.alive.sum()) for member in self._before)
        tombstones = self._tombstones(reading, mode)
        before = [Member(member.block_id, member.alive.copy()) for member in self._before]
        runs = [self._run(member, new=False) for member in before]
        runs += [self._run(member, new=True) for member in arrived]
        self.counts = settle(runs, tombstones, full=mode is Mode.FULL)
        for reason in set(self.counts) - {"added", "changed", "removed", "unchanged"}:
            self.left_out[reason] += self.counts.pop(reason)
        self.left_out += reading.left_out
        if mode is Mode.FULL and self.counts["removed"] > _SHRUNK * old:
            self.warnings.append(
                f"{self.counts['removed']:,} of {old:,} entries are not in the new version; if the "
                "file holds changes only, roll back and import it with --mode delta"
            )
        return [m for m in before if m.alive.any()] + self._compacted(arrived)

    def _store(self, reading: Reading, progress: Callable[[int], object] | None) -> list[Member]:
        members = []
        done = 0
        for block in reading:
            done += block.count
            kept = screen.without_empty_files(block, self.left_out)
            if kept.count:
                held = screen.uniform_values(kept)
                quarantine.hold(self._connection, self._list_id, held)
                block_id = block_store.save(self._connection, self._list_id, kept)
                members.append(Member(block_id, np.ones(kept.count, bool)))
            if progress is not None:
                progress(done)
        return members

    def _run(self, member: Member, *, new: bool) -> Run:
        connection, block_id, count = self._connection, member.block_id, len(member.alive)
        return Run(
            new,
            member.alive,
            lambda: (
                block_store.keys(connection, block_id),
                block_store.contents(connection, block_id, count),
                block_store.stamps(connection, block_id),
            ),
        )

    def _tombstones(self, reading: Reading, mode: Mode) -> Tombstones | None:
        """Gather this import's deletions and, for changes, those that came before."""
        if not reading.ordered:
            return None
        oldest = np.iinfo(np.int64).min
        found = [(d.entry_id, oldest if d.stamp is None else d.stamp) for d in reading.deletions]
        keys = identity.of_names([entry_id for entry_id, _ in found])
        self._connection.executemany(
            "INSERT INTO tombstones VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
            "SET stamp = max(stamp, excluded.stamp)",
            (
                (self._list_id, key.tobytes(), stamp)
                for key, (_, stamp) in zip(keys, found, strict=True)
            ),
        )
        if mode is Mode.FULL:
            return Tombstones(keys, np.array([stamp for _, stamp in found], np.int64))
        known = self._connection.execute(
            "SELECT identity, stamp FROM tombstones WHERE list_id = ?", (self._list_id,)
        ).fetchall()
        return Tombstones(
            np.frombuffer(b"".join(key for key, _ in known), identity.KEY),
            np.array([stamp for _, stamp in known], np.int64),
        )

    def _compacted(self, members: Sequence[Member]) -> list[Member]:
        """Rewrite blocks of which less than half lives, as after an update of a few entries."""
        kept = []
        for member in members:
            living = int(member.alive.sum())
            if 2 * living < len(member.alive):
                block = block_store.load(self._connection, member.block_id)
                self._connection.execute(
                    "DELETE FROM blocks WHERE block_id = ?", (member.block_id,)
                )
                if not living:
                    continue
                rest = block.take(np.flatnonzero(member.alive))
                block_id = block_store.save(self._connection, self._list_id, rest)
                member = Member(block_id, np.ones(living, bool))
            kept.append(member)
        return kept


def write_version(
    connection: sqlite3.Connection,
    list_id: int,
    number: int,
    format_name: str,
    mode: Mode,
    members: Sequence[Member],
    facts: dict[str, Any],
) -> dict[str, int]:
    """Write a version and return its values by hash type."""
    values = count_values(connection, members)
    connection.execute(
        "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            list_id,
            number,
            now(),
            format_name,
            mode.value,
            sum(int(member.alive.sum()) for member in members),
            json.dumps(facts | {"values": values}, ensure_ascii=False),
        ),
    )
    connection.executemany(
        "INSERT INTO version_blocks VALUES (?, ?, ?, ?)",
        (
            (list_id, number, member.block_id, block_store.pack_alive(member.alive))
            for member in members
        ),
    )
    return values


def count_values(connection: sqlite3.Connection, members: Sequence[Member]) -> dict[str, int]:
    """Count the values of living entries by hash type."""
    values: Counter[str] = Counter()
    for member in members:
        for name in block_store.hash_types_of(connection, member.block_id):
            rows = block_store.part(connection, member.block_id, f"rows {name}")
            if rows is None:
                values[name] += int(member.alive.sum())
            else:
                values[name] += int(member.alive[np.frombuffer(rows, "<u4")].sum())
    in_order = [name for name in hash_types.names() if name in values]
    return {name: values[name] for name in in_order if values[name]}


def now() -> str:
    """Return the time in UTC as the catalog writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
