"""Catalog to snapshot: every live entry of every list, compiled, checked and made current."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types, indexes
from hashmatch.errors import CatalogError, SnapshotError
from hashmatch.hash_types import HashKind
from hashmatch.home import Home
from hashmatch.indexes.carry import Position, commit_with_updates, position_of
from hashmatch.indexes.durable import locked
from hashmatch.indexes.snapshot import Snapshot, current_id
from hashmatch.indexes.writer import SnapshotWriter
from hashmatch.lists.catalog import Catalog
from hashmatch.lists.exporting import Export
from hashmatch.lists.info import ListInfo
from hashmatch.version import ENGINE

_UPDATES_LOCK = "UPDATES.LOCK"

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, how much is done and how much there is in all."""


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What became of a publish.

    Parameters
    ----------
    snapshot_id : str
        The snapshot that is now live.
    lists, entries : int
        How many lists and entries it holds.
    values : dict
        Searchable values by hash type.
    held, left_out : dict
        Values kept but not searchable by hash type, and values not indexed by reason.
    """

    snapshot_id: str
    lists: int
    entries: int
    values: dict[str, int]
    held: dict[str, int]
    left_out: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "snapshot": self.snapshot_id,
            "lists": self.lists,
            "entries": self.entries,
            "values": self.values,
            "held": self.held,
            "left_out": self.left_out,
        }


@dataclass(slots=True)
class _Column:
    """The values of one hash type, gathered batch by batch."""

    codes: list[NDArray[np.uint8]] = field(default_factory=list)
    entries: list[NDArray[np.uint32]] = field(default_factory=list)
    qualities: list[NDArray[np.uint8]] = field(default_factory=list)


def publish(
    home: Home, *, kind: str = "auto", progress: Progress | None = None, wait: bool = False
) -> PublishReport:
    """Compile the catalog of a home into a new snapshot and make it the live one.

    Entries that are added or removed meanwhile (:mod:`hashmatch.curate`) are taken along.

    Parameters
    ----------
    home : Home
        Where the catalog is and the snapshot goes.
    kind : str
        The kind of index for perceptual hash types (``hashmatch.indexes.kinds()``).
    progress : callable or None
        Told how far the work is.
    wait : bool
        Whether to wait for another process that is publishing, or to fail.

    Returns
    -------
    PublishReport

    Raises
    ------
    CatalogError
        If there is no catalog or it holds no entries.
    SnapshotError
        If the snapshot cannot be written; the one that was live stays so.
    """
    tell = progress or (lambda stage, done, total: None)
    described: list[dict[str, Any]] = []
    about: dict[str, Any] = {"engine": ENGINE}
    with (
        Catalog.open(home.catalog, create=False) as catalog,
        SnapshotWriter(home.snapshots, described, about, wait=wait) as writer,
        ExitStack() as held,
    ):
        with updates_held(home):  # so that both are of the same moment
            since = _position(home)
            export = held.enter_context(catalog.export())
        total = sum(info.entries for info in export.lists)
        if not total:
            raise CatalogError(
                "the catalog holds no entries yet; add a list with 'hashmatch list import'"
            )
        described += map(_described, export.lists)
        columns: dict[str, _Column] = {}
        writer.add_entries(_records(export, columns, total, tell))
        held_back: Counter[str] = Counter()
        values: dict[str, int] = {}
        for step, (name, column) in enumerate(sorted(columns.items())):
            tell("building indexes", step, len(columns))
            if hash_types.get(name).kind is HashKind.HELD:
                held_back[name] += sum(map(len, column.codes))
                continue
            values[name] = _add(writer, name, column, kind, described)
        tell("building indexes", len(columns), len(columns))
        about |= {
            "catalog_generation": export.generation,
            "held": dict(held_back),
            "left_out": dict(export.left_out),
        }
        writer.prepare()
        with updates_held(home):
            if since is None:
                snapshot_id, complete = writer.commit(), True
            else:
                carried = _Carried([info.name for info in export.lists], since[1], values.keys())
                snapshot_id = commit_with_updates(
                    writer, home.snapshots, since[0], carried.translate
                )
                complete = carried.complete
    if not complete:  # an entry came with the first value of its hash type
        return publish(home, kind=kind, progress=progress, wait=True)
    return PublishReport(
        snapshot_id, len(described), total, values, dict(held_back), about["left_out"]
    )


def updates_held(home: Home) -> AbstractContextManager[None]:
    """Hold the lock under which catalog and live snapshot are changed together."""
    return locked(home.path / _UPDATES_LOCK, wait=True)


def _thresholds(info: ListInfo) -> dict[str, dict[str, int]]:
    """Return a list's thresholds for every perceptual hash type, its own over the defaults."""
    return {
        known.name: _rule(*info.thresholds.get(known.name, (known.max_distance, known.min_quality)))
        for known in map(hash_types.get, hash_types.names())
        if known.kind is HashKind.PERCEPTUAL
    }


def _rule(max_distance: int, min_quality: int) -> dict[str, int]:
    return {"max_distance": max_distance, "min_quality": min_quality}


def _described(info: ListInfo) -> dict[str, Any]:
    """Return what the snapshot says of a list."""
    return {
        "name": info.name,
        "version": info.version,
        "polarity": info.polarity.value,
        "scheme": info.scheme,
        "entries": info.entries,
        "values": dict(info.values),
        "thresholds": _thresholds(info),
        "category_thresholds": {
            code: {name: _rule(*pair) for name, pair in own.items()}
            for code, own in info.category_thresholds.items()
        },
    }


def _widest(name: str, described: Sequence[Mapping[str, Any]]) -> int:
    """Return the largest distance any list or category asks for in a hash type."""
    return max(
        int(rules[name]["max_distance"])
        for one in described
        for rules in (one["thresholds"], *one["category_thresholds"].values())
        if name in rules
    )


def _records(
    export: Export, columns: dict[str, _Column], total: int, tell: Progress
) -> Iterator[bytes]:
    """Give the record of every entry, gathering the values beside."""
    done = 0
    for batch in export:
        for name, (codes, entries, qualities) in batch.values.items():
            column = columns.setdefault(name, _Column())
            column.codes.append(codes)
            column.entries.append(entries)
            column.qualities.append(qualities)
        yield from batch.records
        done += len(batch.records)
        tell("reading entries", done, total)


def _add(
    writer: SnapshotWriter,
    name: str,
    column: _Column,
    kind: str,
    described: Sequence[Mapping[str, Any]],
) -> int:
    """Write the values of one hash type and return how many there are."""
    codes, entries = np.concatenate(column.codes), np.concatenate(column.entries)
    known = hash_types.get(name)
    if known.kind is HashKind.CRYPTOGRAPHIC:
        writer.add_values(name, codes, entries)
    else:
        index = indexes.create(kind, bits=known.bits, codes=codes, radius=_widest(name, described))
        writer.add_index(name, index, entries, np.concatenate(column.qualities))
    return len(codes)


def _position(home: Home) -> tuple[Position, list[str]] | None:
    """Return how far the live snapshot's updates are, and its lists; ``None`` without one."""
    try:
        if current_id(home.snapshots) is None:
            return None
        with Snapshot.open(home.snapshots) as live:
            return position_of(live), [described["name"] for described in live.lists]
    except SnapshotError:  # a damaged one is replaced; nothing of it can be taken along
        return None


class _Carried:
    """Turns updates made to the old snapshot while the new one was written into ones of the new.

    Parameters
    ----------
    lists, old_lists : sequences of str
        The names of the lists of both, by place.
    known : collection of str
        The hash types the new one can search.
    """

    def __init__(
        self, lists: Sequence[str], old_lists: Sequence[str], known: Collection[str]
    ) -> None:
        self._places = {
            place: lists.index(name) for place, name in enumerate(old_lists) if name in lists
        }
        self._known = known
        self.complete = True

    def translate(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return an update with the places the lists have now; removed lists drop out."""
        inserts = []
        for insert in payload.get("insert", ()):
            place = self._places.get(insert["record"]["list"])
            if place is None:
                continue
            values = {n: found for n, found in insert["values"].items() if n in self._known}
            self.complete &= len(values) == len(insert["values"])
            inserts.append({"record": insert["record"] | {"list": place}, "values": values})
        removed = [
            [self._places[place], entry_id]
            for place, entry_id in payload.get("remove_ids", ())
            if place in self._places
        ]
        return {"remove_ids": removed, "insert": inserts}
