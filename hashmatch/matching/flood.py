"""The flood guard: an entry that suddenly matches many distinct uploads is suspended to review.

A list can hold a wrong entry: a blank page, a common meme, a logo. In an upload hook such an
entry would reject thousands of uploads within the hour. The guard counts distinct uploads per
entry over a sliding hour, across all processes that share a home, and suspends an entry that
exceeds its limit: its hits are still shown, but the verdict becomes ``partial`` instead of
``match`` until somebody confirms the entry, refutes it, or lifts the suspension.

The counts are fixed-size records in one file per hour; appending one is a single small write.
They hold neither hash values nor file names, only digests keyed by a secret of the home.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from hashmatch.errors import FeedbackError
from hashmatch.matching.journal import Journal

log = logging.getLogger("hashmatch")

FOLDER = "guard"
WINDOW = 3600
DEFAULT_LIMIT = 100
_REPEATED = 60
_RECORD = struct.Struct("<I8s8s")
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Suspension:
    """An entry that waits for review.

    Parameters
    ----------
    list_name, entry_id : str
        The entry.
    uploads : int
        How many distinct uploads it had matched within ``window`` seconds.
    window : int
        Seconds.
    at : str
        When it was suspended, ISO 8601 in UTC.
    """

    list_name: str
    entry_id: str
    uploads: int
    window: int
    at: str

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        return (
            f"the entry matched {self.uploads} distinct uploads within {self.window // 60} minutes "
            f"and waits for review since {self.at}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the suspension as JSON values."""
        return {
            "list": self.list_name,
            "entry_id": self.entry_id,
            "uploads": self.uploads,
            "window_seconds": self.window,
            "at": self.at,
        }

    @classmethod
    def from_json(cls, shape: Mapping[str, Any]) -> Self:
        """Return the suspension that :meth:`to_json` wrote."""
        return cls(
            shape["list"],
            shape["entry_id"],
            shape["uploads"],
            shape["window_seconds"],
            shape["at"],
        )


class FloodGuard:
    """Counts matches per entry. Safe to share between threads; processes share the home.

    Parameters
    ----------
    home : Path
        The home folder.
    limit : int
        How many distinct uploads an entry may match within an hour before it is suspended.
    alert : callable or None
        Called with each new :class:`Suspension` of this process; by default it is a warning in
        the log.
    clock : callable
        Seconds since the epoch.
    """

    def __init__(
        self,
        home: Path,
        *,
        limit: int = DEFAULT_LIMIT,
        alert: Callable[[Suspension], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.limit = limit
        self._folder = home / FOLDER
        self._audit = Journal(self._folder / "audit.jsonl")
        self._alert = alert or _warn
        self._clock = clock
        self._lock = threading.Lock()
        self._suspended: dict[Key, Suspension] = {}
        self._lifted: dict[Key, float] = {}
        self._seen: dict[bytes, dict[bytes, int]] = {}
        self._read: dict[str, int] = {}
        self._secret: bytes | None = None

    def refresh(self) -> None:
        """Take up suspensions made and lifted by others.

        Raises
        ------
        FeedbackError
            If the record of them cannot be understood.
        """
        with self._audit.lock:
            for number, line in self._audit.news():
                try:
                    said = json.loads(line)
                    key = (said["list"], said["entry_id"])
                    if said["event"] == "suspended":
                        self._suspended[key] = Suspension.from_json(said)
                    else:
                        self._suspended.pop(key, None)
                        self._lifted[key] = datetime.fromisoformat(said["at"]).timestamp()
                except (ValueError, KeyError, TypeError) as error:
                    raise FeedbackError(
                        f"line {number} of {self._audit.path} cannot be understood; mend it"
                    ) from error

    def suspension(self, list_name: str, entry_id: str) -> Suspension | None:
        """Return the suspension of an entry, if it is suspended; see :meth:`refresh`."""
        return self._suspended.get((list_name, entry_id))

    def suspensions(self) -> list[Suspension]:
        """Return what waits for review, oldest first."""
        self.refresh()
        return sorted(self._suspended.values(), key=lambda found: found.at)

    def note(self, list_name: str, entry_id: str, upload: bytes) -> Suspension | None:
        """Count a match, and suspend the entry if that is one too many.

        Parameters
        ----------
        list_name, entry_id : str
            The entry that matched.
        upload : bytes
            What tells uploads apart: a hash value of this one.

        Returns
        -------
        Suspension or None
            Set where the entry is suspended now.

        Raises
        ------
        FeedbackError
            If the counts cannot be kept.
        """
        key = (list_name, entry_id)
        with self._lock:
            self.refresh()
            if key in self._suspended:  # in a flood no more is counted than it takes to see one
                return self._suspended[key]
            now = int(self._clock())
            since = max(now - WINDOW, self._lifted.get(key, 0))
            try:
                entry = self._digest(f"{list_name}\0{entry_id}".encode())
                uploads = self._counted(now, entry, self._digest(upload), since)
            except OSError as error:
                raise FeedbackError(
                    f"cannot keep count in {self._folder}: {error.strerror}"
                ) from error
            recent = sum(at > since for at in uploads.values())
            if recent > self.limit:
                self._suspend(key, recent)
            return self._suspended.get(key)

    def forget(self) -> None:
        """Remove counts that are too old to matter, which otherwise waits for the next match.

        Raises
        ------
        FeedbackError
            If they cannot be removed.
        """
        with self._lock:
            try:
                self._forget(int(self._clock()))
            except OSError as error:
                raise FeedbackError(
                    f"cannot remove old counts in {self._folder}: {error.strerror}"
                ) from error

    def lift(self, list_name: str, entry_id: str, *, by: str = "") -> bool:
        """End a suspension; counting starts anew. Return whether there was one."""
        self.refresh()
        was = (list_name, entry_id) in self._suspended
        if was:
            self._audit.append(
                {
                    "event": "lifted",
                    "list": list_name,
                    "entry_id": entry_id,
                    "by": by,
                    "at": self._now(),
                }
            )
            self.refresh()
        return was

    def _counted(self, now: int, entry: bytes, upload: bytes, since: float) -> dict[bytes, int]:
        """Count an upload of an entry; return all of that entry, and when each last came."""
        self._follow(now)
        uploads = self._seen.setdefault(entry, {})
        # one picture sent over and over is written down once a minute
        if uploads.get(upload, 0) <= max(since, now - _REPEATED):
            self._append(now, _RECORD.pack(now, entry, upload))
            uploads[upload] = now
        return uploads

    def _suspend(self, key: Key, uploads: int) -> None:
        found = Suspension(*key, uploads, WINDOW, self._now())
        self._audit.append({"event": "suspended", **found.to_json()})
        self.refresh()
        self._alert(found)

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat()

    def _digest(self, value: bytes) -> bytes:
        if self._secret is None:
            self._secret = self._load_secret()
        return hashlib.blake2b(value, digest_size=8, key=self._secret).digest()

    def _load_secret(self) -> bytes:
        """Return the home's key, making it once for all processes."""
        path = self._folder / "key"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            made = self._folder / f"key.{os.getpid()}.{threading.get_ident()}"
            target = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(target, secrets.token_bytes(32))
                os.fsync(target)
            finally:
                os.close(target)
            try:
                with suppress(FileExistsError):  # the first one wins
                    os.link(made, path)
            finally:
                made.unlink()
        return path.read_bytes()

    def _append(self, now: int, record: bytes) -> None:
        path = self._folder / f"{now // WINDOW}.log"
        target = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(target, record)
        finally:
            os.close(target)

    def _follow(self, now: int) -> None:
        """Read what all processes counted in this hour and the last, and forget what is older."""
        current = _current(now)
        for name in sorted(current):
            path = self._folder / name
            if not path.exists():
                continue
            with path.open("rb") as source:
                source.seek(self._read.get(name, 0))
                text = source.read()
            whole = len(text) - len(text) % _RECORD.size
            for at, entry, upload in _RECORD.iter_unpack(text[:whole]):
                uploads = self._seen.setdefault(entry, {})
                uploads[upload] = max(at, uploads.get(upload, 0))
            self._read[name] = self._read.get(name, 0) + whole
        if not self._read.keys() <= current:
            self._forget(now)

    def _forget(self, now: int) -> None:
        current = _current(now)
        for path in self._folder.glob("*.log"):
            if path.name not in current:
                path.unlink(missing_ok=True)
        self._read = {name: at for name, at in self._read.items() if name in current}
        for entry in list(self._seen):
            kept = {u: at for u, at in self._seen[entry].items() if at > now - WINDOW}
            if kept:
                self._seen[entry] = kept
            else:
                del self._seen[entry]


def _current(now: int) -> set[str]:
    return {f"{now // WINDOW}.log", f"{now // WINDOW - 1}.log"}


def _warn(found: Suspension) -> None:
    # without the entry's id, which may be a hash value
    log.warning(
        "an entry of list %s is suspended: it matched %d distinct uploads within %d s; "
        "'hashmatch feedback ls' names it",
        found.list_name,
        found.uploads,
        found.window,
    )
