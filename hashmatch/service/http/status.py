"""The routes about the service itself: what it knows, and whether it is well."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hashmatch.service import hardening
from hashmatch.service.http import metrics
from hashmatch.service.http.exchange import Exchange, Json
from hashmatch.service.http.service import Service
from hashmatch.version import ENGINE


async def lists(service: Service, request: Request, exchange: Exchange) -> Response:
    """Give the lists of the snapshot in use."""
    shown = [
        {name: described.get(name) for name in ("name", "version", "polarity", "entries")}
        for described in service.matcher.snapshot.lists
    ]
    return Json({"snapshot": service.matcher.snapshot.id, "lists": shown})


async def snapshot(service: Service, request: Request, exchange: Exchange) -> Response:
    """Describe the snapshot in use."""
    found = service.matcher.snapshot
    return Json(
        {
            "snapshot": found.id,
            "created": service.snapshot_created(),
            "age_seconds": service.snapshot_age(),
            "hash_types": list(found.hash_types),
            "profile": service.matcher.profile.name,
            "engine": ENGINE,
        }
    )


async def live(service: Service, request: Request, exchange: Exchange) -> Response:
    """Say that the process answers."""
    return Json({"status": "live"})


async def ready(service: Service, request: Request, exchange: Exchange) -> Response:
    """Say whether requests should be sent here.

    ``degraded`` still answers, from the snapshot it has: taking every replica away because a
    new snapshot is damaged would leave uploads unchecked.
    """
    problems = service.problems()
    status = "degraded" if problems else "ready"
    if service.health.draining:
        status, problems = "draining", ["draining"]
    told: dict[str, Any] = {"status": status, "problems": problems}
    return Json(told, 503 if status == "draining" else 200)


async def exposition(service: Service, request: Request, exchange: Exchange) -> Response:
    """Give the metrics of all processes in the text format of Prometheus."""
    service.refresh_gauges()
    found = service.snapshot_age()
    state = service.metrics.state
    state("snapshot_age_seconds", "Age of the snapshot in use", found or 0.0)
    state("snapshot_info", "The snapshot in use", 1.0, snapshot=service.matcher.snapshot.id)
    state("degraded", "Whether /health/ready names a problem", float(bool(service.problems())))
    for name, holds in hardening.state().items():
        state(
            f"hardening_{name}",
            "Whether this holds for the process that answered",
            float(bool(holds)),
        )
    return Response(
        service.metrics.exposition(),
        media_type=None,
        headers={"Content-Type": metrics.CONTENT_TYPE},
    )
