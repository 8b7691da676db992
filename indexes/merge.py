"""Merging the updates of a snapshot into a new one, while it goes on being searched and updated."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch.indexes import registry
from hashmatch.indexes.carry import Position, Translate, commit_with_updates
from hashmatch.indexes.live import Column, Removal, State
from hashmatch.indexes.snapshot import Snapshot
from hashmatch.indexes.writer import SnapshotWriter

_GONE = -1


def merge(root: Path) -> str:
    """Publish a new snapshot that holds the live one with its updates.

    Updates made while it is being written are carried over: they become the first updates of the
    new snapshot, in the moment in which it becomes the live one.

    Returns
    -------
    str
        The id of the new snapshot; that of the live one if it has no updates.

    Raises
    ------
    SnapshotError
        If there is no snapshot, another one is being written, or it cannot be written. What was
        live stays so, with all its updates.
    """
    with Snapshot.open(root) as base:
        state = base.live_state()
        if not state.number:
            return base.id
        numbers = _renumbered(base, state)
        about = {**base.manifest["about"], "merged_from": base.id}
        with SnapshotWriter(root, _recounted(base, state, numbers), about) as writer:
            writer.add_entries(_records(base, state, numbers))
            for name in base.hash_types:
                _add_type(writer, base, state, name, numbers)
            writer.prepare()
            since = Position(base.id, state.end, state.number)
            return commit_with_updates(writer, root, since, _renumbering(numbers))


def _renumbered(base: Snapshot, state: State) -> NDArray[np.int64]:
    """Return the new number of every entry, -1 for a removed one."""
    old = np.arange(base.entry_count + len(state.records), dtype=np.int64)
    keep = Removal(state, base.entry, base.entry_count).keep(old)
    return np.where(keep, np.cumsum(keep) - 1, _GONE)


def _records(base: Snapshot, state: State, numbers: NDArray[np.int64]) -> Iterator[bytes]:
    gone = numbers == _GONE
    for number, record in enumerate(base.raw_entries()):
        if not gone[number]:
            yield record
    for number, added in enumerate(state.records, start=base.entry_count):
        if not gone[number]:
            yield json.dumps(added, separators=(",", ":")).encode("ascii")


def _add_type(
    writer: SnapshotWriter, base: Snapshot, state: State, name: str, numbers: NDArray[np.int64]
) -> None:
    described = base.manifest["hash_types"][name]
    added = state.columns.get(name) or Column.empty(described["bits"] // 8)
    is_index = "kind" in described
    codes = base.array(name, "codes" if is_index else "values")
    entries = numbers[np.concatenate([base.array(name, _entries_part(base, name)), added.entries])]
    keep = entries != _GONE
    kept_codes = np.concatenate([codes, added.codes])[keep]
    kept_entries = entries[keep].astype(np.uint32)
    if not is_index:
        writer.add_values(name, kept_codes, kept_entries)
        return
    qualities = np.concatenate([base.array(name, "row_qualities"), added.qualities])[keep]
    index = registry.create(
        described["kind"], bits=described["bits"], codes=kept_codes, radius=described["radius"]
    )
    writer.add_index(name, index, kept_entries, qualities)


def _entries_part(base: Snapshot, name: str) -> str:
    return "row_entries" if "kind" in base.manifest["hash_types"][name] else "entries"


def _recounted(base: Snapshot, state: State, numbers: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return what is said about the lists, with as many entries and values as there are now."""
    entries: Counter[int] = Counter()
    values: Counter[tuple[int, str]] = Counter()
    gone = np.flatnonzero(numbers[: base.entry_count] == _GONE)
    list_of = {int(number): base.entry(int(number))["list"] for number in gone}
    for place in list_of.values():
        entries[place] -= 1
    for offset, record in enumerate(state.records):
        if numbers[base.entry_count + offset] != _GONE:
            entries[record["list"]] += 1
    for name in base.hash_types:
        stored = base.array(name, _entries_part(base, name))
        for number in stored[np.isin(stored, gone)].tolist():
            values[list_of[number], name] -= 1
        for number in state.columns[name].entries if name in state.columns else ():
            if numbers[number] != _GONE:
                record = state.records[int(number) - base.entry_count]
                values[record["list"], name] += 1
    described = []
    for place, told in enumerate(base.lists):
        counted = dict(told.get("values") or {})
        for name in base.hash_types:
            if values[place, name]:
                counted[name] = counted.get(name, 0) + values[place, name]
        more = {"values": counted} if "values" in told or counted else {}
        described.append({**told, "entries": told.get("entries", 0) + entries[place], **more})
    return described


def _renumbering(numbers: NDArray[np.int64]) -> Translate:
    """Return what turns an update made to the old snapshot into one of the new one."""
    total = int((numbers != _GONE).sum())

    def renumbered(number: int) -> int:
        return int(numbers[number]) if number < len(numbers) else number - len(numbers) + total

    def translate(payload: dict[str, Any]) -> dict[str, Any]:
        moved = [renumbered(number) for number in payload.get("remove", ())]
        return {**payload, "remove": [number for number in moved if number != _GONE]}

    return translate
