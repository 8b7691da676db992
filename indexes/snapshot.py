"""Opening a snapshot, reading from it, and verifying it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from hashmatch.errors import IndexArgumentError, SnapshotCorruptError, SnapshotError
from hashmatch.indexes import layout, registry
from hashmatch.indexes.array_file import ArrayFile
from hashmatch.indexes.contract import Codes, Index
from hashmatch.indexes.entries import OFFSETS, RECORDS, Entries
from hashmatch.indexes.layout import current_id
from hashmatch.indexes.live import (
    Column,
    Findable,
    Joined,
    Live,
    OverlayIndex,
    OverlayValues,
    Removal,
    Searchable,
    State,
)
from hashmatch.indexes.live_log import parse
from hashmatch.indexes.values import ValueIndex
from hashmatch.indexes.writer import SnapshotWriter, sha256_of

T = TypeVar("T")

__all__ = ["Snapshot", "SnapshotWriter", "current_id", "verify"]


class Snapshot:
    """An open snapshot; any number of threads may share it. Made by :meth:`open`."""

    def __init__(self, folder: Path, manifest: dict[str, Any], files: dict[str, ArrayFile]) -> None:
        self.id = folder.name
        self._root = folder.parent
        self.manifest = manifest
        self._files = files
        self._entries = Entries(files[RECORDS], files[OFFSETS])
        self._types = manifest["hash_types"]
        self._values: dict[str, ValueIndex] = {}
        self._indexes: dict[str, Index] = {}
        self._overlays: dict[tuple[str, str], tuple[State, Any]] = {}
        self._in_order: dict[str, bool] = {}
        self._lock = threading.Lock()
        sizes = {name: described["bits"] // 8 for name, described in self._types.items()}
        log = folder.with_name(folder.name + layout.LIVE_SUFFIX)
        self._live = Live(log, self.id, len(self._entries), sizes)
        self._live.state()

    @classmethod
    def open(
        cls,
        root: Path,
        snapshot_id: str | None = None,
        *,
        verify: Literal["quick", "full"] = "quick",
    ) -> Self:
        """Open a snapshot, by default the live one.

        Parameters
        ----------
        root : Path
            The folder of snapshots.
        snapshot_id : str or None
            Which one.
        verify : {"quick", "full"}
            ``quick`` checks the manifest, and of every file its size, header and list of
            checksums; what an answer reads is then compared with those checksums before it is
            first used. ``full`` compares everything now.

        Raises
        ------
        SnapshotError
            If there is no such snapshot or this version cannot read it.
        SnapshotCorruptError
            If anything of it is damaged.
        """
        while True:
            wanted = layout.resolve(root, snapshot_id)
            try:
                opened = cls._opened(root / wanted)
                break
            except SnapshotError:
                # it may have been replaced, and deleted, while it was being opened
                if snapshot_id is not None or current_id(root) == wanted:
                    raise
        if verify == "full":
            opened.load()
        return opened

    @classmethod
    def _opened(cls, folder: Path) -> Self:
        manifest = layout.read_manifest(folder)
        files = {
            name: ArrayFile(folder / name, described["size"], described["seal"])
            for name, described in manifest["files"].items()
        }
        return cls(folder, manifest, files)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files; they are unmapped when the last answer using them is done."""
        self._files = {}
        self._indexes = {}
        self._values = {}
        self._overlays = {}

    def load(self) -> None:
        """Compare everything with its checksums now, which also brings it into memory.

        Raises
        ------
        SnapshotCorruptError
            If anything is damaged.
        """
        for file in self._files.values():
            file.array  # noqa: B018 - for the check it makes

    @property
    def lists(self) -> list[dict[str, Any]]:
        """What the writer said about each list."""
        found: list[dict[str, Any]] = self.manifest["lists"]
        return found

    @property
    def hash_types(self) -> tuple[str, ...]:
        """The hash types that can be searched."""
        return tuple(self._types)

    @property
    def superseded(self) -> bool:
        """Whether another snapshot is live by now; this one gets no more updates then."""
        return current_id(self._root) != self.id

    def live_state(self) -> State:
        """Return the updates made since the snapshot was published."""
        return self._live.state()

    def entry(self, number: int) -> dict[str, Any]:
        """Return the record of an entry, a removed one too.

        Raises
        ------
        IndexArgumentError
            If there is no such entry.
        SnapshotCorruptError
            If it is damaged.
        """
        if number < len(self._entries):
            return self._entries[number]
        added = self._live.state().records
        if number >= len(self._entries) + len(added):
            raise IndexArgumentError(f"there is no entry {number}")
        return added[number - len(self._entries)]

    def values(self, name: str) -> Findable:
        """Return the values of a hash type that is searched for equality, as they are now."""
        base = self.base_values(name)
        state = self._live.state()
        if name not in state.columns and not state.removes():
            return base
        return self._overlay(
            ("values", name),
            state,
            lambda column, removal: OverlayValues(base, column, removal),
        )

    def index(self, name: str) -> Searchable:
        """Return the index of a hash type that is searched within a radius, as it is now.

        Updates made later are found through the index that is returned then.
        """
        base = self.base_index(name)
        state = self._live.state()
        if name not in state.columns and not state.removes():
            return base
        return self._overlay(
            ("index", name),
            state,
            lambda column, removal: OverlayIndex(
                base, self.array(name, "row_entries"), column, removal
            ),
        )

    def entries_of(self, name: str) -> NDArray[np.uint32] | Joined:
        """Return the entry of each row of an index, rows added since included."""
        column = self._live.state().columns.get(name)
        base = self.array(name, "row_entries")
        return base if column is None else Joined(base, column.entries)

    def qualities_of(self, name: str) -> NDArray[np.uint8] | Joined:
        """Return the quality of each row of an index, 255 where it is unknown."""
        column = self._live.state().columns.get(name)
        base = self.array(name, "row_qualities")
        return base if column is None else Joined(base, column.qualities)

    def codes_of(self, name: str, entry: int) -> Codes:
        """Return the values an entry has in a hash type that is searched within a radius.

        Returns
        -------
        (n, bytes) uint8
        """
        if entry >= len(self._entries):
            column = self._live.state().columns.get(name)
            if column is None:
                return Column.empty(self._types[name]["bits"] // 8).codes
            return np.asarray(column.codes[column.entries == entry])
        numbers = self.array(name, "row_entries")
        if name not in self._in_order:
            self._in_order[name] = bool((numbers[1:] >= numbers[:-1]).all())
        if not self._in_order[name]:
            rows: NDArray[np.bool_] = numbers == entry
            return np.asarray(self.array(name, "codes")[rows])
        first, last = np.searchsorted(numbers, [entry, entry + 1])
        return np.asarray(self.array(name, "codes")[first:last])

    @property
    def entry_count(self) -> int:
        """How many entries it was published with; the number of the first one added since."""
        return len(self._entries)

    def raw_entries(self) -> Iterator[bytes]:
        """Give the stored record of every entry it was published with."""
        return self._entries.stream()

    def array(self, name: str, part: str) -> NDArray[Any]:
        """Return a stored array of a hash type, once all of it was compared with its checksums.

        Raises
        ------
        SnapshotCorruptError
            If it is damaged.
        """
        described = self._described(name)
        if not self._files:
            raise SnapshotError(f"snapshot {self.id} was closed")
        return self._files[described["arrays"][part]].array

    def base_values(self, name: str) -> ValueIndex:
        """Return the exact values as they were published."""
        found = self._values.get(name)
        if found is None:
            with self._lock:
                described = self._described(name, indexed=False)
                found = ValueIndex(
                    described["bits"],
                    self.array(name, "values"),
                    self.array(name, "entries"),
                    self.array(name, "prefixes"),
                    described["parameters"]["prefix_bits"],
                )
                self._values[name] = found
        return found

    def base_index(self, name: str) -> Index:
        """Return the index as it was published."""
        found = self._indexes.get(name)
        if found is None:
            with self._lock:
                described = self._described(name, indexed=True)
                arrays = {
                    part: self.array(name, part)
                    for part in described["arrays"]
                    if not part.startswith("row_")
                }
                found = registry.restore(
                    described["kind"],
                    arrays,
                    bits=described["bits"],
                    radius=described["radius"],
                    parameters=described["parameters"],
                )
                self._indexes[name] = found
        return found

    def _overlay(
        self, key: tuple[str, str], state: State, make: Callable[[Column, Removal | None], T]
    ) -> T:
        cached = self._overlays.get(key)
        if cached is not None and cached[0] is state:
            found: T = cached[1]
            return found
        size = self._types[key[1]]["bits"] // 8
        column = state.columns.get(key[1]) or Column.empty(size)
        removal = Removal(state, self.entry, len(self._entries)) if state.removes() else None
        made = make(column, removal)
        self._overlays[key] = (state, made)
        return made

    def _described(self, name: str, indexed: bool | None = None) -> dict[str, Any]:
        described: dict[str, Any] | None = self._types.get(name)
        if described is None or (indexed is not None and ("kind" in described) is not indexed):
            how = {True: " index of", False: " exact values of", None: ""}[indexed]
            raise SnapshotError(
                f"snapshot {self.id} holds no{how} {name}; it holds {', '.join(self._types)}"
            )
        return described


@dataclass(frozen=True, slots=True)
class FileReport:
    """What verifying found about one file.

    Parameters
    ----------
    name, size : str and int
    problem : str or None
        What is wrong with it.
    note : str or None
        What is worth knowing though nothing is wrong.
    """

    name: str
    size: int
    problem: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What verifying found about a snapshot."""

    snapshot_id: str
    files: tuple[FileReport, ...]

    @property
    def sound(self) -> bool:
        """Whether every file is as it was written."""
        return all(file.problem is None for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "snapshot": self.snapshot_id,
            "sound": self.sound,
            "files": [
                {
                    "name": file.name,
                    "size": file.size,
                    "problem": file.problem,
                    "note": file.note,
                }
                for file in self.files
            ],
        }


def verify(root: Path, snapshot_id: str | None = None) -> VerifyReport:
    """Read a whole snapshot and compare every byte of it, by default of the live one.

    Raises
    ------
    SnapshotError
        If there is no such snapshot. Damage is reported, not raised.
    """
    folder = root / layout.resolve(root, snapshot_id)
    try:
        manifest = layout.read_manifest(folder)
    except SnapshotCorruptError as error:
        size = _size(folder / layout.MANIFEST)
        return VerifyReport(folder.name, (FileReport(layout.MANIFEST, size, str(error)),))
    files = [FileReport(layout.MANIFEST, _size(folder / layout.MANIFEST))]
    for name, described in manifest["files"].items():
        files.append(FileReport(name, _size(folder / name), _problem(folder / name, described)))
    log = folder.with_name(folder.name + layout.LIVE_SUFFIX)
    if log.exists():
        files.append(_log_report(log, folder.name))
    for entry in sorted(folder.iterdir()):
        if entry.name not in manifest["files"] and entry.name != layout.MANIFEST:
            files.append(FileReport(entry.name, _size(entry), "does not belong to the snapshot"))
    return VerifyReport(folder.name, tuple(files))


def _problem(path: Path, described: dict[str, Any]) -> str | None:
    try:
        ArrayFile(path, described["size"], described["seal"]).array  # noqa: B018 - for the check
    except SnapshotCorruptError as error:
        return str(error)
    if sha256_of(path) != described["sha256"]:
        return f"{path.name} is not the file the snapshot was published with"
    return None


def _log_report(log: Path, snapshot_id: str) -> FileReport:
    data = log.read_bytes()
    try:
        parsed = parse(log.name, snapshot_id, data, 0, 0)
    except SnapshotCorruptError as error:
        return FileReport(log.name, len(data), str(error))
    note = f"ends with {parsed.torn} bytes of an unfinished update" if parsed.torn else None
    return FileReport(log.name, len(data), None, note)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
