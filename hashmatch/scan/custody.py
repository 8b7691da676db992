"""A log whose records are chained by their hashes, so that none can be changed unseen.

Each record holds the hash of the one before it. Editing, deleting or reordering records breaks
the chain. Cutting off the end, or putting an older log back whole, does not: that shows only
against the head written down elsewhere, the *anchor*.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hashmatch.errors import OutputError

NOTHING_BEFORE = "0" * 64


@dataclass(frozen=True, slots=True)
class Chain:
    """What reading a log gave: its sound records, its head, and what is wrong with it."""

    records: list[dict[str, Any]]
    heads: list[str]
    problem: str | None

    @property
    def head(self) -> str:
        """The hash of the last sound record."""
        return self.heads[-1] if self.heads else NOTHING_BEFORE


def append(path: Path, event: str, detail: Mapping[str, Any]) -> str:
    """Add a record to a log, put it on the disk, and return the new head.

    Raises
    ------
    OutputError
        If the log is damaged or cannot be written: nothing is chained onto a broken chain.
    """
    chain = read(path)
    if chain.problem:
        raise OutputError(f"{path}: {chain.problem}; nothing may be added to a damaged log")
    record = {
        "number": len(chain.records),
        "time": now(),
        "event": event,
        "detail": dict(detail),
        "before": chain.head,
    }
    head = _hash(record)
    line = json.dumps(record | {"hash": head}, separators=(",", ":"), ensure_ascii=False) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(line.encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    return head


def read(path: Path) -> Chain:
    """Read a log up to the first record that does not fit; a missing one has no records."""
    records: list[dict[str, Any]] = []
    heads: list[str] = []
    before = NOTHING_BEFORE
    try:
        lines = path.read_bytes().split(b"\n") if path.exists() else [b""]
    except OSError as error:
        return Chain(records, heads, f"cannot be read: {error.strerror}")
    if lines.pop():
        return Chain(records, heads, "its last record is cut off")
    for number, line in enumerate(lines):
        try:
            record = json.loads(line)
            stated = record.pop("hash")
            fits = (
                record["before"] == before
                and record["number"] == number
                and stated == _hash(record)
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            fits = False
        if not fits:
            return Chain(records, heads, f"record {number} was changed, moved or put in")
        records.append(record)
        heads.append(stated)
        before = stated
    return Chain(records, heads, None)


def repair(path: Path) -> bool:
    """Cut off a last record that a crash left half written; say whether there was one.

    Raises
    ------
    OutputError
        If the log cannot be written.
    """
    try:
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole == len(data):
            return False
        os.truncate(path, whole)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    return True


def now() -> str:
    """Return the time as reports state it: UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _hash(record: Mapping[str, Any]) -> str:
    canonical = json.dumps(record, separators=(",", ":"), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
