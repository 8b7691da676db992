"""Entries, or single values of them, that are kept but not matched until someone decides."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch.lists.blocks import Rows
from hashmatch.lists.identity import KEY, Keys
from hashmatch.lists.screen import Hold
from hashmatch.lists.versions import now


@dataclass(frozen=True, slots=True)
class Held:
    """One held entry or value.

    Parameters
    ----------
    list_name, entry_id : str
    hash_type : str or None
        Which value is held; ``None`` for the whole entry.
    reason : str
    released : bool
        Whether someone decided that it shall be matched all the same.
    changed_at : str
        When it was held or released, ISO 8601 in UTC.
    """

    list_name: str
    entry_id: str
    hash_type: str | None
    reason: str
    released: bool
    changed_at: str

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return {
            "list": self.list_name,
            "entry_id": self.entry_id,
            "hash_type": self.hash_type,
            "reason": self.reason,
            "released": self.released,
            "changed_at": self.changed_at,
        }


def hold(connection: sqlite3.Connection, list_id: int, holds: Iterable[Hold]) -> int:
    """Hold entries or values and return how many are newly held; what was released stays so."""
    before = connection.total_changes
    connection.executemany(
        "INSERT OR IGNORE INTO quarantine VALUES (?, ?, ?, ?, ?, 'held', ?)",
        ((list_id, h.identity, h.hash_type, h.entry_id, h.reason, now()) for h in holds),
    )
    return connection.total_changes - before


def release(
    connection: sqlite3.Connection, list_id: int, entry_ids: Sequence[str], reason: str | None
) -> int:
    """Release what is held, of some entries or all, for one reason or any; return how many."""
    released = 0
    chosen: Sequence[str | None] = entry_ids or [None]
    for entry_id in chosen:
        cursor = connection.execute(
            "UPDATE quarantine SET state = 'released', changed_at = ?1 WHERE list_id = ?2 "
            "AND state = 'held' AND (?3 IS NULL OR entry_id = ?3) AND (?4 IS NULL OR reason = ?4)",
            (now(), list_id, entry_id, reason),
        )
        released += cursor.rowcount
    return released


def held(connection: sqlite3.Connection, name: str | None, *, released: bool) -> list[Held]:
    """Return what is held, of one list or all; with ``released`` also what was let go."""
    rows = connection.execute(
        "SELECT name, entry_id, hash_type, reason, state, changed_at FROM quarantine "
        "JOIN lists USING (list_id) WHERE (?1 IS NULL OR name = ?1) AND (?2 OR state = 'held') "
        "ORDER BY name, reason, entry_id, hash_type",
        (name, released),
    )
    return [
        Held(list_name, entry_id, hash_type or None, reason, state == "released", changed_at)
        for list_name, entry_id, hash_type, reason, state, changed_at in rows
    ]


class Screen:
    """The held entries and values of a list, ready to be looked up by the block."""

    def __init__(self, connection: sqlite3.Connection, list_id: int) -> None:
        self._held: dict[str, set[bytes]] = {}
        rows = connection.execute(
            "SELECT identity, hash_type FROM quarantine WHERE list_id = ? AND state = 'held'",
            (list_id,),
        )
        for key, hash_type in rows:
            self._held.setdefault(hash_type, set()).add(key)

    def entries(self, keys: Keys) -> NDArray[np.bool_]:
        """Mark the entries that are held as a whole, (n,) bool."""
        return self._among(keys, "")

    def values(self, hash_type: str, keys: Keys, rows: Rows) -> NDArray[np.bool_]:
        """Mark the values that are held, given the row of each one's entry, (m,) bool."""
        return self._among(keys, hash_type)[rows]

    def _among(self, keys: Keys, hash_type: str) -> NDArray[np.bool_]:
        held = self._held.get(hash_type)
        marks = np.zeros(len(keys), bool)
        if held:
            wanted = np.frombuffer(b"".join(held), KEY)["high"]
            for row in np.flatnonzero(np.isin(keys["high"], wanted)).tolist():
                marks[row] = keys[row].tobytes() in held
        return marks
