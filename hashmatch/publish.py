"""Catalog to snapshot: every live entry of every list, compiled, checked and made current."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types, indexes
from hashmatch.errors import CatalogError
from hashmatch.hash_types import HashKind
from hashmatch.home import Home
from hashmatch.indexes.snapshot import SnapshotWriter
from hashmatch.lists.catalog import Catalog, ListInfo
from hashmatch.version import ENGINE

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


def publish(home: Home, *, kind: str = "auto", progress: Progress | None = None) -> PublishReport:
    """Compile the catalog of a home into a new snapshot and make it the live one.

    Parameters
    ----------
    home : Home
        Where the catalog is and the snapshot goes.
    kind : str
        The kind of index for perceptual hash types (``hashmatch.indexes.kinds()``).
    progress : callable or None
        Told how far the work is.

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
    with Catalog.open(home.catalog, create=False) as catalog, catalog.export() as export:
        listed = export.lists
        total = sum(info.entries for info in listed)
        if not total:
            raise CatalogError(
                "the catalog holds no entries yet; add a list with 'hashmatch list import'"
            )
        thresholds = [_thresholds(info) for info in listed]
        about: dict[str, Any] = {"engine": ENGINE, "catalog_generation": export.generation}
        columns: dict[str, _Column] = {}

        def records() -> Iterator[bytes]:
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

        described: list[dict[str, Any]] = [
            {
                "name": info.name,
                "version": info.version,
                "polarity": info.polarity.value,
                "scheme": info.scheme,
                "entries": info.entries,
                "values": dict(info.values),
                "thresholds": rules,
                "category_thresholds": _category_thresholds(info, rules),
            }
            for info, rules in zip(listed, thresholds, strict=True)
        ]
        with SnapshotWriter(home.snapshots, described, about) as writer:
            writer.add_entries(records())
            values: dict[str, int] = {}
            held: Counter[str] = Counter()
            for step, (name, column) in enumerate(sorted(columns.items())):
                tell("building indexes", step, len(columns))
                codes = np.concatenate(column.codes)
                entries = np.concatenate(column.entries)
                known = hash_types.get(name)
                if known.kind is HashKind.CRYPTOGRAPHIC:
                    writer.add_values(name, codes, entries)
                elif known.kind is HashKind.PERCEPTUAL:
                    radius = max(
                        rules[name]["max_distance"]
                        for shape in described
                        for rules in (shape["thresholds"], *shape["category_thresholds"].values())
                        if name in rules
                    )
                    index = indexes.create(kind, bits=known.bits, codes=codes, radius=radius)
                    writer.add_index(name, index, entries, np.concatenate(column.qualities))
                else:
                    held[name] += len(codes)
                    continue
                values[name] = len(codes)
            tell("building indexes", len(columns), len(columns))
            left_out = dict(export.left_out)
            about |= {"held": dict(held), "left_out": left_out}
            snapshot_id = writer.publish()
    return PublishReport(snapshot_id, len(listed), total, values, dict(held), left_out)


def _thresholds(info: ListInfo) -> dict[str, dict[str, int]]:
    """Return a list's thresholds for every perceptual hash type, its own over the defaults."""
    rules = {}
    for known in map(hash_types.get, hash_types.names()):
        if known.kind is HashKind.PERCEPTUAL:
            max_distance, min_quality = info.thresholds.get(
                known.name, (known.max_distance, known.min_quality)
            )
            rules[known.name] = {"max_distance": max_distance, "min_quality": min_quality}
    return rules


def _category_thresholds(
    info: ListInfo, rules: dict[str, dict[str, int]]
) -> dict[str, dict[str, dict[str, int]]]:
    """Return the thresholds of the categories that depart from their list's, by category code."""
    return {
        code: {
            name: {"max_distance": max_distance, "min_quality": min_quality}
            for name, (max_distance, min_quality) in own.items()
            if rules[name] != {"max_distance": max_distance, "min_quality": min_quality}
        }
        for code, own in info.category_thresholds.items()
    }
