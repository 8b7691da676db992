"""Taking updates along when a new snapshot takes the place of the one they were made to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hashmatch.indexes import layout
from hashmatch.indexes.durable import locked, sync_folder, write_durably
from hashmatch.indexes.live_log import encode_header, encode_record, parse
from hashmatch.indexes.snapshot import Snapshot
from hashmatch.indexes.writer import SnapshotWriter

Translate = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Position:
    """How far the updates of a snapshot were at some moment.

    Parameters
    ----------
    snapshot_id : str
    end, number : int
        Bytes and records of its log that had been read.
    """

    snapshot_id: str
    end: int
    number: int


def position_of(snapshot: Snapshot) -> Position:
    """Return how far the updates of a snapshot are now."""
    state = snapshot.live_state()
    return Position(snapshot.id, state.end, state.number)


def commit_with_updates(
    writer: SnapshotWriter, root: Path, since: Position, translate: Translate
) -> str:
    """Make a prepared snapshot live with the updates its predecessor got since some moment.

    Parameters
    ----------
    writer : SnapshotWriter
        Prepared, not yet committed.
    root : Path
        The folder of snapshots.
    since : Position
        The moment as of which the new snapshot holds everything.
    translate : callable
        Turns the payload of an update into one that fits the new snapshot.

    Returns
    -------
    str
        The id of the new snapshot. Whoever makes an update meanwhile waits, and then makes it
        to the new one.
    """
    with locked(root / layout.LIVE_LOCK, wait=True):
        payloads = [translate(payload) for payload in _later(root, since)]
        if payloads:
            data = [encode_header(writer.id)]
            data += [encode_record(number, payload) for number, payload in enumerate(payloads)]
            write_durably(root / f"{writer.id}{layout.LIVE_SUFFIX}", b"".join(data))
            sync_folder(root)
        return writer.commit_locked()


def _later(root: Path, since: Position) -> list[dict[str, Any]]:
    log = root / f"{since.snapshot_id}{layout.LIVE_SUFFIX}"
    try:
        with log.open("rb") as file:
            file.seek(since.end)
            data = file.read()
    except FileNotFoundError:  # it never had an update
        return []
    return parse(log.name, since.snapshot_id, data, since.end, since.number).records
