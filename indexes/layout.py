"""Where snapshots lie, how they are named, and their manifests.

    snapshots/
      CURRENT               the id of the live snapshot
      <id>/                 one snapshot, never changed once it has this name
        manifest.json
        *.arr               one array each (see ``array_file``)
      <id>.live             updates to it (see ``live``)
      LOCK, LIVE.LOCK       held while a snapshot or an update is written

An id is a sequence number and the beginning of the SHA-256 of the manifest, so a manifest that
was damaged, exchanged or rolled back does not fit the folder it lies in; the manifest vouches
for every file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hashmatch.errors import SnapshotCorruptError, SnapshotError

FORMAT = "hashmatch.snapshot/1"
CURRENT = "CURRENT"
MANIFEST = "manifest.json"
LOCK = "LOCK"
LIVE_LOCK = "LIVE.LOCK"
LIVE_SUFFIX = ".live"
BUILDING = "building-"
DISCARDED = "discarded-"
_ID = re.compile(r"(\d{8})-([0-9a-f]{16})")
_REMEDY = "make a new snapshot with 'hashmatch index build'"


def is_id(name: str) -> bool:
    """Say whether a name is that of a snapshot."""
    return _ID.fullmatch(name) is not None


def sequence_of(snapshot_id: str) -> int:
    """Return the sequence number of a snapshot."""
    return int(snapshot_id[:8])


def id_for(sequence: int, manifest: bytes) -> str:
    """Return the id of the snapshot with this manifest."""
    return f"{sequence:08d}-{hashlib.sha256(manifest).hexdigest()[:16]}"


def all_ids(root: Path) -> list[str]:
    """Return the ids of every snapshot in a folder, newest first."""
    if not root.is_dir():
        return []
    found = [entry.name for entry in root.iterdir() if is_id(entry.name) and entry.is_dir()]
    return sorted(found, reverse=True)


def current_id(root: Path) -> str | None:
    """Return the id of the live snapshot, ``None`` if none was ever published.

    Raises
    ------
    SnapshotCorruptError
        If ``CURRENT`` does not hold an id.
    SnapshotError
        If it cannot be read.
    """
    try:
        text = (root / CURRENT).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SnapshotError(f"cannot read {root / CURRENT}: {error.strerror}") from error
    name = text[:-1].decode("ascii", "replace")
    if text[-1:] != b"\n" or not is_id(name):
        raise SnapshotCorruptError(CURRENT, f"{root / CURRENT} is damaged; {_REMEDY}")
    return name


def resolve(root: Path, snapshot_id: str | None) -> str:
    """Return the snapshot asked for, by default the live one.

    Raises
    ------
    SnapshotError
        If there is none, or no such one.
    """
    if snapshot_id is None:
        snapshot_id = current_id(root)
        if snapshot_id is None:
            raise SnapshotError(f"there is no snapshot in {root}; {_REMEDY}")
    if not is_id(snapshot_id) or not (root / snapshot_id).is_dir():
        raise SnapshotError(
            f"there is no snapshot {snapshot_id} in {root}; {_REMEDY}, or name another of "
            f"{', '.join(all_ids(root)) or 'none'}"
        )
    return snapshot_id


def encode_manifest(manifest: Mapping[str, Any]) -> bytes:
    """Return the bytes of a manifest."""
    return json.dumps(manifest, indent=1, ensure_ascii=True).encode("ascii") + b"\n"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a snapshot and hold it against the snapshot's id.

    Raises
    ------
    SnapshotCorruptError
        If it is missing or not the one the snapshot was published with.
    SnapshotError
        If it was written by a later version.
    """
    try:
        data = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise SnapshotCorruptError(
            MANIFEST, f"snapshot {folder.name}: {MANIFEST} cannot be read; {_REMEDY}"
        ) from error
    if id_for(sequence_of(folder.name), data) != folder.name:
        raise SnapshotCorruptError(
            MANIFEST,
            f"snapshot {folder.name}: {MANIFEST} is not the one it was published with; {_REMEDY}",
        )
    manifest: dict[str, Any] = json.loads(data)
    if manifest.get("format") != FORMAT:
        raise SnapshotError(
            f"snapshot {folder.name} has format {manifest.get('format')}, this version reads "
            f"{FORMAT}; use the version that wrote it, or {_REMEDY}"
        )
    return manifest
