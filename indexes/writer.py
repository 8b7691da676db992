"""Writing a snapshot so that, whatever happens, a complete one is live."""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch.errors import IndexArgumentError, SnapshotCorruptError, SnapshotError
from hashmatch.indexes import layout
from hashmatch.indexes.array_file import ArrayFile, ArrayWriter, Seal
from hashmatch.indexes.contract import Codes, Index
from hashmatch.indexes.durable import locked, replace_durably, sync_folder, write_durably
from hashmatch.indexes.entries import OFFSETS, RECORDS, write_entries
from hashmatch.indexes.values import ValueSorter
from hashmatch.version import VERSION

KEPT = 2
"""So many good versions stay on disk: the live one and the one before it."""
log = logging.getLogger("hashmatch")
_NAME = re.compile(r"[A-Za-z0-9_-]+")


class SnapshotWriter:
    """Writes one snapshot; a context manager, which cleans up unless :meth:`publish` was called.

    Parameters
    ----------
    root : Path
        The folder of snapshots; made if need be.
    lists : sequence of mappings
        What the lists are, as JSON values; kept as they are.
    about : mapping
        Whatever else readers should know, as JSON values. Like ``lists`` it is read when the
        snapshot is prepared, so it may be filled until then.
    wait : bool
        Whether to wait for another process that is writing one, or to fail.

    Raises
    ------
    SnapshotError
        If another process is writing one, or nothing can be written there. What was live stays so.
    """

    def __init__(
        self,
        root: Path,
        lists: Sequence[Mapping[str, Any]],
        about: Mapping[str, Any],
        *,
        wait: bool = False,
    ) -> None:
        self._root = root
        self._wait = wait
        self._lists = lists
        self._about = about
        self._entries = 0
        self._types: dict[str, dict[str, Any]] = {}
        self._files: dict[str, Seal] = {}
        self._held = ExitStack()
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        with self._failures():
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held.enter_context(locked(self._root / layout.LOCK, wait=self._wait))
            try:
                self._clear_remains()
                self._folder = Path(tempfile.mkdtemp(prefix=layout.BUILDING, dir=self._root))
            except BaseException:
                self._held.close()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)  # else the next writer clears it
            self._folder = None
        self._held.close()

    def add_entries(self, records: Iterable[bytes]) -> None:
        """Write the JSON records of all entries; their numbers are their places."""
        with self._failures():
            self._entries, files = write_entries(self._building(), records)
            self._note(RECORDS, files[0])
            self._note(OFFSETS, files[1])

    def add_values(self, name: str, codes: Codes, entry_numbers: NDArray[np.uint32]) -> None:
        """Write the values of a hash type that is searched for equality.

        Parameters
        ----------
        name : str
            The hash type.
        codes : (N, bytes) uint8
            In any order.
        entry_numbers : (N,) uint32
        """
        self._new_type(name)
        sorter = ValueSorter(codes, entry_numbers)
        size = codes.shape[1]
        with self._failures():
            folder = self._building()
            files = {part: f"{name}.{part}.arr" for part in ("values", "entries", "prefixes")}
            with (
                ArrayWriter(folder / files["values"], np.uint8, (size,)) as values,
                ArrayWriter(folder / files["entries"], np.uint32) as entries,
            ):
                for some_values, some_entries in sorter.chunks():
                    values.append(some_values)
                    entries.append(some_entries)
            self._note(files["values"], values)
            self._note(files["entries"], entries)
            self._write(files["prefixes"], sorter.prefixes)
        self._types[name] = {
            "count": len(codes),
            "bits": 8 * size,
            "parameters": {"prefix_bits": sorter.prefix_bits},
            "arrays": files,
        }

    def add_index(
        self,
        name: str,
        index: Index,
        entry_numbers: NDArray[np.uint32],
        qualities: NDArray[np.uint8],
    ) -> None:
        """Write the index of a hash type that is searched within a radius.

        Parameters
        ----------
        name : str
            The hash type.
        index : Index
        entry_numbers : (N,) uint32
            The entry of each row.
        qualities : (N,) uint8
            The quality of each row, 255 where it is unknown.
        """
        self._new_type(name)
        arrays = dict(index.arrays())
        if len(index) != len(arrays["codes"]):
            raise IndexArgumentError(f"{name}: build the index anew without the rows it removed")
        for what, column in (("entry numbers", entry_numbers), ("qualities", qualities)):
            if len(column) != len(arrays["codes"]):
                raise IndexArgumentError(
                    f"{name}: {len(arrays['codes']):,} rows need as many {what}, "
                    f"not {len(column):,}"
                )
        arrays["row_entries"] = np.asarray(entry_numbers, np.uint32)
        arrays["row_qualities"] = np.asarray(qualities, np.uint8)
        files = {part: f"{name}.{part}.arr" for part in arrays}
        with self._failures():
            for part, array in arrays.items():
                self._write(files[part], array)
        self._types[name] = {
            "count": len(index),
            "bits": index.bits,
            "kind": index.kind,
            "exact": index.exact,
            "radius": index.radius,
            "parameters": index.parameters(),
            "arrays": files,
        }

    def publish(self) -> str:
        """Check everything that was written, make it the live snapshot and return its id.

        Old snapshots are deleted, but for the last two good ones.

        Raises
        ------
        SnapshotError
            If it cannot be written, or what was read back is not what was written. What was live
            stays so.
        """
        with self._failures():
            self.prepare()
            return self.commit()

    def prepare(self) -> None:
        """Finish the files and read them back; nothing is live yet."""
        with self._failures():
            folder = self._building()
            if RECORDS not in self._files:
                self.add_entries(())
            described = {}
            for name, seal in self._files.items():
                described[name] = {
                    "size": seal.size,
                    "seal": seal.seal,
                    "sha256": read_back(folder / name, seal),
                }
            before = layout.all_ids(self._root)
            self._sequence = layout.sequence_of(before[0]) + 1 if before else 1
            manifest = {
                "format": layout.FORMAT,
                "sequence": self._sequence,
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "software": {"hashmatch": VERSION, "numpy": version("numpy")},
                "about": dict(self._about),
                "lists": list(self._lists),
                "entries": self._entries,
                "hash_types": self._types,
                "files": described,
            }
            self._manifest = layout.encode_manifest(manifest)
            write_durably(folder / layout.MANIFEST, self._manifest)
            sync_folder(folder)

    def commit(self) -> str:
        """Make a prepared snapshot the live one and return its id.

        No update can be made to the old one once the new one is live: whoever makes one waits
        meanwhile, and then makes it to the new one.
        """
        with self._failures(), locked(self._root / layout.LIVE_LOCK, wait=True):
            return self.commit_locked()

    @property
    def id(self) -> str:
        """The id of a prepared snapshot."""
        return layout.id_for(self._sequence, self._manifest)

    def commit_locked(self) -> str:
        """Do as :meth:`commit` does, for a caller that holds the lock on updates already."""
        with self._failures():
            previous = _current_or_none(self._root)
            snapshot_id = self.id
            self._building().rename(self._root / snapshot_id)
            self._folder = None
            sync_folder(self._root)
            replace_durably(self._root / layout.CURRENT, f"{snapshot_id}\n".encode("ascii"))
        try:
            self._prune(snapshot_id, previous)
        except OSError as error:  # the new snapshot is live all the same; the next one tries again
            log.warning("an old snapshot could not be deleted: %s", error.strerror)
        return snapshot_id

    def _building(self) -> Path:
        if self._folder is None:
            raise SnapshotError("a snapshot is written inside 'with', and published once")
        return self._folder

    def _new_type(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise IndexArgumentError(f"{name!r} cannot name a hash type in a snapshot")
        if name in self._types:
            raise IndexArgumentError(f"{name} was already added to this snapshot")

    def _write(self, name: str, array: NDArray[Any]) -> None:
        with ArrayWriter(self._building() / name, array.dtype, array.shape[1:]) as file:
            file.append(array)
        self._note(name, file)

    def _note(self, name: str, file: ArrayWriter) -> None:
        assert file.sealed is not None
        self._files[name] = file.sealed

    def _clear_remains(self) -> None:
        """Delete what a writer that was killed left behind; the lock says that none is at work."""
        for entry in self._root.iterdir():
            if entry.name.startswith((layout.BUILDING, layout.DISCARDED)):
                shutil.rmtree(entry, ignore_errors=True)  # on Windows a reader may be in its way
            elif entry.suffix == layout.LIVE_SUFFIX and not entry.with_suffix("").is_dir():
                entry.unlink()

    def _prune(self, live: str, previous: str | None) -> None:
        """Delete snapshots but for the last good ones; the live one and its predecessor stay."""
        good = [live]
        others = [name for name in layout.all_ids(self._root) if name != live]
        if previous in others:  # it may be older than one that was placed but never made live
            others.remove(previous)
            others.insert(0, previous)
        for name in others:
            if len(good) < KEPT and looks_sound(self._root / name):
                good.append(name)
                continue
            discarded = self._root / f"{layout.DISCARDED}{name}"
            (self._root / name).rename(discarded)
            sync_folder(self._root)
            shutil.rmtree(discarded)
            (self._root / f"{name}{layout.LIVE_SUFFIX}").unlink(missing_ok=True)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SnapshotError(
                f"cannot write a snapshot in {self._root}: {error.strerror or error}; the live "
                "snapshot is unchanged"
            ) from error


def read_back(path: Path, seal: Seal) -> str:
    """Read a file that was just written, compare it with its checksums and return its SHA-256."""
    try:
        ArrayFile(path, seal.size, seal.seal).array  # noqa: B018 - for the check it makes
    except SnapshotCorruptError as error:
        raise SnapshotCorruptError(
            path.name,
            f"{path.name} reads back differently from what was written: the disk or the memory "
            "of this machine is faulty. The live snapshot is unchanged",
        ) from error
    return sha256_of(path)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def looks_sound(folder: Path) -> bool:
    """Say whether a snapshot's manifest and the header of every file are as they should be."""
    try:
        manifest = layout.read_manifest(folder)
        for name, described in manifest["files"].items():
            ArrayFile(folder / name, described["size"], described["seal"])
    except SnapshotError:
        return False
    return True


def _current_or_none(root: Path) -> str | None:
    """Return the live snapshot, if there is one that can be named."""
    try:
        return layout.current_id(root)
    except SnapshotError:
        return None
