"""Making updates to the live snapshot: on disk before they count, seen by the next query."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hashmatch.errors import IndexArgumentError, SnapshotError
from hashmatch.indexes import layout
from hashmatch.indexes.durable import locked, sync_folder
from hashmatch.indexes.live import Key, Live, State
from hashmatch.indexes.live_log import encode_header, encode_record
from hashmatch.types import HashValue

log = logging.getLogger("hashmatch")


@dataclass(frozen=True, slots=True)
class Insert:
    """An entry to add.

    Parameters
    ----------
    record : mapping
        The entry as :meth:`Snapshot.entry` returns it, with ``list`` (the place of its list in
        :attr:`Snapshot.lists`) and ``id``.
    values : sequence of HashValue
        What it is found by, in hash types the snapshot holds.
    """

    record: Mapping[str, Any]
    values: Sequence[HashValue]


class LiveWriter:
    """Adds entries to the live snapshot and removes them, without rebuilding anything.

    An update is one record of the log beside the snapshot. It is on disk when :meth:`apply`
    returns, survives whatever happens to this process, and is part of the next query of every
    process that has the snapshot open. Any number of writers may be at work.

    Parameters
    ----------
    root : Path
        The folder of snapshots.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._id: str | None = None
        self._manifest: dict[str, Any] = {}
        self._live: Live | None = None

    def apply(
        self,
        inserts: Sequence[Insert] = (),
        *,
        remove_entries: Sequence[int] = (),
        remove_ids: Sequence[Key] = (),
    ) -> list[int]:
        """Remove some entries and add others, all of it or nothing.

        Parameters
        ----------
        inserts : sequence of Insert
            Entries to add. What is removed is removed first, so an entry can be replaced.
        remove_entries : sequence of int
            Numbers of entries to remove, of those that were there before.
        remove_ids : sequence of (int, str)
            Entries to remove by the place of their list and their id, in the snapshot and among
            those added since. Unlike numbers they cost every query that finds something the
            reading of its entries, until they are merged.

        Returns
        -------
        list of int
            The numbers of the entries that were added.

        Raises
        ------
        IndexArgumentError
            If an entry, a value or a number does not fit the snapshot. Nothing is done then.
        SnapshotError
            If there is no snapshot, or the update cannot be written. Nothing is done then.
        SnapshotCorruptError
            If the log is damaged.
        """
        with self._locked() as (live, state):
            base = self._manifest["entries"]
            first = base + len(state.records)
            payload = {
                "remove": [self._number(number, first) for number in remove_entries],
                "remove_ids": [[self._list(place), str(name)] for place, name in remove_ids],
                "insert": [self._insert(insert) for insert in inserts],
            }
            full = {name: part for name, part in payload.items() if part}
            if full:
                self._append(encode_record(state.number, full), state)
                live.state()
        return list(range(first, first + len(inserts)))

    @contextmanager
    def _locked(self) -> Iterator[tuple[Live, State]]:
        """Hold the lock on updates, with the live snapshot and its updates so far."""
        snapshot_id = layout.resolve(self._root, None)
        try:
            with locked(self._root / layout.LIVE_LOCK, wait=True):
                snapshot_id = layout.resolve(self._root, None)  # it may have changed meanwhile
                if snapshot_id != self._id or self._live is None:
                    self._open(snapshot_id)
                assert self._live is not None
                yield self._live, self._live.state()
        except OSError as error:
            raise SnapshotError(
                f"cannot write updates in {self._root}: {error.strerror or error}; nothing was "
                "changed"
            ) from error

    def _open(self, snapshot_id: str) -> None:
        self._manifest = layout.read_manifest(self._root / snapshot_id)
        sizes = {name: d["bits"] // 8 for name, d in self._manifest["hash_types"].items()}
        self._live = Live(self._log(snapshot_id), snapshot_id, self._manifest["entries"], sizes)
        self._id = snapshot_id

    def _log(self, snapshot_id: str) -> Path:
        return self._root / f"{snapshot_id}{layout.LIVE_SUFFIX}"

    def _append(self, record: bytes, state: State) -> None:
        assert self._id is not None
        path = self._log(self._id)
        new = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            size = os.fstat(handle).st_size
            if size > state.end:
                if state.end or size:
                    log.warning(
                        "%s: %d bytes of an update that was never finished are cut off",
                        path.name,
                        size - state.end,
                    )
                os.ftruncate(handle, state.end)
            data = record if state.end else encode_header(self._id) + record
            os.lseek(handle, state.end, os.SEEK_SET)
            try:
                if os.write(handle, data) < len(data):
                    raise OSError(None, "the disk is full")
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, state.end)
                raise
        finally:
            os.close(handle)
        if new:
            sync_folder(self._root)

    def _insert(self, insert: Insert) -> dict[str, Any]:
        record = dict(insert.record)
        self._list(record.get("list"))
        if not isinstance(record.get("id"), str):
            raise IndexArgumentError("an entry needs an id")
        values: dict[str, list[list[Any]]] = {}
        for value in insert.values:
            described = self._manifest["hash_types"].get(value.hash_type)
            if described is None:
                raise IndexArgumentError(
                    f"snapshot {self._id} holds no {value.hash_type} values; make a new one with "
                    "'hashmatch index build' to add some"
                )
            if len(value.bytes) * 8 != described["bits"]:
                raise IndexArgumentError(
                    f"a {value.hash_type} value has {described['bits']} bits, "
                    f"not {len(value.bytes) * 8}"
                )
            values.setdefault(value.hash_type, []).append([value.hex, value.quality])
        return {"record": record, "values": values}

    def _list(self, place: Any) -> int:
        lists = len(self._manifest["lists"])
        if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < lists:
            raise IndexArgumentError(f"snapshot {self._id} has {lists} list(s), from 0")
        return place

    def _number(self, number: int, count: int) -> int:
        if not 0 <= number < count:
            raise IndexArgumentError(f"there is no entry {number}; there are {count:,}")
        return int(number)
