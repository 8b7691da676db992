"""What the service counts, and how Prometheus reads it. No label holds anything of an upload."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from hashmatch.service.board import Board
from hashmatch.types import MatchResult, Reason, Verdict

ROUTES = (
    "match",
    "match_batch",
    "match_hashes",
    "match_hashes_batch",
    "hash",
    "lists",
    "snapshot",
    "entries_add",
    "entries_remove",
    "live",
    "ready",
    "metrics",
    "other",
)
STATUSES = (
    "200", "201", "400", "401", "403", "404", "405", "408", "409", "413", "415", "422", "429",
    "431", "500", "503", "other",
)  # fmt: skip
STAGES = ("receive", "queue", "decode", "hash", "search", "total")
DEATHS = ("service", "decoder", "curator")
RELOADS = ("loaded", "failed")
BOUNDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
LIST_PLACES = 1024
KEY_PLACES = 256

# name -> (help, label, values of the label); plain counters and gauges have one nameless value
_COUNTERS: dict[str, tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]] = {
    "requests": ("Requests answered", ("route", "status"), (ROUTES, STATUSES)),
    "verdicts": ("Answers about media and hash values", ("verdict",), (tuple(Verdict),)),
    "unchecked": ("Answers by why not all was checked", ("reason",), (tuple(Reason),)),
    "reloads": ("Snapshots taken up, or refused", ("outcome",), (RELOADS,)),
    "worker_deaths": ("Processes that died and were replaced", ("kind",), (DEATHS,)),
    "clients_lost": ("Clients that went away during their request", (), ()),
    "flood_guard_events": ("Entries suspended for matching too many uploads", (), ()),
    "flood_guard_failures": ("Matches that the flood guard could not count", (), ()),
    "log_lines_dropped": ("Log lines nobody read in time", (), ()),
}
_GAUGES = {
    "running": "Pictures being checked",
    "waiting": "Pictures waiting to be checked",
    "body_bytes": "Bytes of request bodies in memory",
    "heartbeat": "When each process last said it is alive",
}
_HISTOGRAMS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "request_seconds": ("Time from the head of a request to its answer", "route", ROUTES),
    "stage_seconds": ("Time spent in the stages of an answer", "stage", STAGES),
}


class Layout:
    """Which column of the board is what."""

    def __init__(self) -> None:
        self.columns = 0
        self.counter = {
            name: self._block(product(*values)) for name, (_, _, values) in _COUNTERS.items()
        }
        self.gauge = {name: self._take(1) for name in _GAUGES}
        self.histogram = {
            name: {value: self._take(len(BOUNDS) + 2) for value in values}
            for name, (_, _, values) in _HISTOGRAMS.items()
        }
        self.lists = self._take(LIST_PLACES)
        self.keys = self._take(KEY_PLACES)

    def _take(self, count: int) -> int:
        start = self.columns
        self.columns += count
        return start

    def _block(self, values: Any) -> dict[tuple[str, ...], int]:
        return {value: self._take(1) for value in values}


LAYOUT = Layout()


class Metrics(Collector):
    """Counts on a board, and reads the whole board for Prometheus."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        self._extra: dict[str, tuple[str, float, dict[str, str]]] = {}

    def count(self, name: str, *labels: str, amount: float = 1.0) -> None:
        """Add to a counter."""
        self.board.add(LAYOUT.counter[name][labels], amount)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        told = str(status) if str(status) in STATUSES else "other"
        self.count("requests", route, told)
        self.observe("request_seconds", route, seconds)

    def answer(self, result: MatchResult) -> None:
        """Count an answer by its verdict, its reason and the lists it hit."""
        self.count("verdicts", result.verdict)
        if result.reason is not None:
            self.count("unchecked", result.reason)
        for name in {hit.list_name for hit in result.hits}:
            place = self.board.place_of(f"list {name}")
            if place is not None:
                self.board.add(LAYOUT.lists + place)

    def answers_of_batch(self, verdicts: Sequence[tuple[MatchResult, int]]) -> None:
        """Count answers of which many are the same object."""
        for result, count in verdicts:
            if not result.hits:
                self.count("verdicts", result.verdict, amount=count)
                if result.reason is not None:
                    self.count("unchecked", result.reason, amount=count)
            else:
                self.answer(result)

    def observe(self, name: str, label: str, seconds: float) -> None:
        """Add a time to a histogram."""
        start = LAYOUT.histogram[name][label]
        self.board.add(start + bisect_left(BOUNDS, seconds))
        self.board.add(start + len(BOUNDS) + 1, seconds)

    def put(self, name: str, value: float) -> None:
        """Set a gauge of this process."""
        self.board.put(LAYOUT.gauge[name], value)

    def state(self, name: str, about: str, value: float, **labels: str) -> None:
        """State a fact that this process alone knows when it is asked."""
        self._extra[name] = (about, value, labels)

    def exposition(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Give every metric, added up over all processes."""
        total = self.board.total
        for name, (about, labels, _) in _COUNTERS.items():
            counter = CounterMetricFamily(f"hashmatch_{name}", about, labels=labels)
            for values, column in LAYOUT.counter[name].items():
                counter.add_metric(values, total(column))
            yield counter
        for name, about in _GAUGES.items():
            if name != "heartbeat":
                yield GaugeMetricFamily(f"hashmatch_{name}", about, total(LAYOUT.gauge[name]))
        for name, (about, label, _) in _HISTOGRAMS.items():
            histogram = HistogramMetricFamily(f"hashmatch_{name}", about, labels=(label,))
            for value, start in LAYOUT.histogram[name].items():
                counts = [total(start + step) for step in range(len(BOUNDS) + 1)]
                reached, buckets = 0.0, []
                for bound, amount in zip((*map(str, BOUNDS), "+Inf"), counts, strict=True):
                    reached += amount
                    buckets.append((bound, reached))
                histogram.add_metric((value,), buckets, total(start + len(BOUNDS) + 1))
            yield histogram
        hits = CounterMetricFamily(
            "hashmatch_list_hits", "Answers that hit a list", labels=("list",)
        )
        for place, text in enumerate(self.board.placed()):
            kind, _, name = text.partition(" ")
            if kind == "list":
                hits.add_metric((name,), total(LAYOUT.lists + place))
        yield hits
        for name, (about, fact, labels_of) in self._extra.items():
            gauge = GaugeMetricFamily(f"hashmatch_{name}", about, labels=tuple(labels_of))
            gauge.add_metric(tuple(labels_of.values()), fact)
            yield gauge


def own_metrics() -> Metrics:
    """Return the metrics of a service that is one process."""
    handle = Board.make(1, LAYOUT.columns, LIST_PLACES)
    return Metrics(Board(handle, 1, LAYOUT.columns, LIST_PLACES, 0))
