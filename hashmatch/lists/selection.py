"""Finding entries of a list by their ids, without reading more of them than their identities."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

import numpy as np

from hashmatch.lists import block_store, identity
from hashmatch.lists.versions import Member

_DERIVED = re.compile(r"[0-9a-f]{16}")


def select(
    connection: sqlite3.Connection, members: Sequence[Member], entry_ids: Sequence[str]
) -> list[Member]:
    """Return the members of a version with only the living entries of these ids."""
    named = identity.of_names(list(entry_ids))["high"].astype(np.uint64)
    derived = [int(name, 16) for name in entry_ids if _DERIVED.fullmatch(name)]
    heads = np.union1d(named, np.array(derived, np.uint64))
    wanted = set(entry_ids)
    found = []
    for member in members:
        likely = member.alive & np.isin(
            block_store.keys(connection, member.block_id)["high"].astype(np.uint64), heads
        )
        rows = np.flatnonzero(likely)
        if not len(rows):
            continue
        # an id that looks derived may also be a name, so the ids themselves decide
        ids = block_store.load(connection, member.block_id).take(rows).entry_ids()
        alive = np.zeros(len(member.alive), bool)
        alive[rows[[name in wanted for name in ids]]] = True
        if alive.any():
            found.append(Member(member.block_id, alive))
    return found
