"""Who may ask: keys, their roles and their rates."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable

from hashmatch.errors import ServiceConfigError
from hashmatch.home import Home
from hashmatch.service.board import Board
from hashmatch.service.body import header
from hashmatch.service.http.exchange import Refused
from hashmatch.service.http.logs import log_event
from hashmatch.service.http.metrics import KEY_PLACES, LAYOUT
from hashmatch.service.keys import Key, Role, digest_of, key_file, read_keys

_LOOK_EVERY = 0.5
_BURST_SECONDS = 2.0


class Access:
    """Tells keys apart, and holds each to its rate over all processes together.

    Parameters
    ----------
    home : Home
        Where the keys are; a change is taken up within a second.
    board : Board
        Shared by all processes.
    required : bool
        Whether a key is needed at all.
    """

    def __init__(self, home: Home, board: Board, *, required: bool) -> None:
        self._home = home
        self._board = board
        self._required = required
        self._looked = -math.inf
        self._stamp: object = None
        self._keys: dict[str, Key] = {}
        if required:
            self._look()

    def admit(self, headers: Iterable[tuple[bytes, bytes]], needed: Collection[Role]) -> Key | None:
        """Return the key of a request, ``None`` where none is needed.

        Raises
        ------
        Refused
            401 without a valid key, 403 if its roles do not suffice.
        """
        if not self._required:
            return None
        self._look()
        text = header(headers, b"authorization") or ""
        scheme, _, secret = text.partition(" ")
        key = self._keys.get(digest_of(secret.strip())) if scheme.lower() == "bearer" else None
        if key is None:
            raise Refused(401, "unauthorized", "send a valid key: 'Authorization: Bearer KEY'")
        if not key.may(needed):
            roles = " or ".join(sorted(needed))
            raise Refused(403, "forbidden", f"this key has not the role {roles}")
        return key

    def spend(self, key: Key | None, amount: int) -> None:
        """Count pictures or hash values against the rate of a key.

        Raises
        ------
        Refused
            429 if it is used up, with the seconds to wait.
        """
        if key is None:
            return
        place = self._board.place_of(f"key {key.digest[:32]}")
        if place is None or place >= KEY_PLACES:
            place = KEY_PLACES - 1  # more keys than places share the last one
        interval = amount / key.rate
        # a batch larger than the burst may go when the key has rested long enough for it
        slack = max(_BURST_SECONDS, interval)
        wait = self._board.take_turn(LAYOUT.keys + place, interval, slack, time.time())
        if wait > 0:
            raise Refused(
                429,
                "rate_limited",
                f"this key may check {key.rate:g} a second; try again later",
                retry_after=max(1, math.ceil(wait)),
            )

    def _look(self) -> None:
        """Take up the key file if it changed."""
        now = time.monotonic()
        if now - self._looked < _LOOK_EVERY:
            return
        self._looked = now
        try:
            found = key_file(self._home).stat()
            stamp: object = (found.st_mtime_ns, found.st_ino, found.st_size)
        except OSError:
            stamp = None
        if stamp == self._stamp:
            return
        try:
            self._keys = {key.digest: key for key in read_keys(self._home)}
        except ServiceConfigError:
            # half a change must not lock everyone out, nor let anyone in: keep what was valid
            log_event("keys_unreadable", level="error")
            return
        self._stamp = stamp
        log_event("keys_loaded", count=len(self._keys))
