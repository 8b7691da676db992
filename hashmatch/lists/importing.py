"""One import: a reading becomes a version of a list, in one transaction."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from hashmatch.errors import ListFormatError
from hashmatch.lists import block_store, identity, quarantine, screen
from hashmatch.lists.changes import run_of
from hashmatch.lists.info import Mode
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.repeated import Repeated, Suspects
from hashmatch.lists.settle import CONFLICTING, Tombstones, settle
from hashmatch.lists.versions import Member

_SHRUNK = 0.2
"""Share of a list whose removal by a full import deserves a warning."""


class Importer:
    """Writes the blocks of a reading and decides what the new version consists of.

    Parameters
    ----------
    connection : sqlite3.Connection
        Inside a transaction that the caller commits or rolls back.
    list_id : int
    before : list of Member
        The version that is live.
    repeated : sequence of (str, bytes)
        Hash type and value of what was on most of its records.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        list_id: int,
        before: Sequence[Member],
        repeated: Iterable[tuple[str, bytes]] = (),
    ) -> None:
        self._connection = connection
        self._list_id = list_id
        self._before = before
        self.counts: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.warnings: list[str] = []
        self.repeated: list[Repeated] = []
        self._suspects = Suspects(repeated)

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
        runs = [run_of(self._connection, member, new=False) for member in before]
        runs += [run_of(self._connection, member, new=True) for member in arrived]
        self.counts = settle(runs, tombstones, full=mode is Mode.FULL)
        if conflicting := self.counts.pop(CONFLICTING, 0):
            self.warnings.append(
                f"{conflicting:,} entries occur with different content, such as two categories; "
                "all of it is kept"
            )
        for reason in set(self.counts) - {"added", "changed", "removed", "unchanged"}:
            self.left_out[reason] += self.counts.pop(reason)
        self.left_out += reading.left_out
        if mode is Mode.FULL and self.counts["removed"] > _SHRUNK * old:
            self.warnings.append(
                f"{self.counts['removed']:,} of {old:,} entries are not in the new version; if the "
                "file holds changes only, roll back and import it with --mode delta"
            )
        members = [m for m in before if m.alive.any()] + self._compacted(arrived)
        self.repeated = self._suspects.confirm(self._connection, members)
        self.warnings += [
            f"one {r.hash_type} value is on {r.count:,} of {r.total:,} records that have one, as a "
            "faulty exporter writes; it is kept but not matched"
            for r in self.repeated
        ]
        return members

    def _store(self, reading: Reading, progress: Callable[[int], object] | None) -> list[Member]:
        members = []
        done = 0
        for block in reading:
            done += block.count
            kept = screen.without_empty_files(block, self.left_out)
            if kept.count:
                held = screen.uniform_values(kept)
                quarantine.hold(self._connection, self._list_id, held)
                self._suspects.look(kept)
                block_id = block_store.save(self._connection, self._list_id, kept)
                members.append(Member(block_id, np.ones(kept.count, bool)))
            if progress is not None:
                progress(done)
        return members

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
