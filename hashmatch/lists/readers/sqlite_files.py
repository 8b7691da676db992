"""Lists that are SQLite databases: NSRL RDS v3 and the .kdb of Autopsy and The Sleuth Kit.

They are opened read-only and immutable: nothing is written beside them, no lock is taken.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from hashmatch import hash_types, kernels
from hashmatch.errors import HashFormatError, ListFormatError
from hashmatch.lists.blocks import BLOCK_SIZE, Block, BlockBuilder, Column, as_metadata
from hashmatch.lists.readers.reading import Reading

MAGIC = b"SQLite format 3\0"
KDB_TABLES = {"hashes", "db_properties"}
NO_HASH = "row without any hash"

_COLUMNS = {
    "md5": "md5", "sha1": "sha1", "sha-1": "sha1", "sha256": "sha256", "sha-256": "sha256",
    "sha2_256": "sha256",
}  # fmt: skip


@contextmanager
def opened(path: str, *, raw: bool = False) -> Iterator[sqlite3.Connection]:
    """Open a database read-only and put its errors into our words; ``raw`` gives text as bytes."""
    uri = f"file:{quote(str(Path(path).absolute()))}?mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(uri, uri=True)
        try:
            # names in such files need not be UTF-8
            connection.text_factory = bytes if raw else _lenient
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise ListFormatError(
            path, "the database is damaged or cut off; fetch the file again"
        ) from error


def _lenient(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def tables(path: str) -> dict[str, str]:
    """Return the tables and views of a database: name to ``table`` or ``view``."""
    with opened(path) as connection:
        return dict(
            connection.execute(
                "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"
            ).fetchall()
        )


def read_nsrl(reading: Reading, path: str) -> Iterator[Block]:
    """Read every table with hash columns; views only where no table has any."""
    with opened(path) as connection:
        found = {
            (name, kind): columns
            for name, kind in tables(path).items()
            if (columns := _hash_columns(connection, name))
        }
    chosen = {n: c for (n, kind), c in found.items() if kind == "table"}
    chosen = chosen or {n: c for (n, kind), c in found.items()}
    if not chosen:
        raise ListFormatError(path, "has no table with an md5, sha1 or sha256 column")
    with opened(path, raw=True) as connection:
        for table, columns in chosen.items():
            names = list(columns.values())
            for stretch in _stretches(connection, table, columns):
                block = _ordinary(stretch, names) if stretch.joined else None
                if block is None:
                    block = _careful(reading, path, f"{table} row", stretch, names)
                if block.count:
                    yield block


_LAST_ROW = (1 << 63) - 1
_Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Some rows of a table.

    Parameters
    ----------
    first : int
        The number of the first one, from 1.
    count : int
    joined : sequence of bytes
        Every column's cells run together, if each has the length of its hash type; else empty.
    fetch : callable
        Gives the rows themselves.
    """

    first: int
    count: int
    joined: Sequence[bytes]
    fetch: Callable[[], _Rows]


def _stretches(
    connection: sqlite3.Connection, table: str, columns: dict[str, str]
) -> Iterator[_Stretch]:
    """Give a table by stretches of rows.

    Where a table has row ids SQLite runs the cells together itself, which spares an object for
    each of them.
    """
    plain = f"SELECT {', '.join(map(_quoted, columns))} FROM {_quoted(table)}"
    first = 1
    if not _has_row_ids(connection, table):
        cursor = connection.execute(plain)
        while rows := cursor.fetchmany(BLOCK_SIZE):
            yield _Stretch(first, len(rows), (), partial(list, rows))
            first += len(rows)
        return
    right = " AND ".join(
        f"length({_quoted(column)}) = {2 * hash_types.get(name).size}"
        for column, name in columns.items()
    )
    cells = ", ".join(f"CAST(group_concat({_quoted(c)}, '') AS BLOB)" for c in columns)
    within = "WHERE rowid BETWEEN ? AND ?"
    joining = f"SELECT count(*), total({right}), {cells} FROM {_quoted(table)} {within}"
    next_id = f"SELECT min(rowid) FROM {_quoted(table)} WHERE rowid >= ?"
    (begin,) = connection.execute(next_id, (-_LAST_ROW - 1,)).fetchone()
    while begin is not None:
        span = (begin, min(begin + BLOCK_SIZE - 1, _LAST_ROW))
        count, fitting, *joined = connection.execute(joining, span).fetchone()
        fetch = partial(_fetch, connection, f"{plain} {within}", span)
        yield _Stretch(first, count, joined if fitting == count else (), fetch)
        first += count
        if span[1] == _LAST_ROW:
            return
        (begin,) = connection.execute(next_id, (span[1] + 1,)).fetchone()


def _fetch(connection: sqlite3.Connection, statement: str, span: tuple[int, int]) -> _Rows:
    return connection.execute(statement, span).fetchall()


def _has_row_ids(connection: sqlite3.Connection, table: str) -> bool:
    try:
        found = connection.execute(f"SELECT rowid FROM {_quoted(table)} LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        return False
    return found is not None and type(found[0]) is int


def _hash_columns(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    """Return the hash columns of a table, by the hash type each holds."""
    columns: dict[str, str] = {}
    for row in connection.execute(f"PRAGMA table_info({_quoted(table)})"):
        known = _COLUMNS.get(row[1].lower())
        if known and known not in columns.values():
            columns[row[1]] = known
    return columns


def _ordinary(stretch: _Stretch, names: Sequence[str]) -> Block | None:
    """Decode a stretch that holds hexadecimal text of the right length in every cell."""
    values = {}
    for name, joined in zip(names, stretch.joined, strict=True):
        digits = 2 * hash_types.get(name).size
        if len(joined) != digits * stretch.count:
            return None
        starts = np.arange(0, len(joined), digits)
        codes, good = kernels.hexadecimal.decode_rows(
            np.frombuffer(joined, np.uint8), starts, digits
        )
        if not good.all():
            return None
        values[name] = Column(codes)
    return Block(stretch.count, values)


def _careful(
    reading: Reading,
    path: str,
    place: str,
    stretch: _Stretch,
    names: Sequence[str],
) -> Block:
    """Read rows one by one: some lack a hash, hold it as bytes, or hold something else."""
    builder = BlockBuilder()
    for number, row in enumerate(stretch.fetch(), stretch.first):
        values: list[tuple[str, bytes, int | None]] = []
        failed = False
        for name, cell in zip(names, row, strict=True):
            if cell is None or cell in ("", b""):
                continue
            try:
                values.append((name, _value(name, cell), None))
            except HashFormatError as error:
                reading.problems.add(path, f"{place} {number}", str(error))
                failed = True
        if values:
            builder.add(values)
        elif not failed:
            reading.left_out[NO_HASH] += 1
    return builder.take()


def _value(name: str, cell: Any) -> bytes:
    known = hash_types.get(name)
    if isinstance(cell, bytes) and len(cell) == known.size:
        return cell
    if isinstance(cell, bytes):
        cell = cell.decode("ascii", "replace")
    if not isinstance(cell, str):
        raise HashFormatError(f"a {name} value must be text or bytes")
    return known.parse(cell)


def read_kdb(reading: Reading, path: str) -> Iterator[Block]:
    """Read a hash database of Autopsy or The Sleuth Kit, with its file names and comments."""
    with opened(path) as connection:
        columns = _hash_columns(connection, "hashes")
        present = tables(path)
        names = _Attached(connection, "name", "file_names") if "file_names" in present else None
        comments = _Attached(connection, "comment", "comments") if "comments" in present else None
        builder = BlockBuilder()
        rows = connection.execute(
            f"SELECT id, {', '.join(map(_quoted, columns))} FROM hashes ORDER BY id"
        )
        for hash_id, *cells in rows:
            values: list[tuple[str, bytes, int | None]] = []
            for name, cell in zip(columns.values(), cells, strict=True):
                if cell is None or cell in ("", b""):
                    continue
                try:
                    values.append((name, _value(name, cell), None))
                except HashFormatError as error:
                    reading.problems.add(path, f"hash {hash_id}", str(error))
            facts = {
                "file_names": names.of(hash_id) if names else [],
                "comments": comments.of(hash_id) if comments else [],
            }
            if not values:
                reading.problems.add(path, f"hash {hash_id}", "the row has no hash value")
                continue
            builder.add(values, metadata=as_metadata({k: v for k, v in facts.items() if v}))
            if builder.full:
                yield builder.take()
        if builder.count:
            yield builder.take()


class _Attached:
    """Rows of another table, taken in step with rising hash numbers."""

    def __init__(self, connection: sqlite3.Connection, column: str, table: str) -> None:
        self._rows = connection.execute(
            f"SELECT hash_id, CAST({column} AS TEXT) AS text FROM {table} "
            f"WHERE typeof(hash_id) = 'integer' AND {column} IS NOT NULL ORDER BY hash_id, text"
        )
        self._next: tuple[int, str] | None = self._rows.fetchone()

    def of(self, hash_id: int) -> list[str]:
        """Return what belongs to a hash."""
        found = []
        while self._next is not None and self._next[0] <= hash_id:
            if self._next[0] == hash_id:
                found.append(self._next[1])
            self._next = self._rows.fetchone()
        return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
