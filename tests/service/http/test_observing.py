"""Metrics, logs and spans: what they say, and what they never say."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from hashmatch.errors import SandboxError
from hashmatch.service.board import Board
from hashmatch.service.http import logs
from hashmatch.service.http.metrics import LAYOUT, LIST_PLACES, Metrics

Photograph = Callable[[str], Path]


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_of_several_processes_are_added_up() -> None:
    handle = Board.make(2, LAYOUT.columns, LIST_PLACES)
    one, other = (Metrics(Board(handle, 2, LAYOUT.columns, LIST_PLACES, row)) for row in (0, 1))
    for metrics, seconds in ((one, 0.003), (one, 0.2), (other, 99.0)):
        metrics.request("match", 200, seconds)
    other.request("match", 418, 0.1)
    one.put("waiting", 3)
    other.put("waiting", 4)
    found = samples(one.exposition().decode())
    assert found == samples(other.exposition().decode())
    ok = frozenset({("route", "match"), ("status", "200")})
    assert found["hashmatch_requests_total", ok] == 3
    odd = frozenset({("route", "match"), ("status", "other")})
    assert found["hashmatch_requests_total", odd] == 1
    assert found["hashmatch_waiting", frozenset()] == 7
    route = ("route", "match")
    assert found["hashmatch_request_seconds_bucket", frozenset({route, ("le", "0.005")})] == 1
    assert found["hashmatch_request_seconds_bucket", frozenset({route, ("le", "+Inf")})] == 4
    assert found["hashmatch_request_seconds_sum", frozenset({route})] == pytest.approx(99.303)


def test_labels_are_from_closed_sets_whatever_is_asked(
    running: Any, photograph: Photograph
) -> None:
    secret = "a" * 64
    running.ask("POST", f"/v1/{secret}", key="match", content=b"x")
    running.ask(
        "POST", "/v1/match/hashes", key="match", document={"hashes": {"pdq": {"hex": secret}}}
    )
    running.ask("POST", "/v1/match", key="match", files={secret: (secret, b"x")})
    running.ask("POST", "/v1/match", key="match", content=photograph("coffee.png").read_bytes())
    text = running.ask("GET", "/metrics", key="observe").text
    assert secret not in text
    found = samples(text)
    assert found["hashmatch_list_hits_total", frozenset({("list", "photos")})] == 1
    assert found["hashmatch_unchecked_total", frozenset({("reason", "not_an_image")})] == 1
    assert found["hashmatch_stage_seconds_count", frozenset({("stage", "search")})] == 2
    assert found["hashmatch_snapshot_age_seconds", frozenset()] > 0


def test_each_picture_of_a_batch_is_counted_with_its_stages(
    running: Any, photograph: Photograph
) -> None:
    names = ("coffee.png", "ihc.png", "rocket.jpg")
    files = [("f", (name, photograph(name).read_bytes())) for name in names]
    assert running.ask("POST", "/v1/match/batch", key="match", files=files).status_code == 200
    found = samples(running.ask("GET", "/metrics", key="observe").text)
    for stage, count in (("receive", 1), ("queue", 3), ("decode", 3), ("search", 3), ("total", 3)):
        assert found["hashmatch_stage_seconds_count", frozenset({("stage", stage)})] == count
    assert found["hashmatch_verdicts_total", frozenset({("verdict", "match")})] == 2


def test_what_is_not_well_is_told(
    start: Any, photograph: Photograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start(max_snapshot_age=3600.0)
    data = photograph("coffee.png").read_bytes()

    def state() -> tuple[dict[str, Any], float]:
        found = samples(running.ask("GET", "/metrics", key="observe").text)
        ready = running.ask("GET", "/health/ready").json()
        return ready, found["hashmatch_degraded", frozenset()]

    assert state() == ({"status": "ready", "problems": []}, 0)
    later = time.time() + 3700
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: later)
        assert state() == ({"status": "degraded", "problems": ["snapshot_stale"]}, 1)
    with monkeypatch.context() as patch:

        def broken(*_: Any, **__: Any) -> None:
            raise SandboxError("a worker did not start: it was ended by signal 9")

        patch.setattr(running.service.matcher, "match_bytes", broken)
        refused = running.ask("POST", "/v1/match", key="match", content=data)
    told = refused.status_code, refused.json()["error"]["reason"], refused.headers["retry-after"]
    assert told == (503, "decoder_unavailable", "5")
    assert state() == ({"status": "degraded", "problems": ["decoder_unavailable"]}, 1)
    assert running.ask("POST", "/v1/match", key="match", content=data).status_code == 200
    assert state()[1] == 0


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Catch what the service logs, as ``hashmatch serve`` would write it."""
    reads, writes = os.pipe()
    os.set_blocking(reads, False)
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.log_to(writes, worker=3)

    def caught() -> list[dict[str, Any]]:
        try:
            return [json.loads(line) for line in os.read(reads, 1 << 20).splitlines()]
        except BlockingIOError:
            return []

    yield caught
    logs._sinks.clear()
    root.handlers[:] = before
    root.setLevel(level)
    os.close(reads)
    os.close(writes)


def test_a_request_is_one_line_that_says_who_and_what_but_not_which_picture(
    running: Any, photograph: Photograph, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    lines()
    data = photograph("coffee.png").read_bytes()
    running.ask(
        "POST",
        "/v1/match",
        key="match",
        files={"secret-field": ("secret-name.png", data)},
        headers={"X-Request-Id": "r-1", "X-Context": "user:17"},
    )
    (line,) = [line for line in lines() if line["event"] == "request"]
    seconds, queued = line.pop("seconds"), line.pop("queue_seconds")
    assert 0 < queued < seconds
    assert line.pop("time") > 1e9
    assert line.pop("size") > len(data)
    assert line == {
        "level": "info",
        "worker": 3,
        "event": "request",
        "request": "r-1",
        "route": "match",
        "method": "POST",
        "status": 200,
        "verdict": "match",
        "key": "match",
        "context": "user:17",
        "snapshot": running.service.matcher.snapshot.id,
    }


def test_what_libraries_and_failures_say_is_kept_out(
    running: Any, lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    logging.getLogger("some.library").warning("bytes were %r", b"secret")
    try:
        raise ValueError("secret")
    except ValueError:
        logging.getLogger("some.library").exception("secret")

    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("secret")

    monkeypatch.setattr(running.service.matcher, "match_bytes", broken)
    response = running.ask("POST", "/v1/match", key="match", content=b"x")
    assert response.status_code == 500
    found = lines()
    assert "secret" not in json.dumps(found) + response.text
    assert [line["event"] for line in found if line["level"] == "error"] == ["library", "failed"]
    assert "some.library" in [line.get("logger") for line in found]
    (failed,) = [line for line in found if line["event"] == "failed"]
    assert failed["exception"] == "ValueError"
    assert "test_observing.py" in failed["places"]
    assert all(set(line) <= set(logs.FIELDS) for line in found)
    with pytest.raises(KeyError):
        logs.log_event("request", filename="x")


def test_lines_that_nobody_reads_are_dropped_and_counted() -> None:
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    dropped: list[int] = []
    handler = logs.JsonLines(writes, 0, lambda: dropped.append(1))
    for _ in range(2000):
        handler.write("info", {"event": "request", "route": "x" * 100})
    assert dropped
    os.close(reads)
    os.close(writes)


def test_a_request_is_a_span_with_its_stages_below_the_callers(
    running: Any, photograph: Photograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", lambda name: provider.get_tracer(name))
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    data = photograph("coffee.png").read_bytes()
    running.ask("POST", "/v1/match", key="match", content=data, headers={"traceparent": caller})
    spans = {span.name: span for span in exporter.get_finished_spans()}
    whole = spans["hashmatch match"]
    assert f"{whole.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert whole.parent is not None
    assert f"{whole.parent.span_id:016x}" == "b7ad6b7169203331"
    for stage in ("receive", "queue", "decode", "hash", "search"):
        span = spans[f"hashmatch {stage}"]
        assert span.parent is not None
        assert span.parent.span_id == whole.context.span_id
        assert (span.end_time or 0) >= (span.start_time or 1)
    assert not any(span.attributes for span in spans.values())
