"""Everything the routes share: one of these in each process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hashmatch.matching import Matcher
from hashmatch.service.admission import Admission
from hashmatch.service.body import BodyLimits, MemoryBudget
from hashmatch.service.config import ServeConfig
from hashmatch.service.curator_client import CuratorClient
from hashmatch.service.http.access import Access
from hashmatch.service.http.lanes import HashLane
from hashmatch.service.http.logs import log_event
from hashmatch.service.http.metrics import Metrics


@dataclass(slots=True)
class Health:
    """Since when the newest snapshot could not be taken up, or decoders could not start."""

    failed_since: float | None = None
    undecodable_since: float | None = None
    draining: bool = False


class Service:
    """The state behind the routes.

    Parameters
    ----------
    config : ServeConfig
    matcher : Matcher
    metrics : Metrics
    curator : CuratorClient or None
        The process that may write; ``None`` where entries cannot be changed.
    """

    def __init__(
        self,
        config: ServeConfig,
        matcher: Matcher,
        metrics: Metrics,
        curator: CuratorClient | None = None,
    ) -> None:
        self.config = config
        self.matcher = matcher
        self.metrics = metrics
        self.curator = curator
        self.access = Access(config.place, metrics.board, required=config.auth)
        self.limits: BodyLimits = config.body_limits
        self.budget = MemoryBudget(config.memory)
        self.pictures = Admission(waiting=config.waiting)
        self.batches = Admission(waiting=config.waiting)
        self.lane = HashLane(matcher)
        self.health = Health()
        self._decoders_lost = 0

    def close(self) -> None:
        """Let go of threads."""
        self.pictures.close()
        self.batches.close()
        self.lane.close()

    def on_reload(self, error: Exception | None) -> None:
        """Note that a snapshot was taken up, or could not be."""
        if error is None:
            self.health.failed_since = None
            self.metrics.count("reloads", "loaded")
            log_event("snapshot_loaded", snapshot=self.matcher.snapshot.id)
        else:
            self.health.failed_since = self.health.failed_since or time.time()
            self.metrics.count("reloads", "failed")
            log_event("snapshot_refused", level="error", exception=type(error).__name__)

    def problems(self) -> list[str]:
        """Return why not all is well, in words of a closed set."""
        oldest = self.config.max_snapshot_age
        age = self.snapshot_age()
        found = {
            "snapshot_stale": oldest is not None and (age is None or age > oldest),
            "new_snapshot_invalid": self.health.failed_since is not None,
            "decoder_unavailable": self.health.undecodable_since is not None,
        }
        return [name for name, holds in found.items() if holds]

    def snapshot_created(self) -> str | None:
        """Return when the snapshot in use was made, as its manifest says."""
        found = self.matcher.snapshot.manifest.get("created")
        return str(found) if found is not None else None

    def snapshot_age(self) -> float | None:
        """Return how many seconds ago the snapshot in use was made."""
        text = self.snapshot_created()
        if text is None:
            return None
        try:
            moment = float(text)
        except ValueError:
            moment = datetime.fromisoformat(text).timestamp()
        return max(0.0, time.time() - moment)

    def on_stages(self, stages: Mapping[str, float]) -> None:
        """Add the times of an answer's stages to the metrics."""
        for stage, seconds in stages.items():
            self.metrics.observe("stage_seconds", stage, seconds)

    def refresh_gauges(self) -> None:
        """Bring the gauges of this process up to date."""
        admitted = self.pictures.admitted
        running = min(admitted, self.pictures.running)
        self.metrics.put("running", running)
        self.metrics.put("waiting", admitted - running)
        self.metrics.put("body_bytes", self.budget.used)
        lost = self.matcher.workers_lost
        if lost > self._decoders_lost:
            self.metrics.count("worker_deaths", "decoder", amount=lost - self._decoders_lost)
        self._decoders_lost = lost
