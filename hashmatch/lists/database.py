"""The catalog's file: made private, opened, its schema, transactions, and errors in our words."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hashmatch.errors import CatalogError

APPLICATION = 0x686D6C31  # "hml1", so that `file` and we know our own
SCHEMA_VERSION = 1
SHARED_VARIABLE = "HASHMATCH_ALLOW_SHARED_CATALOG"
"""Set to 1 to open a catalog that others can read; each time is logged."""

_SCHEMA = """
CREATE TABLE about (generation INTEGER NOT NULL);
INSERT INTO about VALUES (0);
CREATE TABLE lists (
    list_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    polarity TEXT NOT NULL,
    scheme TEXT,
    rules TEXT NOT NULL,
    live INTEGER NOT NULL
);
CREATE TABLE versions (
    list_id INTEGER NOT NULL REFERENCES lists ON DELETE CASCADE,
    number INTEGER NOT NULL,
    imported_at TEXT NOT NULL,
    format TEXT NOT NULL,
    mode TEXT NOT NULL,
    entries INTEGER NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (list_id, number)
);
-- entries never change; a version is a set of blocks with the entries of each that are alive
CREATE TABLE blocks (
    block_id INTEGER PRIMARY KEY,
    list_id INTEGER NOT NULL REFERENCES lists ON DELETE CASCADE,
    count INTEGER NOT NULL
);
CREATE INDEX blocks_of_list ON blocks (list_id);
CREATE TABLE parts (
    block_id INTEGER NOT NULL REFERENCES blocks ON DELETE CASCADE,
    name TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (block_id, name)
);
CREATE TABLE version_blocks (
    list_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    block_id INTEGER NOT NULL REFERENCES blocks,
    alive BLOB,
    PRIMARY KEY (list_id, number, block_id),
    FOREIGN KEY (list_id, number) REFERENCES versions ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX versions_of_block ON version_blocks (block_id);
CREATE TABLE tombstones (
    list_id INTEGER NOT NULL REFERENCES lists ON DELETE CASCADE,
    identity BLOB NOT NULL,
    stamp INTEGER NOT NULL,
    PRIMARY KEY (list_id, identity)
) WITHOUT ROWID;
-- hash_type '' holds the whole entry; state is 'held' or 'released'
CREATE TABLE quarantine (
    list_id INTEGER NOT NULL REFERENCES lists ON DELETE CASCADE,
    identity BLOB NOT NULL,
    hash_type TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    PRIMARY KEY (list_id, identity, hash_type)
) WITHOUT ROWID;
"""

_PATIENCE = 10.0
"""Seconds to wait for another process that is writing."""

_log = logging.getLogger("hashmatch.lists")


def connect(path: Path, *, create: bool, allow_shared: bool) -> sqlite3.Connection:
    """Open the catalog file, making it first where it is missing and ``create`` says so.

    Raises
    ------
    CatalogError
        If it is missing, not ours, damaged, made by a newer version, or readable by others.
    """
    if create:
        _make_private(path)
    _refuse_shared(path, allow_shared or os.environ.get(SHARED_VARIABLE) == "1")
    with errors(path):
        connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
        try:
            _prepare(connection, path, create)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def transaction(path: Path, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Commit what the body did, or none of it. The body may roll back by itself."""
    with errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            if connection.in_transaction:  # a full disk has already ended it
                connection.execute("ROLLBACK")
            raise
        if connection.in_transaction:
            connection.execute("COMMIT")
        _shrink_log(connection)


@contextmanager
def frozen(path: Path, connection: sqlite3.Connection) -> Iterator[None]:
    """Let everything that is read in the body be read as of one moment."""
    with errors(path):
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


def _shrink_log(connection: sqlite3.Connection) -> None:
    """Give back the disk space of the log after a large import, unless someone still reads it."""
    connection.execute("PRAGMA busy_timeout = 0")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {int(_PATIENCE * 1000)}")


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise CatalogError(_explain(path, error)) from error


def _explain(path: Path, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{path} is in use by another import; try again when it has ended"
    if primary == sqlite3.SQLITE_FULL:
        return f"the disk is full; free some space near {path} and run the command again"
    if primary in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return f"{path} is damaged or no catalog; restore it from a backup or import the lists anew"
    if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return f"{path} cannot be opened for writing; check the folder's permissions"
    if primary == sqlite3.SQLITE_IOERR:
        return f"reading or writing {path} failed; check the disk"
    return f"{path}: the database failed ({type(error).__name__})"


def _make_private(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise CatalogError(f"cannot make the catalog {path}: {error.strerror}") from error


def _refuse_shared(path: Path, allowed: bool) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise CatalogError(
            f"there is no catalog at {path}; make one with 'hashmatch list import'"
        ) from None
    except OSError as error:
        raise CatalogError(f"cannot look at the catalog {path}: {error.strerror}") from error
    if os.name != "posix" or not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return
    if not allowed:
        raise CatalogError(
            f"{path} can be read by others, and lists are sensitive; run 'chmod 600 {path}', or "
            f"set {SHARED_VARIABLE}=1 if that is meant"
        )
    _log.warning("opened the catalog %s although others can read it", path)


def _prepare(connection: sqlite3.Connection, path: Path, create: bool) -> None:
    empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if empty:
        if not create:
            raise CatalogError(f"the catalog {path} is empty; fill it with 'hashmatch list import'")
        connection.execute("PRAGMA page_size = 32768")
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if not empty and application != APPLICATION:
        raise CatalogError(f"{path} is a database of another program, not a hashmatch catalog")
    if version > SCHEMA_VERSION:
        raise CatalogError(
            f"the catalog {path} has schema {version}, made by a newer hashmatch; this one reads "
            f"up to {SCHEMA_VERSION}: upgrade hashmatch"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # what is deleted from a list must not linger in free pages
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA cache_size = -32768")
    if empty:
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
