"""Reading updates that were made to a snapshot since it was published.

Entries added since follow those of the snapshot: the first one has the number of entries in the
snapshot. Rows of an index continue in the same way. A removed entry keeps its number and can still
be read, but no search finds it. A state never changes, so an answer that is being made is made of
one state from beginning to end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hashmatch.errors import SnapshotCorruptError, SnapshotError
from hashmatch.indexes.contract import Codes, Index, NearestResult, RadiusResult, as_count
from hashmatch.indexes.live_log import Parsed, parse
from hashmatch.indexes.native import scan_nearest, scan_radius
from hashmatch.indexes.results import kept, merged, nearest_merged
from hashmatch.indexes.values import ValueIndex
from hashmatch.types import UNKNOWN_QUALITY

Key = tuple[int, str]
_ATTEMPTS = 3


class Searchable(Protocol):
    """What can be asked of the index of a snapshot."""

    def __len__(self) -> int: ...
    def search_radius(self, queries: Codes, radius: int) -> RadiusResult:
        """Find every row within ``radius`` bits of each query."""
        ...

    def search_nearest(self, queries: Codes, k: int) -> NearestResult:
        """Find the ``k`` nearest rows of each query."""
        ...


class Findable(Protocol):
    """What can be asked of the exact values of a snapshot."""

    def find(self, codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Find the entries of each value."""
        ...


@dataclass(frozen=True, slots=True)
class Column:
    """Rows added to one hash type: values, their entries, their qualities."""

    codes: Codes
    entries: NDArray[np.uint32]
    qualities: NDArray[np.uint8]

    @classmethod
    def empty(cls, size: int) -> Column:
        """Return no rows."""
        return cls(np.empty((0, size), np.uint8), np.empty(0, np.uint32), np.empty(0, np.uint8))

    def __len__(self) -> int:
        return len(self.codes)

    def extended(self, codes: bytes, entries: list[int], qualities: list[int]) -> Column:
        """Return the rows with more of them behind."""
        more = np.frombuffer(codes, np.uint8).reshape(len(entries), self.codes.shape[1])
        return Column(
            np.concatenate([self.codes, more]),
            np.concatenate([self.entries, np.array(entries, np.uint32)]),
            np.concatenate([self.qualities, np.array(qualities, np.uint8)]),
        )


@dataclass(frozen=True, slots=True)
class State:
    """All updates up to some record of the log."""

    end: int = 0
    number: int = 0
    torn: int = 0
    records: tuple[dict[str, Any], ...] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)
    removed: frozenset[int] = frozenset()
    removed_keys: frozenset[Key] = frozenset()
    """Keys of entries of the snapshot itself; what was added since is removed by its number."""

    def removes(self) -> bool:
        """Say whether anything was removed."""
        return bool(self.removed or self.removed_keys)


class Live:
    """The updates of one snapshot, read again whenever its log has grown.

    Parameters
    ----------
    log : Path
        The log; it need not exist.
    snapshot_id : str
    entries : int
        How many entries the snapshot has.
    sizes : mapping of str to int
        Bytes of a value for every hash type it has.
    """

    def __init__(self, log: Path, snapshot_id: str, entries: int, sizes: Mapping[str, int]) -> None:
        self._log = log
        self._id = snapshot_id
        self._entries = entries
        self._sizes = sizes
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._state = State()

    def state(self) -> State:
        """Return the updates up to now; a look at the size of the log if nothing changed.

        Raises
        ------
        SnapshotCorruptError
            If the log is damaged.
        """
        try:
            now = self._stamp()
        except FileNotFoundError:
            return self._state
        if now == self._seen:
            return self._state
        with self._lock:
            before = self._state
            self._state = self._applied(before, self._parsed(before))
            self._seen = now  # from before it was read, so what came meanwhile is read next time
            return self._state

    def _stamp(self) -> tuple[int, int]:
        found = self._log.stat()
        return found.st_size, found.st_mtime_ns

    def _parsed(self, before: State) -> Parsed:
        for attempt in range(_ATTEMPTS):
            try:
                with self._log.open("rb") as file:
                    file.seek(before.end)
                    data = file.read()
            except OSError as error:
                raise SnapshotError(f"cannot read {self._log}: {error.strerror}") from error
            try:
                return parse(self._log.name, self._id, data, before.end, before.number)
            except SnapshotCorruptError:
                # a writer may just be cutting off a torn tail and writing in its place
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(0.01)
        raise AssertionError("unreachable")

    def _applied(self, before: State, parsed: Parsed) -> State:
        records = list(before.records)
        removed = set(before.removed)
        keys = set(before.removed_keys)
        new: dict[str, tuple[bytearray, list[int], list[int]]] = {}
        for payload in parsed.records:
            removed.update(payload.get("remove", ()))
            gone = {(number, entry_id) for number, entry_id in payload.get("remove_ids", ())}
            if gone:
                keys |= gone
                removed.update(
                    self._entries + at for at, r in enumerate(records) if key_of(r) in gone
                )
            for insert in payload.get("insert", ()):
                number = self._entries + len(records)
                records.append(insert["record"])
                for name, values in insert["values"].items():
                    codes, entries, qualities = new.setdefault(name, (bytearray(), [], []))
                    for digits, quality in values:
                        codes += bytes.fromhex(digits)
                        entries.append(number)
                        qualities.append(UNKNOWN_QUALITY if quality is None else quality)
        columns = dict(before.columns)
        for name, (codes, entries, qualities) in new.items():
            column = columns.get(name) or Column.empty(self._sizes[name])
            columns[name] = column.extended(bytes(codes), entries, qualities)
        return State(
            parsed.end,
            before.number + len(parsed.records),
            parsed.torn,
            tuple(records),
            columns,
            frozenset(removed),
            frozenset(keys),
        )


def key_of(record: Mapping[str, Any]) -> Key:
    """Return what identifies an entry in all lists: the list's place and the entry's id."""
    return record["list"], record["id"]


class Removal:
    """Says which entries are removed.

    Parameters
    ----------
    state : State
    record : callable
        Returns the record of an entry; asked only where entries were removed by their id.
    """

    def __init__(self, state: State, record: Callable[[int], Mapping[str, Any]], base: int) -> None:
        self._numbers = np.array(sorted(state.removed), np.int64)
        self._keys = state.removed_keys
        self._record = record
        self._base = base

    def keep(self, entries: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which of some entries are not removed."""
        keep: NDArray[np.bool_] = ~np.isin(entries, self._numbers)
        if self._keys:
            for at in np.flatnonzero(keep & (entries < self._base)).tolist():
                keep[at] = key_of(self._record(int(entries[at]))) not in self._keys
        return keep


class OverlayIndex:
    """The index of a snapshot with rows added and entries removed since."""

    def __init__(
        self, base: Index, row_entries: NDArray[np.uint32], added: Column, removal: Removal | None
    ) -> None:
        self._base = base
        self._rows = len(row_entries)
        self._entries = Joined(row_entries, added.entries)
        self._added = added
        self._removal = removal
        self.kind, self.bits, self.exact = base.kind, base.bits, base.exact

    def __len__(self) -> int:
        """Return the number of rows, those of removed entries included."""
        return len(self._base) + len(self._added)

    def search_radius(self, queries: Codes, radius: int) -> RadiusResult:
        """Find every row within ``radius`` bits of each query. See the contract."""
        found = self._base.search_radius(queries, radius)
        if len(self._added):
            beyond = scan_radius(
                self._added.codes, np.ascontiguousarray(queries), radius, None, self._rows
            )
            found = merged([found, beyond])
        if self._removal is None or not len(found.rows):
            return found
        return kept(found, self._removal.keep(self._entries[found.rows]))

    def search_nearest(self, queries: Codes, k: int) -> NearestResult:
        """Find the ``k`` nearest rows of each query. See the contract.

        Asks for more rows as long as removed ones stand in the way.
        """
        k = as_count(k)
        asked = k
        while True:
            parts = [self._base.search_nearest(queries, asked)]
            if len(self._added):
                codes = np.ascontiguousarray(queries)
                parts.append(scan_nearest(self._added.codes, codes, asked, None, self._rows))
            found = nearest_merged(parts)
            if self._removal is None or not found.rows.size:
                return found
            there = found.rows >= 0
            keep = there.copy()
            keep[there] = self._removal.keep(self._entries[found.rows[there]])
            lacking = (keep.sum(axis=1) < k) & there[:, -1]
            if not lacking.any():
                order = np.argsort(~keep, axis=1, kind="stable")[:, :k]
                rows = np.where(keep, found.rows, -1)
                distances = np.where(keep, found.distances, -1)
                return NearestResult(
                    np.take_along_axis(rows, order, axis=1),
                    np.take_along_axis(distances, order, axis=1),
                )
            asked *= 2


class OverlayValues:
    """The exact values of a snapshot with values added and entries removed since."""

    def __init__(self, base: ValueIndex, added: Column, removal: Removal | None) -> None:
        self._base = base
        self._added = added
        self._removal = removal

    def find(self, codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Find the entries of each value. See :class:`ValueIndex`."""
        offsets, entries = self._base.find(codes)
        zeros = np.zeros(len(entries), np.int32)
        found = RadiusResult(offsets, entries, zeros)
        if len(self._added):
            here = scan_radius(self._added.codes, np.ascontiguousarray(codes), 0)
            added = self._added.entries[here.rows].astype(np.int64)
            found = merged([found, RadiusResult(here.offsets, added, here.distances)])
        if self._removal is not None and len(found.rows):
            found = kept(found, self._removal.keep(found.rows))
        return found.offsets, found.rows


class Joined:
    """Two columns read as one, without copying them together."""

    def __init__(self, first: NDArray[Any], second: NDArray[Any]) -> None:
        self._first = first
        self._second = second

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.concatenate([self._first, self._second]).astype(dtype or self._first.dtype)

    def __getitem__(self, rows: Any) -> Any:
        at = np.asarray(rows)
        if at.ndim == 0:
            number = int(at)
            split = len(self._first)
            return self._first[number] if number < split else self._second[number - split]
        out = np.empty(at.shape, self._first.dtype)
        later = at >= len(self._first)
        out[~later] = self._first[at[~later]]
        out[later] = self._second[at[later] - len(self._first)]
        return out
