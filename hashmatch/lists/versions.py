"""Versions in the catalog's file: which blocks each consists of, and what was noted about it."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types
from hashmatch.lists import block_store
from hashmatch.lists.blocks import Block
from hashmatch.lists.info import Mode, VersionInfo


@dataclass(slots=True)
class Member:
    """A block as a part of a version, with the entries of it that live."""

    block_id: int
    alive: NDArray[np.bool_]


def members(connection: sqlite3.Connection, list_id: int, number: int) -> list[Member]:
    """Return what a version consists of."""
    rows = connection.execute(
        "SELECT block_id, count, alive FROM version_blocks JOIN blocks USING (block_id) "
        "WHERE version_blocks.list_id = ? AND number = ? ORDER BY block_id",
        (list_id, number),
    )
    return [
        Member(block_id, block_store.unpack_alive(alive, count)) for block_id, count, alive in rows
    ]


def blocks(connection: sqlite3.Connection, list_id: int, number: int) -> Iterator[Block]:
    """Give the living entries of a version, block by block."""
    for member in members(connection, list_id, number):
        block = block_store.load(connection, member.block_id)
        yield block if member.alive.all() else block.take(np.flatnonzero(member.alive))


def write(
    connection: sqlite3.Connection,
    list_id: int,
    number: int,
    format_name: str,
    mode: Mode,
    members: Sequence[Member],
    facts: dict[str, Any],
) -> dict[str, int]:
    """Write a version and return its values by hash type."""
    values = count_values(connection, members)
    connection.execute(
        "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            list_id,
            number,
            now(),
            format_name,
            mode.value,
            sum(int(member.alive.sum()) for member in members),
            json.dumps(facts | {"values": values}),
        ),
    )
    connection.executemany(
        "INSERT INTO version_blocks VALUES (?, ?, ?, ?)",
        (
            (list_id, number, member.block_id, block_store.pack_alive(member.alive))
            for member in members
        ),
    )
    return values


def count_values(connection: sqlite3.Connection, members: Sequence[Member]) -> dict[str, int]:
    """Count the values of living entries by hash type."""
    values: Counter[str] = Counter()
    for member in members:
        for name in block_store.hash_types_of(connection, member.block_id):
            rows = block_store.part(connection, member.block_id, f"rows {name}")
            if rows is None:
                values[name] += int(member.alive.sum())
            else:
                values[name] += int(member.alive[np.frombuffer(rows, "<u4")].sum())
    in_order = [name for name in hash_types.names() if name in values]
    return {name: values[name] for name in in_order if values[name]}


def count_categories(connection: sqlite3.Connection, members: Sequence[Member]) -> dict[str, int]:
    """Count living entries by category code."""
    counts: Counter[str] = Counter()
    for member in members:
        counts += block_store.category_counts(connection, member.block_id, member.alive)
    return dict(sorted(counts.items()))


def last(connection: sqlite3.Connection, list_id: int) -> int:
    """Return the number of the newest version of a list, 0 if it has none."""
    found = connection.execute(
        "SELECT max(number) FROM versions WHERE list_id = ?", (list_id,)
    ).fetchone()
    return int(found[0] or 0)


def facts(connection: sqlite3.Connection, list_id: int, number: int) -> dict[str, Any]:
    """Return what was noted about a version."""
    row = connection.execute(
        "SELECT facts FROM versions WHERE list_id = ? AND number = ?", (list_id, number)
    ).fetchone()
    found: dict[str, Any] = json.loads(row[0])
    return found


def described(connection: sqlite3.Connection, list_id: int, live: int) -> list[VersionInfo]:
    """Return the versions of a list, oldest first."""
    rows = connection.execute(
        "SELECT number, imported_at, format, mode, entries, facts FROM versions "
        "WHERE list_id = ? ORDER BY number",
        (list_id,),
    ).fetchall()
    listed = []
    for number, imported_at, format_name, mode, entries, noted in rows:
        counts = json.loads(noted)["counts"]
        listed.append(
            VersionInfo(
                number,
                number == live,
                imported_at,
                format_name,
                Mode(mode),
                entries,
                *(counts.get(kind, 0) for kind in ("added", "changed", "removed", "unchanged")),
            )
        )
    return listed


def now() -> str:
    """Return the time in UTC as the catalog writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
