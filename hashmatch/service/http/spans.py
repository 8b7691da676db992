"""OpenTelemetry spans, where the ``otel`` extra is installed; nothing where it is not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

try:
    import opentelemetry.propagate as propagate
    import opentelemetry.trace as trace
except ImportError:
    installed = False
else:
    installed = True


def _recording() -> bool:
    """Say whether anybody set up tracing: it costs what a small request costs."""
    return installed and not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


@contextmanager
def request_span(route: str, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[Any]:
    """Span one request as the child of what its ``traceparent`` header names."""
    if not _recording():
        yield None
        return
    carrier = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in headers
        if name in (b"traceparent", b"tracestate")
    }
    tracer = trace.get_tracer("hashmatch")
    parent = propagate.extract(carrier) if carrier else None
    with tracer.start_as_current_span(
        f"hashmatch {route}", context=parent, kind=trace.SpanKind.SERVER, record_exception=False
    ) as span:
        yield span


def stage_spans(stages: Mapping[str, float]) -> None:
    """Add a span for each stage of an answer, one after the other up to now, in seconds."""
    if not _recording() or not trace.get_current_span().is_recording():
        return
    tracer = trace.get_tracer("hashmatch")
    each = {stage: seconds for stage, seconds in stages.items() if stage != "total"}
    begin = time.time_ns() - int(sum(each.values()) * 1e9)
    for stage, seconds in each.items():
        end = begin + int(seconds * 1e9)
        tracer.start_span(f"hashmatch {stage}", start_time=begin).end(end)
        begin = end
