"""Taking up new snapshots as they are published."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hashmatch.errors import HashmatchError

OnReload = Callable[[Exception | None], None]


class Follower:
    """A thread that looks for a new snapshot and has it taken up.

    The snapshot is opened, checked and brought into memory on this thread; answers under way and
    new ones go on from the one in use until the new one is ready.

    Parameters
    ----------
    live_id : callable
        Returns the id of the live snapshot.
    used_id : callable
        Returns the id of the one in use.
    take_up : callable
        Takes up the live one.
    interval : float
        Seconds between two looks.
    on_reload : callable or None
        Called after each attempt, with what it failed with, or ``None`` once the live snapshot
        is in use. One that cannot be used is tried again every ``interval``, and told once.
    """

    def __init__(
        self,
        live_id: Callable[[], str | None],
        used_id: Callable[[], str],
        take_up: Callable[[], object],
        interval: float,
        on_reload: OnReload | None,
    ) -> None:
        self._live_id = live_id
        self._used_id = used_id
        self._take_up = take_up
        self._interval = interval
        self._on_reload = on_reload
        self._told: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hashmatch-follow", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                if self._live_id() != self._used_id():
                    self._take_up()
                elif self._told is None:
                    continue
            except (HashmatchError, OSError, MemoryError) as error:
                told = f"{type(error).__name__} {error}"
                if told != self._told:
                    self._told = told
                    self._tell(error)
            else:
                self._told = None
                self._tell(None)

    def _tell(self, error: Exception | None) -> None:
        if self._on_reload is not None:
            self._on_reload(error)
