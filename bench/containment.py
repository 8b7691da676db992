"""What hostile code can do inside a worker, and how soon the next job is answered.

Usage: python -m bench.containment [--json]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import time
from pathlib import Path

from bench.harness import measured, report
from hashmatch.sandbox import EventKind, Pool, Task

PAYLOADS = Path(__file__).resolve().parents[1] / "tests" / "sandbox"
FIGURES = ("scan.containment", "scan.next-file")
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
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="the same; it takes seconds")
    asked = parser.parse_args()
    os.environ["PYTHONPATH"] = str(PAYLOADS)
    with Pool("sandbox_payloads:run", "sandbox_payloads:prepare", "bench", workers=1) as pool:
        found = {name: attempt(pool, name) for name in payloads()}
    escaped = [name for name, (what, _) in found.items() if what == "ESCAPED"]
    waits = [taken for _, taken in found.values()]
    report(
        "What hostile code can do inside a worker",
        [
            measured(f"payloads that are not blocked, of {len(found)}", [len(escaped)], "failures",
                     0, name="scan.containment", note=", ".join(escaped)),
            measured("the job after a payload, slowest", [max(waits)], "ms", NEXT_MS,
                     name="scan.next-file", note=f"median {statistics.median(waits):.1f} ms"),
        ],
        {name: f"next job {taken:.1f} ms; {what}" for name, (what, taken) in found.items()},
        asked.json,
    )  # fmt: skip


if __name__ == "__main__":
    main()
