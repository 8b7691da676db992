"""The snapshot a matcher answers from, and the change over to the next one."""

from __future__ import annotations

from pathlib import Path

from hashmatch.errors import MatcherConfigError
from hashmatch.indexes.snapshot import Snapshot, current_id
from hashmatch.matching.follow import Follower, OnReload
from hashmatch.matching.inline import Inline
from hashmatch.matching.isolated import Isolation
from hashmatch.matching.plan import Plan, Wanted
from hashmatch.matching.search import Searcher

ISOLATIONS = ("inline", "workers")


class InUse:
    """A snapshot ready for searching, and what examines inputs as its lists ask.

    Whoever answers takes the searcher once and finishes on it. The isolation may be taken
    separately: each one can do whatever those before it could.

    Parameters
    ----------
    root : Path
        The folder of snapshots.
    snapshot_id : str or None
        The snapshot to use for ever, or ``None`` for the live one.
    wanted : Wanted
        What is computed of inputs besides what the lists ask for.
    isolation : str
        One of ``ISOLATIONS``.
    workers : int or None
        How many worker processes; by default one per processor.
    timeout : float
        Seconds a worker may take for one input.

    Raises
    ------
    MatcherConfigError
        If there is no such isolation.
    UnknownHashTypeError
        If there is no hash type of a name that is wanted.
    SnapshotError
        If there is no snapshot, or it is damaged.
    SandboxError
        If worker processes are asked for and cannot be started here.
    """

    def __init__(
        self,
        root: Path,
        snapshot_id: str | None,
        wanted: Wanted,
        isolation: str,
        workers: int | None,
        timeout: float,
    ) -> None:
        if isolation not in ISOLATIONS:
            raise MatcherConfigError(
                f"unknown isolation {isolation!r}; choose one of {', '.join(ISOLATIONS)}"
            )
        self._root = root
        self._pinned = snapshot_id
        self._wanted = wanted
        self._follower: Follower | None = None
        self.searcher = self._load()
        plan = self.plan(self.searcher)
        self.isolation: Inline | Isolation = (
            Isolation(plan, workers, timeout) if isolation == "workers" else Inline()
        )

    def plan(self, searcher: Searcher) -> Plan:
        """Return what is computed of an input that is searched for with this searcher."""
        return self._wanted.plan(searcher.snapshot.hash_types)

    def reload(self) -> bool:
        """Take up the live snapshot; see :meth:`Matcher.reload`."""
        before = self.searcher.snapshot.id
        self._use(self._load())
        return self.searcher.snapshot.id != before

    def follow(self, interval: float, on_reload: OnReload | None) -> None:
        """Take up every new snapshot on a thread; see :meth:`Matcher.follow`."""
        if self._pinned is not None or self._follower is not None:
            raise MatcherConfigError("this matcher cannot follow: it is pinned, or does already")
        self._follower = Follower(
            lambda: current_id(self._root),
            lambda: self.searcher.snapshot.id,
            self._take_up,
            interval,
            on_reload,
        )

    def close(self) -> None:
        """End the thread that follows, and the worker processes."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None
        self.isolation.close()

    def _take_up(self) -> None:
        """Take up the live snapshot once it is checked and in memory."""
        searcher = self._load()
        searcher.snapshot.load()
        self._use(searcher)

    def _use(self, searcher: Searcher) -> None:
        """Change over to another snapshot, and to workers that are ready for it, first of all."""
        self.isolation = self.isolation.ready_for(self.plan(searcher))
        self.searcher = searcher

    def _load(self) -> Searcher:
        return Searcher(Snapshot.open(self._root, self._pinned))
