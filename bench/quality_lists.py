"""Snapshots for measuring: lists of known hash values, written without going through a catalog."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types, indexes
from hashmatch.hash_types import HashKind
from hashmatch.indexes.snapshot import SnapshotWriter
from hashmatch.types import HashValue

Entry = tuple[str, Mapping[str, HashValue]]


def write_lists(root: Path, lists: Mapping[str, Sequence[Entry]], types: Sequence[str]) -> str:
    """Write a snapshot of known-bad lists and return its id.

    Parameters
    ----------
    root : Path
        The folder of snapshots.
    lists : mapping
        By name: entries, each with its id and its hash values by type.
    types : sequence of str
        Which perceptual types of them the lists hold.
    """
    columns: dict[str, tuple[list[bytes], list[int], list[int]]] = {
        name: ([], [], []) for name in types
    }
    number = 0
    for entries in lists.values():
        for _, values in entries:
            for name, (codes, rows, qualities) in columns.items():
                codes.append(values[name].bytes)
                rows.append(number)
                qualities.append(values[name].quality or 0)
            number += 1

    def records() -> Iterator[bytes]:
        for place, entries in enumerate(lists.values()):
            for entry_id, _ in entries:
                yield json.dumps({"list": place, "id": entry_id}).encode()

    with SnapshotWriter(root, [_described(n, len(e), types) for n, e in lists.items()], {}) as made:
        made.add_entries(records())
        for name, (codes, rows, qualities) in columns.items():
            known = hash_types.get(name)
            joined = np.frombuffer(b"".join(codes), np.uint8).reshape(-1, known.size)
            index = indexes.create("auto", bits=known.bits, codes=joined, radius=known.max_distance)
            made.add_index(name, index, np.array(rows, np.uint32), np.array(qualities, np.uint8))
        return made.publish()


def write_random(root: Path, rows: int, seed: int) -> str:
    """Write a snapshot of one list of random PDQ values and return its id."""
    codes: NDArray[np.uint8] = np.random.default_rng(seed).integers(0, 256, (rows, 32), np.uint8)
    records = (b'{"list":0,"id":"%d"}' % number for number in range(rows))
    with SnapshotWriter(root, [_described("random", rows, ["pdq"])], {}) as made:
        made.add_entries(records)
        index = indexes.create("auto", bits=256, codes=codes, radius=31)
        made.add_index("pdq", index, np.arange(rows, dtype=np.uint32), np.full(rows, 100, np.uint8))
        return made.publish()


def _described(name: str, entries: int, types: Sequence[str]) -> dict[str, Any]:
    thresholds = {
        known.name: {"max_distance": known.max_distance, "min_quality": known.min_quality}
        for known in map(hash_types.get, hash_types.names())
        if known.kind is HashKind.PERCEPTUAL
    }
    return {
        "name": name,
        "version": 1,
        "polarity": "known-bad",
        "scheme": None,
        "entries": entries,
        "values": dict.fromkeys(types, entries),
        "thresholds": thresholds,
        "category_thresholds": {},
    }
