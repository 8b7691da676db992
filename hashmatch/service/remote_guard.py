"""The flood guard of a process that may write no file: the curator keeps its counts."""

from __future__ import annotations

import hashlib
import json
import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hashmatch.errors import FeedbackError
from hashmatch.matching.flood import FloodGuard, Suspension
from hashmatch.service.breaker import CircuitBreaker

log = logging.getLogger("hashmatch")

_TIMEOUT = 1.0
_PAUSE = 5.0


class RemoteGuard(FloodGuard):
    """A flood guard whose counts another process keeps, for all processes of a service together.

    A match is never lost to it: if the curator does not answer, the match stands uncounted, and
    entries known to be suspended stay so.

    Parameters
    ----------
    home : Path
        The home folder, from which suspensions are read.
    curator : str
        Path of the curator's socket.
    suspended, failed : callable
        Called when a match of this process suspended an entry, and when one could not be counted.
    """

    def __init__(
        self,
        home: Path,
        curator: str,
        *,
        suspended: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        super().__init__(home)
        self._curator = curator
        self._suspended_now = suspended
        self._failed = failed
        self._breaker = CircuitBreaker(failures=1, pause=_PAUSE)
        self._asking = threading.Lock()
        self._link: socket.socket | None = None

    def note(self, list_name: str, entry_id: str, upload: bytes) -> Suspension | None:
        """Have a match counted, and return the entry's suspension if it is suspended now."""
        known = self._known(list_name, entry_id)
        if known is not None:
            return known
        question = {
            "do": "note",
            "list": list_name,
            "entry_id": entry_id,
            # what tells uploads apart is enough: hash values stay in this process
            "upload": hashlib.blake2b(upload, digest_size=16).hexdigest(),
        }
        answer = self._asked(question) if self._breaker.admits() else None
        if answer is None:
            self._failed()
            return None
        if answer["new"]:
            self._suspended_now()
        found = answer["suspension"]
        return Suspension.from_json(found) if found else None

    def _asked(self, question: dict[str, Any]) -> dict[str, Any] | None:
        line = json.dumps(question).encode() + b"\n"
        answer = None
        with self._asking:
            # a curator that was replaced is met with a connection to the one before, at first
            for fresh in (self._link is None, True):
                try:
                    answer = json.loads(self._exchange(line))
                    break
                except (OSError, ValueError):
                    self._hang_up()
                    if fresh:
                        break
        done = answer is not None and "suspension" in answer
        self._breaker.record(failed=not done)
        if not done:
            log.error("the flood guard could not count a match, which stands uncounted")
        return answer if done else None

    def _exchange(self, line: bytes) -> bytes:
        if self._link is None:
            self._link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._link.settimeout(_TIMEOUT)
            self._link.connect(self._curator)
        self._link.sendall(line)
        got = b""
        while not got.endswith(b"\n"):
            piece = self._link.recv(65536)
            if not piece:
                raise ConnectionError("the curator hung up")
            got += piece
        return got

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _known(self, list_name: str, entry_id: str) -> Suspension | None:
        try:
            self.refresh()
        except FeedbackError:  # the curator, asked next, fails likewise, and that is told
            return None
        return self.suspension(list_name, entry_id)
