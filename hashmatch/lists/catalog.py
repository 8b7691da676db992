"""The catalog: every list, every version of it, every entry, in one SQLite file.

Entries are stored in blocks that never change. A version is a set of blocks with the entries of
each that live in it, so an update of a million entries stores what it changed, a roll back copies
nothing, and two versions are compared by identity. Each import is one transaction: whatever
interrupts it, the catalog is as before or as after.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from hashmatch.errors import CatalogError
from hashmatch.lists import block_store, categories, changes, database, quarantine, versions
from hashmatch.lists.blocks import Block
from hashmatch.lists.changes import Changes
from hashmatch.lists.exporting import Export, Source, live_export
from hashmatch.lists.importing import Importer
from hashmatch.lists.info import ImportReport, ListInfo, Mode, Thresholds, VersionInfo
from hashmatch.lists.quarantine import Held
from hashmatch.lists.readers import given
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.repeated import Suspects
from hashmatch.lists.rules import Rules
from hashmatch.lists.screen import Hold
from hashmatch.lists.selection import select
from hashmatch.lists.versions import Member
from hashmatch.lists.writers.listing import Listing
from hashmatch.types import Entry, Polarity

_LONGEST_NAME = 100


class Catalog:
    """An open catalog. One thread uses it at a time; any number of processes may read.

    Use :meth:`open`, and close it or use it in a ``with`` statement.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], create: bool = True, *, allow_shared: bool = False
    ) -> Self:
        """Open a catalog file.

        Parameters
        ----------
        path : path
        create : bool
            Whether to make it where it is missing.
        allow_shared : bool
            Whether to open it although others can read it, which is logged.

        Raises
        ------
        CatalogError
            If it is missing, damaged, not ours, made by a newer version, or readable by others.
        """
        where = Path(path)
        return cls(where, database.connect(where, create=create, allow_shared=allow_shared))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def generation(self) -> int:
        """A number that grows with every change of the catalog."""
        with database.errors(self.path):
            found = self._connection.execute("SELECT generation FROM about").fetchone()
        return int(found[0])

    def import_list(
        self,
        name: str,
        reading: Reading,
        *,
        source_files: Sequence[str | os.PathLike[str]],
        format: str,  # noqa: A002 - the word users say
        polarity: Polarity,
        scheme: str | None = None,
        labels: Mapping[str, str] | None = None,
        thresholds: Thresholds | None = None,
        category_thresholds: Mapping[str, Thresholds] | None = None,
        held_categories: Sequence[str] | None = None,
        mode: Mode = Mode.FULL,
        dry_run: bool = False,
        progress: Callable[[int], object] | None = None,
    ) -> ImportReport:
        """Make a reading the new live version of a list, in one transaction.

        Parameters
        ----------
        name : str
            The list; made if it is new.
        reading : Reading
            What :func:`hashmatch.lists.readers.read` returned.
        source_files : sequence of paths
            What to note as the version's source.
        format : str
            What to note as the version's format.
        polarity : Polarity
            What being on the list means; it cannot change between versions.
        scheme : str or None
            The scheme of the category codes; ``None`` keeps the list's.
        labels : mapping or None
            What the scheme's codes mean, where it is not built in.
        thresholds, category_thresholds : mapping or None
            Rules to add to the list's own.
        held_categories : sequence of str or None
            Category codes to keep but not match; ``None`` keeps the list's.
        mode : Mode
            Whether the reading is the whole list or only changes.
        dry_run : bool
            Whether to find out what would happen and leave the catalog as it is.
        progress : callable or None
            Told how many entries were read so far.

        Raises
        ------
        ListFormatError
            If a file cannot be read to its end or holds nothing usable.
        CatalogError
            If the list has another polarity, or the catalog cannot be written.
        MatcherConfigError
            If a threshold cannot be honoured.
        """
        _check_name(name)
        with self._transaction() as connection:
            found = self._find(name)
            if found is None:
                known = Rules()
                before: list[Member] = []
                repeated: list[tuple[str, bytes]] = []
                list_id, number = self._insert(name, polarity), 0
            else:
                list_id, number = found["list_id"], self._last_version(found["list_id"])
                known, scheme = Rules.from_json(found["rules"]), scheme or found["scheme"]
                before = versions.members(connection, list_id, found["live"])
                repeated = _repeated(found["facts"])
                if found["polarity"] != polarity.value:
                    raise CatalogError(
                        f"{name} is a {found['polarity']} list; import into another list, or "
                        f"remove it first with 'hashmatch list remove {name}'"
                    )
            rules = known.updated(
                thresholds or {},
                category_thresholds or {},
                None if held_categories is None else tuple(held_categories),
                labels or {},
            )
            importer = Importer(connection, list_id, before, repeated)
            members = importer.run(reading, mode, progress)
            scheme = scheme or reading.scheme
            codes = versions.count_categories(connection, members)
            warnings = [
                *reading.warnings,
                *importer.warnings,
                *categories.warnings(polarity, scheme, rules.labels, rules.held_categories, codes),
            ]
            facts = {
                "sources": [os.fspath(file) for file in source_files],
                "counts": dict(importer.counts),
                "left_out": dict(importer.left_out),
                "problems": dict(reading.problems.by_reason),
                "categories": codes,
                "repeated": [[r.hash_type, r.value.hex()] for r in importer.repeated],
                "envelope": reading.envelope,
            }
            values = versions.write(connection, list_id, number + 1, format, mode, members, facts)
            connection.execute(
                "UPDATE lists SET scheme = ?, rules = ?, live = ? WHERE list_id = ?",
                (scheme, json.dumps(rules.to_json()), number + 1, list_id),
            )
            self._changed(undo=dry_run)
        return ImportReport(
            number + 1,
            importer.counts["added"],
            importer.counts["changed"],
            importer.counts["removed"],
            importer.counts["unchanged"],
            values,
            dict(importer.left_out),
            reading.problems.count,
            tuple(reading.problems.shown),
            dict(reading.problems.by_reason),
            tuple(warnings),
            dry_run,
        )

    def lists(self) -> list[ListInfo]:
        """Return every list as it is live, by name."""
        with database.errors(self.path):
            return [self._info(row) for row in self._rows()]

    def list_info(self, name: str) -> ListInfo:
        """Return one list as it is live.

        Raises
        ------
        CatalogError
            If there is no such list.
        """
        with database.errors(self.path):
            return self._info(self._known(name))

    def versions(self, name: str) -> list[VersionInfo]:
        """Return the versions of a list, oldest first."""
        with database.errors(self.path):
            found = self._known(name)
            rows = self._connection.execute(
                "SELECT number, imported_at, format, mode, entries, facts FROM versions "
                "WHERE list_id = ? ORDER BY number",
                (found["list_id"],),
            ).fetchall()
        listed = []
        for number, imported_at, format_name, mode, entries, facts in rows:
            counts = json.loads(facts)["counts"]
            listed.append(
                VersionInfo(
                    number,
                    number == found["live"],
                    imported_at,
                    format_name,
                    Mode(mode),
                    entries,
                    *(counts.get(x, 0) for x in ("added", "changed", "removed", "unchanged")),
                )
            )
        return listed

    def entries(
        self, name: str, limit: int | None = None, version: int | None = None
    ) -> Iterator[Entry]:
        """Give the entries of a list's live version, or of another, in the order stored."""
        with database.errors(self.path):
            found = self._known(name)
            rules = Rules.from_json(found["rules"])
            labels = _labels(found["scheme"], rules)
            members = versions.members(
                self._connection, found["list_id"], self._number(found, version)
            )
            entries = (e for b in self._blocks(members) for e in b.entries(found["scheme"], labels))
            yield from islice(entries, limit)

    def remove(self, name: str) -> None:
        """Remove a list with all its versions.

        Raises
        ------
        CatalogError
            If there is no such list.
        """
        with self._transaction() as connection:
            found = self._known(name)
            connection.execute("DELETE FROM lists WHERE list_id = ?", (found["list_id"],))
            self._changed()

    def diff(
        self, name: str, old: int | None = None, new: int | None = None, limit: int = 0
    ) -> Changes:
        """Compare two versions of a list.

        Parameters
        ----------
        name : str
        old, new : int or None
            The versions; by default the one before the live one, and the live one.
        limit : int
            How many entries of each kind of change to name.

        Raises
        ------
        CatalogError
            If there is no such list or version.
        """
        with database.errors(self.path):
            found = self._known(name)
            after = self._number(found, new)
            before = self._number(found, max(1, after - 1) if old is None else old)
            return changes.compare(
                self._connection,
                versions.members(self._connection, found["list_id"], before),
                versions.members(self._connection, found["list_id"], after),
                limit,
            )

    def roll_back(self, name: str, version: int) -> VersionInfo:
        """Make an earlier version live again, as a new version with the same entries.

        Thresholds and other rules are the list's, not a version's, and stay as they are.

        Raises
        ------
        CatalogError
            If there is no such list or version, or it is the live one.
        """
        with self._transaction() as connection:
            found = self._known(name)
            list_id, live = found["list_id"], found["live"]
            if self._number(found, version) == live:
                raise CatalogError(f"version {version} of {name} is the live one already")
            members = versions.members(connection, list_id, version)
            compared = changes.compare(
                connection, versions.members(connection, list_id, live), members, 0
            )
            facts = self._facts(list_id, version) | {
                "sources": [f"version {version}"],
                "counts": {kind: getattr(compared, kind) for kind in (*changes.KINDS, "unchanged")},
                "left_out": {},
                "problems": {},
            }
            number = self._last_version(list_id) + 1
            versions.write(
                connection, list_id, number, found["format"], Mode.ROLLBACK, members, facts
            )
            connection.execute("UPDATE lists SET live = ? WHERE list_id = ?", (number, list_id))
            self._changed()
        return self.versions(name)[-1]

    def hold(self, name: str, holds: Sequence[Hold]) -> int:
        """Keep entries or values from being matched; return how many are newly held.

        What someone released before is not held again.
        """
        with self._transaction() as connection:
            found = self._known(name)
            count = quarantine.hold(connection, found["list_id"], holds)
            self._changed()
        return count

    def release(self, name: str, entry_ids: Sequence[str] = (), reason: str | None = None) -> int:
        """Let held entries be matched again: those named, else all; return how many there were."""
        with self._transaction() as connection:
            found = self._known(name)
            count = quarantine.release(connection, found["list_id"], entry_ids, reason)
            self._changed()
        return count

    def held(self, name: str | None = None, *, released: bool = False) -> list[Held]:
        """Return what is in quarantine, and on request what was released from it."""
        with database.errors(self.path):
            if name is not None:
                self._known(name)
            return quarantine.held(self._connection, name, released=released)

    def repeated(self, name: str) -> list[tuple[str, int]]:
        """Return values that are on most of a list's records: hash type, and on how many."""
        with database.errors(self.path):
            found = self._known(name)
            members = versions.members(self._connection, found["list_id"], found["live"])
            suspects = Suspects(_repeated(found["facts"])).confirm(self._connection, members)
            return [(suspect.hash_type, suspect.count) for suspect in suspects]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let everything that is read in the body be read as of one moment."""
        with database.errors(self.path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    def blocks(self, name: str) -> Iterator[Block]:
        """Give the living entries of a list's live version, block by block."""
        with database.errors(self.path):
            found = self._known(name)
            yield from self._blocks(
                versions.members(self._connection, found["list_id"], found["live"])
            )

    @contextmanager
    def listing(self, name: str, version: int | None = None) -> Iterator[Listing]:
        """Open a list's live version, or another, for writing it to a file.

        Everything is given, what is held too.

        Raises
        ------
        CatalogError
            If there is no such list or version.
        """
        with database.errors(self.path):
            self._connection.execute("BEGIN")
            try:
                found = self._known(name)
                number = self._number(found, version)
                members = versions.members(self._connection, found["list_id"], number)
                facts = self._facts(found["list_id"], number)
                yield Listing(
                    name,
                    number,
                    Polarity(found["polarity"]),
                    found["scheme"],
                    _labels(found["scheme"], Rules.from_json(found["rules"])),
                    facts["envelope"],
                    self._blocks(members),
                )
            finally:
                self._connection.execute("ROLLBACK")

    def remove_entries(self, name: str, entry_ids: Sequence[str]) -> int:
        """Make a version of a list without some entries, and return how many it lacks.

        Ids that are not in the list are passed over; if none is, no version is made.

        Raises
        ------
        CatalogError
            If there is no such list.
        """
        with self._transaction() as connection:
            found = self._known(name)
            list_id, number = found["list_id"], self._last_version(found["list_id"]) + 1
            before = versions.members(connection, list_id, found["live"])
            gone = {m.block_id: m.alive for m in select(connection, before, entry_ids)}
            count = sum(int(alive.sum()) for alive in gone.values())
            if not count:
                return 0
            rest = [
                Member(m.block_id, m.alive & ~gone[m.block_id]) if m.block_id in gone else m
                for m in before
            ]
            unchanged = sum(int(member.alive.sum()) for member in rest)
            facts = self._facts(list_id, found["live"]) | {
                "sources": [given.FORMAT],
                "counts": {"added": 0, "changed": 0, "removed": count, "unchanged": unchanged},
                "left_out": {},
                "problems": {},
                "categories": versions.count_categories(connection, rest),
            }
            members = [member for member in rest if member.alive.any()]
            versions.write(connection, list_id, number, given.FORMAT, Mode.DELTA, members, facts)
            connection.execute("UPDATE lists SET live = ? WHERE list_id = ?", (number, list_id))
            self._changed()
        return count

    def export(
        self, name: str | None = None, entry_ids: Sequence[str] | None = None
    ) -> AbstractContextManager[Export]:
        """Open live entries for compiling, as of one moment: all, or those named of one list."""
        return self._export(name, entry_ids)

    @contextmanager
    def _export(self, name: str | None, entry_ids: Sequence[str] | None) -> Iterator[Export]:
        with database.errors(self.path):
            self._connection.execute("BEGIN")
            try:
                sources = []
                for row in self._rows(name):
                    rules = Rules.from_json(row["rules"])
                    members = versions.members(self._connection, row["list_id"], row["live"])
                    if entry_ids is not None:
                        members = select(self._connection, members, entry_ids)
                    labels = _labels(row["scheme"], rules)
                    sources.append(
                        Source(
                            row["list_id"],
                            self._info(row),
                            labels,
                            members,
                            frozenset(_repeated(row["facts"])),
                        )
                    )
                yield live_export(self._connection, sources, self.generation)
            finally:
                self._connection.execute("ROLLBACK")

    def _blocks(self, members: Sequence[Member]) -> Iterator[Block]:
        """Give the living entries of a version, block by block."""
        for member in members:
            block = block_store.load(self._connection, member.block_id)
            yield block if member.alive.all() else block.take(np.flatnonzero(member.alive))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what the body did, or none of it."""
        connection = self._connection
        with database.errors(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # a full disk has already ended it
                    connection.execute("ROLLBACK")
                raise
            if connection.in_transaction:
                connection.execute("COMMIT")
            database.shrink_log(connection)

    def _changed(self, *, undo: bool = False) -> None:
        """Note a change, or take back everything the transaction did."""
        if undo:
            self._connection.execute("ROLLBACK")
        else:
            self._connection.execute("UPDATE about SET generation = generation + 1")

    def _insert(self, name: str, polarity: Polarity) -> int:
        row = self._connection.execute(
            "INSERT INTO lists (name, polarity, rules, live) VALUES (?, ?, ?, 0) RETURNING list_id",
            (name, polarity.value, json.dumps(Rules().to_json())),
        ).fetchone()
        return int(row[0])

    def _rows(self, name: str | None = None) -> list[dict[str, Any]]:
        rows = self._connection.execute(
            "SELECT list_id, name, polarity, scheme, rules, live, imported_at, format, entries, "
            "facts FROM lists JOIN versions USING (list_id) WHERE number = live "
            "AND (?1 IS NULL OR name = ?1) ORDER BY name",
            (name,),
        )
        columns = [column[0] for column in rows.description]
        found = [dict(zip(columns, row, strict=True)) for row in rows]
        for row in found:
            row["rules"], row["facts"] = json.loads(row["rules"]), json.loads(row["facts"])
        return found

    def _find(self, name: str) -> dict[str, Any] | None:
        return next(iter(self._rows(name)), None)

    def _known(self, name: str) -> dict[str, Any]:
        found = self._find(name)
        if found is None:
            names = ", ".join(row["name"] for row in self._rows()) or "none"
            raise CatalogError(f"there is no list {name!r} in the catalog; there are: {names}")
        return found

    def _number(self, found: Mapping[str, Any], version: int | None) -> int:
        """Return the live version, or the one asked for if the list has it."""
        if version is None:
            return int(found["live"])
        if not 1 <= version <= self._last_version(found["list_id"]):
            raise CatalogError(
                f"{found['name']} has no version {version}; see 'hashmatch list show'"
            )
        return version

    def _facts(self, list_id: int, number: int) -> dict[str, Any]:
        row = self._connection.execute(
            "SELECT facts FROM versions WHERE list_id = ? AND number = ?", (list_id, number)
        ).fetchone()
        found: dict[str, Any] = json.loads(row[0])
        return found

    def _last_version(self, list_id: int) -> int:
        found = self._connection.execute(
            "SELECT max(number) FROM versions WHERE list_id = ?", (list_id,)
        ).fetchone()
        return int(found[0])

    def _info(self, row: Mapping[str, Any]) -> ListInfo:
        rules = Rules.from_json(row["rules"])
        return ListInfo(
            row["name"],
            row["live"],
            Polarity(row["polarity"]),
            row["scheme"],
            row["entries"],
            row["facts"]["values"],
            rules.thresholds,
            rules.category_thresholds,
            rules.held_categories,
            row["imported_at"],
            row["format"],
        )


def _labels(scheme: str | None, rules: Rules) -> dict[str, str]:
    return {
        code: label for code, label in categories.labels_of(scheme, rules.labels).items() if label
    }


def _repeated(facts: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    return [(name, bytes.fromhex(value)) for name, value in facts["repeated"]]


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise CatalogError(
            f"a list's name is 1 to {_LONGEST_NAME} printable characters, for example 'hotline'"
        )


__all__ = ["Catalog", "ImportReport", "ListInfo", "Mode", "VersionInfo"]
