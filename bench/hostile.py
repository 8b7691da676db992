"""Hostile and edge files through the sandbox: deaths, hangs, the slowest and the largest file.

The files are those of ``tests/scan/corpus.py`` and ``tests/media/corpus.py``, and byte mutants of
ten of them.

Usage: python -m bench.hostile [--json] [--mutants 10000] [--seed 5]
"""

from __future__ import annotations

import argparse
import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.harness import Figure, measured, report
from hashmatch import media
from hashmatch.matching.isolated import allowance_for, outcome
from hashmatch.matching.plan import Plan
from hashmatch.matching.profiles import DEFAULT_PROFILE, get_profile
from hashmatch.sandbox import EventKind, Pool, Task
from hashmatch.scan import REPORTED_TYPES, ArchiveLimits
from hashmatch.scan.examiner import Order, split
from hashmatch.types import Reason

FIGURES = (
    "scan.hostile", "scan.hostile-slowest", "scan.hostile-largest",
    "scan.mutants", "scan.mutants-slowest", "scan.mutants-largest",
)  # fmt: skip
PROMISED = {"hostile": 2000, "mutants": 10_000}
"""How many files of each set a figure has to be about."""
CORPUS = Path(__file__).resolve().parents[1] / ".corpus"
SLOWEST_SECONDS, LARGEST_MEGABYTES = 2.0, 300.0
TIMEOUT = 20.0
SEED = 5  # of the mutants in the published figures


@dataclass(slots=True)
class Toll:
    """What a set of files cost."""

    files: int = 0
    without_verdict: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    lost: dict[str, str] = field(default_factory=dict)
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[float, str] = (0.0, "")
    seconds: float = 0.0

    @property
    def hangs(self) -> int:
        """How many files a worker had to be stopped over."""
        return sum(said.startswith(Reason.TIMEOUT.value) for said in self.lost.values())

    def figures(self, title: str) -> list[Figure]:
        """Return the toll as figures; of fewer files than promised, under another name."""
        what = f"{title}, {self.files:,} files"
        name = f"scan.{title}" if self.files >= PROMISED[title] else f"hostile.few-{title}"
        return [
            measured(f"{what}: hangs and files without a verdict",
                     [self.hangs + self.without_verdict], "failures", 0, name=name,
                     note=f"{len(self.lost)} workers lost and replaced"),
            measured(f"{what}: slowest, processor time", [self.slowest[0]], "s", SLOWEST_SECONDS,
                     name=f"{name}-slowest", note=self.slowest[1]),
            measured(f"{what}: largest, resident", [self.largest[0]], "MB", LARGEST_MEGABYTES,
                     name=f"{name}-largest", note=self.largest[1]),
        ]  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Return what the files came to, as JSON values."""
        return {
            "workers lost": self.lost,
            "outcomes": dict(self.outcomes.most_common()),
            "files per second": round(self.files / self.seconds, 1) if self.seconds else None,
        }


def files() -> list[Path]:
    """Return the hostile and edge files that were fetched."""
    return sorted(path for path in CORPUS.rglob("*") if path.is_file())


def seeds() -> list[bytes]:
    """Return ten small files of ten kinds to make mutants of."""
    wanted = (".jpg", ".png", ".gif", ".webp", ".bmp", ".tif", ".avif", ".heic", ".zip", ".gz")
    chosen = []
    for suffix in wanted:
        fitting = [p for p in files() if p.suffix.lower() == suffix and p.stat().st_size > 300]
        if fitting:
            chosen.append(min(fitting, key=lambda p: p.stat().st_size).read_bytes())
    return chosen


def mutants(count: int, seed: int = SEED) -> Iterator[bytes]:
    """Give byte mutants: changed, cut, doubled and zeroed stretches."""
    rng = random.Random(seed)
    wholes = seeds()
    for number in range(count):
        data = bytearray(wholes[number % len(wholes)])
        for _ in range(rng.randrange(1, 20)):
            at = rng.randrange(len(data))
            how = rng.randrange(6)
            if how < 3:
                data[at] = rng.randrange(256)
            elif how == 3:
                data[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff"))
            elif how == 4 and len(data) > 400:
                del data[at : at + rng.randrange(1, 64)]
            else:
                data[at:at] = data[at : at + rng.randrange(1, 64)]
        yield bytes(data)


def run(inputs: Iterable[tuple[str, bytes]]) -> Toll:
    """Examine inputs one by one in one worker at a time, as a scan would."""
    plan = Plan(REPORTED_TYPES[:3], ("pdq",), get_profile(DEFAULT_PROFILE), media.DEFAULT_LIMITS)
    order = Order(plan, ArchiveLimits(), thumbnails=True, ask_known_good=False)
    toll = Toll()
    with Pool(
        "hashmatch.scan.examiner:examine_in_worker",
        "hashmatch.scan.examiner:prepare",
        "pdq",
        workers=1,
        allowance=allowance_for(plan.limits),
    ) as pool:
        pool.warm()
        begin = time.perf_counter()
        for name, data in inputs:
            _one(pool, order, name, data, toll)
        toll.seconds = time.perf_counter() - begin
    return toll


def _one(pool: Pool, order: Order, name: str, data: bytes, toll: Toll) -> None:
    process = pool._idle.queue[-1]
    before = process.cpu_seconds
    _forget_peak(process.pid)
    descriptor = os.memfd_create("input")

    def again(task: Task, parts: int, reason: Reason, message: str) -> Task | None:
        toll.lost[name] = f"{reason.value}: {message}"
        if task.tag == parts:
            return None
        return Task(task.descriptor, order.request(parts, (reason, message)), TIMEOUT, parts)

    try:
        os.write(descriptor, data)
        events = pool.call(Task(descriptor, order.request(), TIMEOUT), retry=again)
    finally:
        os.close(descriptor)
    toll.files += 1
    last = events[-1]
    if last.kind is EventKind.DONE:
        found = outcome(type(last)(last.task, last.kind, split(last.body)[2]))
    else:
        found = outcome(last)
    if found.reason is None and not found.decoded and not found.hashes:
        toll.without_verdict += 1
    toll.outcomes[found.reason.value if found.reason else "checked"] += 1
    if pool._idle.queue[-1] is process:
        toll.slowest = max(toll.slowest, (process.cpu_seconds - before, name))
        toll.largest = max(toll.largest, (_peak(process.pid), name))


def _forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak(pid: int) -> float:
    """Return the largest resident size of a process since it was forgotten, in MB."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=SEED, help="of the mutants")
    parser.add_argument("--quick", action="store_true", help="200 mutants")
    asked = parser.parse_args()
    if asked.quick:
        asked.mutants = 200
    found = files()
    tolls = {
        "hostile": run((str(path.relative_to(CORPUS)), path.read_bytes()) for path in found),
        "mutants": run(
            (f"mutant {n}", data) for n, data in enumerate(mutants(asked.mutants, asked.seed))
        ),
    }
    notes = {
        "files": "those of tests/scan/corpus.py and tests/media/corpus.py, as far as fetched; "
        "mutants of ten of them",
        "seed": str(asked.seed),
    }
    for title, toll in tolls.items():
        if toll.files < PROMISED[title]:
            notes[f"NOT MEASURED: scan.{title}"] = (
                f"{toll.files:,} files, but the figure is about {PROMISED[title]:,}"
            )
    report(
        "Hostile and edge files through the sandbox",
        [figure for title, toll in tolls.items() for figure in toll.figures(title)],
        notes,
        asked.json,
        more={title: toll.to_json() for title, toll in tolls.items()},
    )


if __name__ == "__main__":
    main()
