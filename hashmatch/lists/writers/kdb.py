"""Hash databases of Autopsy and The Sleuth Kit (``.kdb``): SQLite in their documented schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from hashmatch.errors import OutputError
from hashmatch.lists.writers.listing import Listing, Written
from hashmatch.types import Entry

NO_MD5 = "entry without MD5, by which Autopsy looks up"
_MORE_VALUES = "further value of a type the format has one place for"

_TABLES = (
    "CREATE TABLE db_properties (name TEXT NOT NULL, value TEXT)",
    "INSERT INTO db_properties (name, value) VALUES ('Schema Version', '1')",
    "CREATE TABLE hashes (id INTEGER PRIMARY KEY AUTOINCREMENT, md5 BINARY(16) UNIQUE, "
    "sha1 BINARY(20), sha2_256 BINARY(32))",
    "CREATE TABLE file_names (name TEXT NOT NULL, hash_id INTEGER NOT NULL, "
    "PRIMARY KEY(name, hash_id))",
    "CREATE TABLE comments (comment TEXT NOT NULL, hash_id INTEGER NOT NULL, "
    "PRIMARY KEY(comment, hash_id))",
    "CREATE INDEX md5_index ON hashes(md5)",
    "CREATE INDEX sha1_index ON hashes(sha1)",
)
_COLUMNS = ("md5", "sha1", "sha256")


def write_kdb(listing: Listing, path: Path) -> Written:
    """Write MD5, SHA-1 and SHA-256 with file names and comments into a new database.

    Raises
    ------
    OutputError
        If the database cannot be written.
    """
    written = Written()
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("BEGIN")
        for statement in _TABLES:
            connection.execute(statement)
        for entry, _ in listing.entries():
            _add(connection, entry, written)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise OutputError(
            f"cannot write {path}: {type(error).__name__}; is the disk full?"
        ) from error
    finally:
        connection.close()
    return written


def _add(connection: sqlite3.Connection, entry: Entry, written: Written) -> None:
    values: dict[str, bytes] = {}
    for value in entry.hashes:
        if value.hash_type not in _COLUMNS:
            written.left_out[f"{value.hash_type} value"] += 1
        elif value.hash_type in values:
            written.left_out[_MORE_VALUES] += 1
        else:
            values[value.hash_type] = value.bytes
    if "md5" not in values:
        written.left_out[NO_MD5] += 1
        return
    # an MD5 may be on the list several times, with names or opinions of its own each time
    connection.execute(
        "INSERT INTO hashes (md5, sha1, sha2_256) VALUES (?, ?, ?) ON CONFLICT (md5) DO UPDATE SET "
        "sha1 = coalesce(sha1, excluded.sha1), sha2_256 = coalesce(sha2_256, excluded.sha2_256)",
        [values.get(name) for name in _COLUMNS],
    )
    (hash_id,) = connection.execute(
        "SELECT id FROM hashes WHERE md5 = ?", (values["md5"],)
    ).fetchone()
    connection.executemany(
        "INSERT OR IGNORE INTO file_names VALUES (?, ?)", ((n, hash_id) for n in _names(entry))
    )
    connection.executemany(
        "INSERT OR IGNORE INTO comments VALUES (?, ?)", ((c, hash_id) for c in _comments(entry))
    )
    written.entries += 1


def _names(entry: Entry) -> Iterator[str]:
    metadata = entry.metadata
    if metadata.get("file_name"):
        yield str(metadata["file_name"])
    yield from _texts(metadata.get("file_names"))
    for item in metadata.get("MediaFiles") or ():
        if isinstance(item, dict) and item.get("FileName"):
            yield str(item["FileName"])


def _comments(entry: Entry) -> Iterator[str]:
    yield from _texts(entry.metadata.get("comments"))
    if entry.category is not None:
        label = f" {entry.category.label}" if entry.category.label else ""
        yield f"{entry.category.scheme}:{entry.category.code}{label}"


def _texts(found: object) -> Iterator[str]:
    if isinstance(found, list):
        yield from map(str, found)
