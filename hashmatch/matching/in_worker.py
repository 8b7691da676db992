"""What a worker process runs to examine an input. It imports only what examining needs."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np

from hashmatch import hashing, media
from hashmatch.matching.plan import Plan
from hashmatch.matching.source import examine_descriptor
from hashmatch.matching.wire import to_wire
from hashmatch.sandbox.wire import Job
from hashmatch.types import Reason


def prepare(perceptual: str) -> None:
    """Load everything decoding and hashing may need, while files can still be opened.

    Parameters
    ----------
    perceptual : str
        The hash types that will be computed, separated by commas.
    """
    media.codec_versions()
    types = [name for name in perceptual.split(",") if name]
    if types:
        ramp = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)
        hashing.compute(ramp, types)
        hashing.compute_orientations(ramp, types)


def examine_in_worker(job: Job) -> bytes:
    """Examine the job's descriptor as its request says; runs inside a locked-down worker."""
    size, _, body = job.request.partition(b" ")
    plan, undecoded = parse_request(body)
    found = examine_descriptor(
        job.descriptor, plan, size=int(size) if size else None, undecoded=undecoded
    )
    return to_wire(found, timed=True)


def request(plan: Plan, undecoded: tuple[Reason, str] | None = None, **more: Any) -> bytes:
    """Return what a worker is asked."""
    shape = {"plan": plan.to_json(), "undecoded": undecoded, **more}
    return json.dumps(shape, separators=(",", ":")).encode()


@lru_cache(maxsize=64)
def parse_request(body: bytes) -> tuple[Plan, tuple[Reason, str] | None]:
    """Read what :func:`request` gave; the same request comes thousands of times."""
    shape = json.loads(body)
    undecoded = shape["undecoded"]
    plan = Plan.from_json(shape["plan"])
    return plan, None if undecoded is None else (Reason(undecoded[0]), undecoded[1])
