"""Entries added to local lists and removed from them, seen by the next query of every process.

The catalog is changed first, then the live snapshot's updates, under one lock, so both tell the
same. Where the snapshot has no place for an entry (its list or hash type is new), a new snapshot
is published instead.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hashmatch import hash_types
from hashmatch.errors import CatalogError
from hashmatch.hash_types import HashKind
from hashmatch.home import Home
from hashmatch.indexes import layout
from hashmatch.indexes.live_writer import Insert, LiveWriter
from hashmatch.indexes.snapshot import current_id
from hashmatch.lists.catalog import Catalog
from hashmatch.lists.exporting import Batch
from hashmatch.lists.info import ImportReport, Mode
from hashmatch.lists.readers.given import FORMAT, read_entries
from hashmatch.publish import publish, updates_held
from hashmatch.types import UNKNOWN_QUALITY, Entry, HashValue, Polarity


def add_entries(
    home: Home, list_name: str, entries: Sequence[Entry], *, polarity: Polarity | None = None
) -> ImportReport:
    """Add entries to a list, or replace those of the same ids, and make them findable at once.

    Parameters
    ----------
    home : Home
    list_name : str
    entries : sequence of Entry
        Each with an id and at least one hash value.
    polarity : Polarity or None
        What being on the list means; needed to make a new list.

    Returns
    -------
    ImportReport
        What became of them. Once it is returned they are on disk and part of the next query.

    Raises
    ------
    CatalogError
        If an entry is unusable, the list does not exist and no polarity is given, or the catalog
        cannot be written.
    HashFormatError
        If a value does not fit its type.
    SnapshotError
        If the live snapshot cannot be updated; the catalog then holds the entries already, and
        the next publish makes them findable.
    """
    ids = list(dict.fromkeys(entry.entry_id for entry in entries))
    home.ensure()
    with updates_held(home), Catalog.open(home.catalog, create=polarity is not None) as catalog:
        known = {info.name: info for info in catalog.lists()}.get(list_name)
        meaning = polarity or (known.polarity if known else None)
        if meaning is None:
            raise CatalogError(
                f"there is no list {list_name}; its first entry must say its polarity: "
                f"hashmatch list add {list_name} ... --polarity known-bad"
            )
        reading = read_entries(entries, known.scheme if known else None)
        before = _ids(catalog, list_name, ids) if known else []
        report = catalog.import_list(
            list_name,
            reading,
            source_files=[FORMAT],
            format=FORMAT,
            polarity=meaning,
            mode=Mode.DELTA,
        )
        live = _update(home, catalog, list_name, ids, before, report.version)
    if not live:
        publish(home, wait=True)
    return report


def remove_entries(home: Home, list_name: str, entry_ids: Sequence[str]) -> int:
    """Remove entries from a list, so that the next query does not find them.

    Parameters
    ----------
    home : Home
    list_name : str
    entry_ids : sequence of str
        Ids that the list does not have are passed over.

    Returns
    -------
    int
        How many entries were removed.

    Raises
    ------
    CatalogError
        If there is no such list, or the catalog cannot be written.
    SnapshotError
        If the live snapshot cannot be updated; the catalog lacks the entries already, and the
        next publish makes them unfindable.
    """
    with Catalog.open(home.catalog, create=False) as catalog, updates_held(home):
        removed = catalog.remove_entries(list_name, entry_ids)
        place = _place(home, list_name)
        if removed and place is not None:
            gone = [(place, entry_id) for entry_id in dict.fromkeys(entry_ids)]
            LiveWriter(home.snapshots).apply(remove_ids=gone)
    return removed


def _ids(catalog: Catalog, list_name: str, entry_ids: Sequence[str]) -> list[str]:
    """Return which of some ids a list has."""
    with catalog.export(list_name, entry_ids) as export:
        return [json.loads(record)["id"] for batch in export for record in batch.records]


def _update(
    home: Home,
    catalog: Catalog,
    list_name: str,
    entry_ids: Sequence[str],
    before: Sequence[str],
    version: int,
) -> bool:
    """Make entries of the catalog findable in the live snapshot; say if it has a place for them."""
    place = _place(home, list_name)
    if place is None:
        return False
    searched = _manifest(home)["hash_types"]
    inserts: list[Insert] = []
    with catalog.export(list_name, entry_ids) as export:
        for batch in export:
            inserts += _inserts(batch, len(inserts), {"list": place, "version": version})
    if any(value.hash_type not in searched for insert in inserts for value in insert.values):
        return False
    replaced = [(place, entry_id) for entry_id in dict.fromkeys(before)]
    LiveWriter(home.snapshots).apply(inserts, remove_ids=replaced)
    return True


def _inserts(batch: Batch, first: int, facts: dict[str, Any]) -> list[Insert]:
    """Return a batch of an export, whose entries are numbered from ``first``, as inserts."""
    records = [json.loads(record) | facts for record in batch.records]
    values: list[list[HashValue]] = [[] for _ in records]
    for name, (codes, rows, qualities) in batch.values.items():
        if hash_types.get(name).kind is HashKind.HELD:
            continue
        for code, row, quality in zip(codes, rows.tolist(), qualities.tolist(), strict=True):
            known = None if quality == UNKNOWN_QUALITY else quality
            values[row - first].append(HashValue(name, code.tobytes(), known))
    return [Insert(record, found) for record, found in zip(records, values, strict=True)]


def _place(home: Home, list_name: str) -> int | None:
    """Return the place of a list in the live snapshot."""
    if current_id(home.snapshots) is None:
        return None
    names = [described["name"] for described in _manifest(home)["lists"]]
    return names.index(list_name) if list_name in names else None


def _manifest(home: Home) -> dict[str, Any]:
    return layout.read_manifest(home.snapshots / layout.resolve(home.snapshots, None))
