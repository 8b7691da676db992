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
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from hashmatch.errors import CatalogError
from hashmatch.lists import block_store, categories, database
from hashmatch.lists.exporting import Export, Source, live_export
from hashmatch.lists.importing import Importer, Member, write_version
from hashmatch.lists.info import ImportReport, ListInfo, Mode, Thresholds, VersionInfo
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.rules import Rules
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
                list_id, number = self._insert(name, polarity), 0
            else:
                list_id, number = found["list_id"], self._last_version(found["list_id"])
                known, scheme = Rules.from_json(found["rules"]), scheme or found["scheme"]
                before = self._members(list_id, found["live"])
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
            importer = Importer(connection, list_id, before)
            members = importer.run(reading, mode, progress)
            scheme = scheme or reading.scheme
            codes = _category_counts(connection, members)
            warnings = [
                *reading.warnings,
                *importer.warnings,
                *category_warnings(polarity, scheme, rules, codes),
            ]
            facts = {
                "sources": [os.fspath(file) for file in source_files],
                "counts": dict(importer.counts),
                "left_out": dict(importer.left_out),
                "problems": dict(reading.problems.by_reason),
                "categories": codes,
                "envelope": reading.envelope,
            }
            values = write_version(connection, list_id, number + 1, format, mode, members, facts)
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
        versions = []
        for number, imported_at, format_name, mode, entries, facts in rows:
            counts = json.loads(facts)["counts"]
            versions.append(
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
        return versions

    def entries(
        self, name: str, limit: int | None = None, version: int | None = None
    ) -> Iterator[Entry]:
        """Give the entries of a list's live version, or of another, in the order stored."""
        with database.errors(self.path):
            found = self._known(name)
            rules = Rules.from_json(found["rules"])
            labels = _labels(found["scheme"], rules)
            members = self._members(found["list_id"], version or found["live"])
            yield from islice(self._entries(members, found["scheme"], labels), limit)

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

    def export(self) -> AbstractContextManager[Export]:
        """Open every live entry of every list for compiling, as of one moment."""
        return self._export()

    @contextmanager
    def _export(self) -> Iterator[Export]:
        with database.errors(self.path):
            self._connection.execute("BEGIN")
            try:
                sources = []
                for row in self._rows():
                    rules = Rules.from_json(row["rules"])
                    members = self._members(row["list_id"], row["live"])
                    labels = _labels(row["scheme"], rules)
                    sources.append(Source(row["list_id"], self._info(row), labels, members))
                yield live_export(self._connection, sources, self.generation)
            finally:
                self._connection.execute("ROLLBACK")

    def _entries(
        self, members: Sequence[Member], scheme: str | None, labels: Mapping[str, str]
    ) -> Iterator[Entry]:
        for member in members:
            block = block_store.load(self._connection, member.block_id)
            if not member.alive.all():
                block = block.take(np.flatnonzero(member.alive))
            yield from block.entries(scheme, labels)

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

    def _last_version(self, list_id: int) -> int:
        found = self._connection.execute(
            "SELECT max(number) FROM versions WHERE list_id = ?", (list_id,)
        ).fetchone()
        return int(found[0])

    def _members(self, list_id: int, number: int) -> list[Member]:
        rows = self._connection.execute(
            "SELECT block_id, count, alive FROM version_blocks JOIN blocks USING (block_id) "
            "WHERE version_blocks.list_id = ? AND number = ? ORDER BY block_id",
            (list_id, number),
        )
        return [
            Member(block_id, block_store.unpack_alive(alive, count))
            for block_id, count, alive in rows
        ]

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


def category_warnings(
    polarity: Polarity, scheme: str | None, rules: Rules, codes: Mapping[str, int]
) -> Iterator[str]:
    """Say what a person should know about the category codes of a list."""
    if not codes:
        return
    total = sum(codes.values())
    if scheme is None:
        yield (
            f"{total:,} entries have a category code, but no scheme was said; nothing is dropped, "
            "but the codes need mapping: import again with --scheme"
        )
        return
    labels = _labels(scheme, rules)
    unknown = sum(count for code, count in codes.items() if code not in labels)
    if unknown and scheme not in ("ncmec", "threatexchange"):
        yield (
            f"{unknown:,} entries have category codes that scheme {scheme!r} has no label for; "
            "nothing is dropped, but they need mapping: supply one with --scheme-map"
        )


def _labels(scheme: str | None, rules: Rules) -> Mapping[str, str]:
    known = categories.get(scheme)
    return {**(known.labels if known else {}), **rules.labels}


def _category_counts(connection: sqlite3.Connection, members: Sequence[Member]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for member in members:
        counts += block_store.category_counts(connection, member.block_id, member.alive)
    return dict(sorted(counts.items()))


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise CatalogError(
            f"a list's name is 1 to {_LONGEST_NAME} printable characters, for example 'hotline'"
        )


__all__ = ["Catalog", "ImportReport", "ListInfo", "Mode", "VersionInfo", "category_warnings"]
