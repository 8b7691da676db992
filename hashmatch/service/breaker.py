"""A circuit breaker: after many failures in a row, stop asking for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Opens after failures in a row, and lets single calls try again after a pause.

    While it is open nothing waits for a matcher that is not answering: an outage costs each
    upload microseconds instead of its whole deadline.

    Parameters
    ----------
    failures : int
        How many failures in a row open it.
    pause : float
        Seconds until one call may try again.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self, failures: int = 20, pause: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures = failures
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._retry_at = 0.0

    @property
    def open(self) -> bool:
        """Whether calls are being turned away."""
        return self._in_a_row >= self._failures

    def admits(self) -> bool:
        """Say whether a call may be made now; while open, one per pause may."""
        if not self.open:
            return True
        with self._lock:
            now = self._clock()
            if now < self._retry_at:
                return False
            self._retry_at = now + self._pause
            return True

    def record(self, *, failed: bool) -> None:
        """Tell how a call went."""
        with self._lock:
            if not failed:
                self._in_a_row = 0
                return
            self._in_a_row += 1
            if self._in_a_row >= self._failures:
                self._retry_at = self._clock() + self._pause
