"""The catalog: every list, every version of it, every entry, in one SQLite file.

Entries are stored in blocks that never change. A version is a set of blocks with the entries of
each that live in it, so an update of a million entries stores what it changed, a roll back copies
nothing, and two versions are compared by identity. Each import is one transaction: whatever
interrupts it, the catalog is as before or as after.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Self

from hashmatch.errors import CatalogError
from hashmatch.lists import changes, database, listed, quarantine, revising, versions
from hashmatch.lists.blocks import Block
from hashmatch.lists.changes import Changes
from hashmatch.lists.exporting import Export, Source, live_export
from hashmatch.lists.info import ImportReport, ListInfo, Mode, Thresholds, VersionInfo
from hashmatch.lists.listed import Listed
from hashmatch.lists.quarantine import Held
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.repeated import Suspects
from hashmatch.lists.screen import Hold
from hashmatch.lists.selection import select
from hashmatch.lists.writers.listing import Listing
from hashmatch.types import Entry, Polarity


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

    def __exit__(self, *_: object) -> None:
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
        with self._transaction() as connection:
            found = listed.find(connection, name) or listed.make(connection, name, polarity)
            if found.polarity is not polarity:
                raise CatalogError(
                    f"{name} is a {found.polarity.value} list; import into another list, or "
                    f"remove it first with 'hashmatch list remove {name}'"
                )
            rules = found.rules.updated(
                thresholds or {},
                category_thresholds or {},
                None if held_categories is None else tuple(held_categories),
                labels or {},
            )
            report = revising.of_reading(
                connection,
                found,
                reading,
                sources=[os.fspath(file) for file in source_files],
                format_name=format,
                mode=mode,
                scheme=scheme,
                rules=rules,
                progress=progress,
                dry_run=dry_run,
            )
            self._changed(undo=dry_run)
        return report

    def lists(self) -> list[ListInfo]:
        """Return every list as it is live, by name."""
        with database.errors(self.path):
            return [found.info for found in listed.all_lists(self._connection)]

    def list_info(self, name: str) -> ListInfo:
        """Return one list as it is live.

        Raises
        ------
        CatalogError
            If there is no such list.
        """
        with database.errors(self.path):
            return listed.known(self._connection, name).info

    def versions(self, name: str) -> list[VersionInfo]:
        """Return the versions of a list, oldest first."""
        with database.errors(self.path):
            found = listed.known(self._connection, name)
            return versions.described(self._connection, found.list_id, found.live)

    def entries(
        self, name: str, limit: int | None = None, version: int | None = None
    ) -> Iterator[Entry]:
        """Give the entries of a list's live version, or of another, in the order stored."""
        with database.errors(self.path):
            found = listed.known(self._connection, name)
            number = self._number(found, version)
            entries = (
                entry
                for block in versions.blocks(self._connection, found.list_id, number)
                for entry in block.entries(found.scheme, found.labels)
            )
            yield from islice(entries, limit)

    def remove(self, name: str) -> None:
        """Remove a list with all its versions.

        Raises
        ------
        CatalogError
            If there is no such list.
        """
        with self._transaction() as connection:
            found = listed.known(connection, name)
            connection.execute("DELETE FROM lists WHERE list_id = ?", (found.list_id,))
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
            found = listed.known(self._connection, name)
            after = self._number(found, new)
            before = self._number(found, max(1, after - 1) if old is None else old)
            return changes.compare(
                self._connection,
                versions.members(self._connection, found.list_id, before),
                versions.members(self._connection, found.list_id, after),
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
            found = listed.known(connection, name)
            revising.of_version(connection, found, self._number(found, version))
            self._changed()
        return self.versions(name)[-1]

    def hold(self, name: str, holds: Sequence[Hold]) -> int:
        """Keep entries or values from being matched; return how many are newly held.

        What someone released before is not held again.
        """
        with self._transaction() as connection:
            found = listed.known(connection, name)
            count = quarantine.hold(connection, found.list_id, holds)
            self._changed()
        return count

    def release(self, name: str, entry_ids: Sequence[str] = (), reason: str | None = None) -> int:
        """Let held entries be matched again: those named, else all; return how many there were."""
        with self._transaction() as connection:
            found = listed.known(connection, name)
            count = quarantine.release(connection, found.list_id, entry_ids, reason)
            self._changed()
        return count

    def held(self, name: str | None = None, *, released: bool = False) -> list[Held]:
        """Return what is in quarantine, and on request what was released from it."""
        with database.errors(self.path):
            if name is not None:
                listed.known(self._connection, name)
            return quarantine.held(self._connection, name, released=released)

    def blocks(self, name: str) -> Iterator[Block]:
        """Give the living entries of a list's live version, block by block."""
        with database.errors(self.path):
            found = listed.known(self._connection, name)
            yield from versions.blocks(self._connection, found.list_id, found.live)

    def repeated(self, name: str) -> list[tuple[str, int]]:
        """Return values that are on most of a list's records: hash type, and on how many."""
        with database.errors(self.path):
            found = listed.known(self._connection, name)
            members = versions.members(self._connection, found.list_id, found.live)
            suspects = Suspects(found.repeated).confirm(self._connection, members)
            return [(suspect.hash_type, suspect.count) for suspect in suspects]

    def frozen(self) -> AbstractContextManager[None]:
        """Let everything that is read in the body be read as of one moment."""
        return database.frozen(self.path, self._connection)

    @contextmanager
    def listing(self, name: str, version: int | None = None) -> Iterator[Listing]:
        """Open a list's live version, or another, for writing it to a file.

        Everything is given, what is held too.

        Raises
        ------
        CatalogError
            If there is no such list or version.
        """
        with self.frozen():
            found = listed.known(self._connection, name)
            number = self._number(found, version)
            yield Listing(
                name,
                number,
                found.polarity,
                found.scheme,
                found.labels,
                versions.facts(self._connection, found.list_id, number)["envelope"],
                versions.blocks(self._connection, found.list_id, number),
            )

    def remove_entries(self, name: str, entry_ids: Sequence[str]) -> int:
        """Make a version of a list without some entries, and return how many it lacks.

        Ids that are not in the list are passed over; if none is, no version is made.

        Raises
        ------
        CatalogError
            If there is no such list.
        """
        with self._transaction() as connection:
            found = listed.known(connection, name)
            count = revising.without(connection, found, entry_ids)
            if count:
                self._changed()
        return count

    @contextmanager
    def export(
        self, name: str | None = None, entry_ids: Sequence[str] | None = None
    ) -> Iterator[Export]:
        """Open live entries for compiling, as of one moment: all, or those named of one list."""
        with self.frozen():
            sources = []
            for found in listed.all_lists(self._connection, name):
                members = versions.members(self._connection, found.list_id, found.live)
                if entry_ids is not None:
                    members = select(self._connection, members, entry_ids)
                sources.append(
                    Source(found.list_id, found.info, found.labels, members, found.repeated)
                )
            yield live_export(self._connection, sources, self.generation)

    def _number(self, found: Listed, version: int | None) -> int:
        """Return the live version, or the one asked for if the list has it."""
        if version is None:
            return found.live
        if not 1 <= version <= versions.last(self._connection, found.list_id):
            raise CatalogError(f"{found.name} has no version {version}; see 'hashmatch list show'")
        return version

    def _transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Commit what the body did, or none of it."""
        return database.transaction(self.path, self._connection)

    def _changed(self, *, undo: bool = False) -> None:
        """Note a change, or take back everything the transaction did."""
        if undo:
            self._connection.execute("ROLLBACK")
        else:
            self._connection.execute("UPDATE about SET generation = generation + 1")


__all__ = ["Catalog", "ImportReport", "ListInfo", "Mode", "VersionInfo"]
