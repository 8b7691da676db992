"""What hostile code can do inside a worker, and how soon the next job is answered.

Usage: python -m bench.containment [--json]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import time
from pathlib import Path

from bench.harness import machine
from hashmatch.sandbox import EventKind, Pool, Task

PAYLOADS = Path(__file__).resolve().parents[1] / "tests" / "sandbox"
NEXT_MS = 200.0
SPIN_SECONDS = 0.5


def payloads() -> list[str]:
    """Return the names of the containment payloads."""
    path = PAYLOADS / "sandbox_payloads.py"
    spec = importlib.util.spec_from_file_location("sandbox_payloads", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [*module.PAYLOADS, "spin"]


def attempt(pool: Pool, payload: str) -> tuple[str, float]:
    """Run a payload; return what became of it, and the milliseconds the job after it took."""
    pool.warm()
    descriptor = os.memfd_create("input")
    try:
        os.write(descriptor, b"the input")
        *_, last = pool.call(Task(descriptor, payload.encode(), SPIN_SECONDS))
        os.lseek(descriptor, 0, os.SEEK_SET)
        begin = time.perf_counter()
        *_, after = pool.call(Task(descriptor, b"read"))
        taken = time.perf_counter() - begin
    finally:
        os.close(descriptor)
    assert after.body == b"the input"
    if last.kind is EventKind.FAILED:
        return f"refused: {last.body.decode()}", taken * 1e3
    if last.kind is EventKind.LOST:
        return f"stopped: {last.message}", taken * 1e3
    return "ESCAPED", taken * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    os.environ["PYTHONPATH"] = str(PAYLOADS)
    with Pool("sandbox_payloads:run", "sandbox_payloads:prepare", "bench", workers=1) as pool:
        found = {name: attempt(pool, name) for name in payloads()}
    escaped = [name for name, (what, _) in found.items() if what == "ESCAPED"]
    slowest = max(taken for _, taken in found.values())
    if asked.json:
        shape = {name: {"outcome": what, "next_ms": taken} for name, (what, taken) in found.items()}
        print(json.dumps({"machine": machine(), "payloads": shape}))
        return
    for name, (what, taken) in found.items():
        print(f"{name:<20} next job {taken:6.1f} ms   {what}")
    print(f"blocked {len(found) - len(escaped)} of {len(found)}")
    middle = statistics.median(taken for _, taken in found.values())
    mark = "reached" if slowest < NEXT_MS else "MISSED"
    print(
        f"next job: median {middle:.1f} ms, slowest {slowest:.1f} ms  goal < {NEXT_MS:g} ms  {mark}"
    )


if __name__ == "__main__":
    main()
