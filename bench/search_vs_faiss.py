"""Search, snapshots and live updates at full size, against FAISS where FAISS has the like.

256-bit codes, radius 31, one thread on either side, half of the queries planted 0 to 31 bits from
a code and half random; FAISS's IndexBinaryFlat runs in the same rounds. Every figure is printed
with its goal and whether it was reached.

Usage: python bench/search_vs_faiss.py [--size small|large|huge] [--only PART ...] [--json]
       [--quick]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import faiss
import numpy as np
import search_data as data
from harness import Timing, interleave, machine, speedup

from hashmatch import indexes
from hashmatch.indexes.contract import Index
from hashmatch.indexes.live_writer import Insert, LiveWriter
from hashmatch.indexes.snapshot import Snapshot, SnapshotWriter
from hashmatch.indexes.values import ValueIndex, ValueSorter
from hashmatch.types import HashValue

RADIUS = 31
SIZES = {"small": 1_000_000, "large": 10_000_000, "huge": 30_000_000}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: what was measured, its value and unit, and the goals set for it."""

    what: str
    value: float
    unit: str = "x"
    goal: float | None = None
    aim: float | None = None
    below: bool = False
    note: str = ""

    def met(self, goal: float | None) -> bool | None:
        """Say whether a goal is reached; ``None`` where there is none."""
        if goal is None:
            return None
        return self.value <= goal if self.below else self.value >= goal


def per_call(timing: Timing, calls: int) -> Timing:
    """Return the times of one call of a candidate that makes several."""
    return Timing(timing.name, tuple(seconds / calls for seconds in timing.seconds))


def flat_of(codes: data.Codes) -> faiss.IndexBinaryFlat:
    """Return FAISS's exhaustive index."""
    flat = faiss.IndexBinaryFlat(data.BITS)
    flat.add(codes)
    return flat


def singles(index: Index, queries: data.Codes) -> Callable[[], None]:
    """Return a candidate that searches queries one by one."""

    def run() -> None:
        for at in range(len(queries)):
            index.search_radius(queries[at : at + 1], RADIUS)

    return run


class Bench:
    """The parts of the benchmark at one size."""

    def __init__(self, rows: int, rounds: int) -> None:
        self.rows = rows
        self.rounds = rounds
        self.name = f"{rows / 1e6:g} M"
        self.codes = data.uniform(rows)
        begin, busy = time.perf_counter(), time.process_time()
        self.index = indexes.create("auto", bits=data.BITS, codes=self.codes, radius=RADIUS)
        self.build_seconds = time.perf_counter() - begin
        self.build_busy = time.process_time() - busy
        self.queries = data.queries_for(self.codes, 1000)

    def goals(self, **by_size: tuple[float, float | None]) -> tuple[float | None, float | None]:
        """Return goal and aim for this size."""
        return by_size.get(f"m{self.rows // 1_000_000}", (None, None))

    def against_faiss(
        self,
        what: str,
        index: Index,
        flat: faiss.IndexBinaryFlat,
        queries: data.Codes,
        goals: dict[str, tuple[float | None, float | None]],
    ) -> Iterator[Line]:
        """Compare single queries, eight orientations and a batch with FAISS."""
        few = 4 if self.rows > 2_000_000 else 16
        eights = [np.ascontiguousarray(queries[at : at + 8]) for at in range(0, 200, 8)]
        timed = interleave(
            {
                "single": singles(index, queries[:200]),
                "eight": lambda: [index.search_radius(eight, RADIUS) for eight in eights],
                "batch": lambda: index.search_radius(queries, RADIUS),
                "faiss single": lambda: [
                    flat.range_search(queries[at : at + 1], RADIUS + 1) for at in range(few)
                ],
                "faiss eight": lambda: flat.range_search(eights[0], RADIUS + 1),
                "faiss batch": lambda: flat.range_search(queries[: 4 * few], RADIUS + 1),
            },
            rounds=self.rounds,
            least=0.01,
        )
        calls = {"single": 200, "eight": 25, "batch": 1000}
        faiss_calls = {"single": few, "eight": 1, "batch": 4 * few}
        labels = {
            "single": "single queries",
            "eight": "8 orientations of a query",
            "batch": "batch of 1,000, per query",
        }
        for name, label in labels.items():
            ours = per_call(timed[name], calls[name])
            theirs = per_call(timed[f"faiss {name}"], faiss_calls[name])
            figure = speedup(label, ours, theirs)
            goal, aim = goals.get(name, (None, None))
            note = (
                f"{ours.median * 1e6:,.1f} us against {theirs.median * 1e6:,.0f} us, "
                f"{figure.low:.0f}-{figure.high:.0f}"
            )
            yield Line(f"{self.name}{what}, {label}", figure.value, "x", goal, aim, note=note)

    def search(self) -> Iterator[Line]:
        """Uniform codes against FAISS."""
        goals = {
            "single": self.goals(m1=(15, 30), m10=(60, 120)),
            "eight": self.goals(m10=(50, 120)),
            "batch": self.goals(m10=(70, 150)),
        }
        yield from self.against_faiss("", self.index, flat_of(self.codes), self.queries, goals)

    def kinds(self) -> Iterator[Line]:
        """Clustered and skewed codes against FAISS; no goals are set, but no collapse."""
        for name, make in (("clustered", data.clustered), ("skewed", data.skewed)):
            codes = make(self.rows)
            like = make(1000, seed=99)
            index = indexes.create("auto", bits=data.BITS, codes=codes, radius=RADIUS)
            queries = data.queries_for(codes, 1000, like)
            found = len(index.search_radius(queries, RADIUS).rows)
            label = f", {name} ({found / 1000:.1f} found per query)"
            yield from self.against_faiss(label, index, flat_of(codes), queries, {})

    def scan(self) -> Iterator[Line]:
        """The native scan against FAISS, at several radii."""
        rows = min(self.rows, 1_000_000)
        codes = self.codes[:rows]
        scan, flat = indexes.create("scan", bits=256, codes=codes, radius=31), flat_of(codes)
        for radius in (0, 31, 64, 96, 104):
            timed = interleave(
                {
                    "scan": partial(scan.search_radius, self.queries, radius),
                    "faiss": partial(flat.range_search, self.queries[:50], radius + 1),
                },
                rounds=self.rounds,
                least=0.01,
            )
            ours, theirs = per_call(timed["scan"], 1000), per_call(timed["faiss"], 50)
            figure = speedup("scan", ours, theirs)
            yield Line(
                f"{rows / 1e6:g} M, native scan, batch of 1,000, radius {radius}",
                figure.value,
                "x",
                2.2,
                4,
                note=f"{ours.median * 1e6:,.0f} us against {theirs.median * 1e6:,.0f} us",
            )

    def build(self) -> Iterator[Line]:
        """Building, and the memory of what was built."""
        yield Line(
            f"{self.name}, build, one thread",
            self.rows / self.build_seconds / 1e6,
            "M hashes/s",
            1.2,
            3,
            note=f"{self.build_seconds:.2f} s, {self.build_busy:.2f} s of processor time",
        )
        held = sum(array.nbytes for array in self.index.arrays().values())
        goal, aim = self.goals(m10=(110, 80))
        yield Line(
            f"{self.name}, bytes per hash, codes and tables",
            held / self.rows,
            "bytes",
            goal,
            aim,
            below=True,
        )

    def threads(self) -> Iterator[Line]:
        """Two threads against one, on batches, and on queries one by one.

        Queries one by one are so short that threads mostly pass the interpreter to and fro.
        """
        halves = [np.tile(half, (4, 1)) for half in (self.queries[:500], self.queries[500:])]
        with ThreadPoolExecutor(2) as pool:
            timed = interleave(
                {
                    "one": lambda: [singles(self.index, half)() for half in halves],
                    "two": lambda: list(pool.map(lambda half: singles(self.index, half)(), halves)),
                    "one batch": lambda: [self.index.search_radius(h, RADIUS) for h in halves],
                    "two batches": lambda: list(
                        pool.map(lambda half: self.index.search_radius(half, RADIUS), halves)
                    ),
                },
                rounds=self.rounds,
            )
        batch = speedup("threads", timed["two batches"], timed["one batch"])
        goal, _ = self.goals(m10=(1.8, None))
        yield Line(f"{self.name}, 2 threads against 1, batches", batch.value, "x", goal)
        single = speedup("threads", timed["two"], timed["one"])
        yield Line(f"{self.name}, 2 threads against 1, single queries", single.value, "x")

    def snapshot(self) -> Iterator[Line]:
        """Publishing, opening, sharing and updating a snapshot."""
        root = Path(tempfile.mkdtemp(prefix="hashmatch-bench-"))
        try:
            begin = time.perf_counter()
            numbers = np.arange(self.rows, dtype=np.uint32)
            with SnapshotWriter(root, [{"name": "bench"}], {}) as writer:
                writer.add_entries(b'{"list":0,"id":"%d"}' % n for n in range(self.rows))
                writer.add_index("pdq", self.index, numbers, np.full(self.rows, 255, np.uint8))
                writer.publish()
            yield Line(
                f"{self.name}, publish, read back and checked", time.perf_counter() - begin, "s"
            )
            yield from self._processes(root)
            yield from self._updates(root)
        finally:
            shutil.rmtree(root)

    def _processes(self, root: Path) -> Iterator[Line]:
        command = [sys.executable, __file__, "--reader", str(root)]
        children = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        told = []
        for child in children:
            assert child.stdout is not None
            told.append(json.loads(child.stdout.readline()))
        # the second one is measured while both have everything mapped
        assert children[1].stdin is not None
        assert children[1].stdout is not None
        children[1].stdin.write("measure\n")
        children[1].stdin.flush()
        shared = json.loads(children[1].stdout.readline())
        for child in children:
            child.communicate()
        goal, aim = self.goals(m10=(100, 20))
        yield Line(
            f"{self.name}, open a snapshot",
            told[1]["open_ms"],
            "ms",
            goal,
            aim,
            below=True,
            note=f"first use of the index checks all of it: {told[1]['first_ms']:.0f} ms",
        )
        goal, aim = self.goals(m10=(110, 80))
        yield Line(
            f"{self.name}, resident bytes per hash of a process that read everything of the index",
            shared["mapped"] / self.rows,
            "bytes",
            goal,
            aim,
            below=True,
        )
        goal, _ = self.goals(m10=(5, None))
        yield Line(
            f"{self.name}, a second process adds",
            100 * shared["private"] / shared["mapped"],
            "%",
            goal,
            below=True,
            note=f"{shared['private'] / 1e6:.1f} MB of its own",
        )

    def _updates(self, root: Path) -> Iterator[Line]:
        writer = LiveWriter(root)
        fresh = data.uniform(20_000, seed=77)
        taken, slowest, usual = [], [], []
        with Snapshot.open(root) as reader:
            reader.index("pdq").search_radius(self.queries, RADIUS)
            stop = threading.Event()
            waits: list[float] = []

            def ask() -> None:
                at = 0
                while not stop.is_set():
                    begin = time.perf_counter()
                    reader.index("pdq").search_radius(self.queries[at : at + 1], RADIUS)
                    waits.append(time.perf_counter() - begin)
                    at = (at + 1) % 1000

            asking = threading.Thread(target=ask)
            for turn in range(10):
                codes = fresh[turn * 1000 : turn * 1000 + 1000]
                inserts = [
                    Insert({"list": 0, "id": f"n{n}"}, (HashValue("pdq", code.tobytes(), 80),))
                    for n, code in enumerate(codes)
                ]
                if turn == 5:
                    asking.start()
                waits.clear()
                begin = time.perf_counter()
                writer.apply(inserts)
                found = reader.index("pdq").search_radius(codes[-1:], 0)
                if turn < 5:
                    taken.append(time.perf_counter() - begin)
                else:
                    slowest.append(max(waits))
                    usual.append(sorted(waits)[len(waits) // 2])
                assert len(found.rows) == 1
            stop.set()
            asking.join()
        goal, _ = self.goals(m10=(50, None))
        yield Line(
            f"{self.name}, insert 1,000, until another reader finds them",
            sorted(taken)[2] * 1e3,
            "ms",
            goal,
            below=True,
            note="on disk before it counts",
        )
        yield Line(
            f"{self.name}, slowest query of a thread that asks meanwhile",
            sorted(slowest)[2] * 1e3,
            "ms",
            note=f"usual one {sorted(usual)[2] * 1e6:.0f} us; it shares the interpreter",
        )

    def values(self) -> Iterator[Line]:
        """Exact values: building and looking up."""
        rows = self.rows * 10 if self.rows == SIZES["large"] else self.rows
        digests = np.random.default_rng(6).integers(0, 256, (rows, 16), np.uint8)
        begin = time.perf_counter()
        sorter = ValueSorter(digests, np.arange(rows, dtype=np.uint32))
        values, entries, at = np.empty_like(digests), np.empty(rows, np.uint32), 0
        for some, numbers in sorter.chunks():
            values[at : at + len(some)], entries[at : at + len(some)] = some, numbers
            at += len(some)
        seconds = time.perf_counter() - begin
        name = f"{rows / 1e6:g} M MD5 values"
        yield Line(f"{name}, sort", rows / seconds / 1e6, "M values/s", note=f"{seconds:.1f} s")
        index = ValueIndex(128, values, entries, sorter.prefixes, sorter.prefix_bits)
        asked = digests[np.random.default_rng(7).integers(0, rows, 20_000)]
        asked[::2, 5] ^= 1
        timed = interleave(
            {
                "batch": lambda: index.find(asked),
                "one": lambda: [index.find(asked[n : n + 1]) for n in range(500)],
            },
            rounds=self.rounds,
        )
        batch, one = timed["batch"].median / len(asked), timed["one"].median / 500
        yield Line(f"{name}, lookup in a batch", batch * 1e6, "us", 1, below=True)
        yield Line(f"{name}, lookup by itself, from Python", one * 1e6, "us", below=True)
        yield Line(
            f"{name}, bytes per value, entry and table",
            (values.nbytes + entries.nbytes + sorter.prefixes.nbytes) / rows,
            "bytes",
        )


def growth(rounds: int) -> Iterator[Line]:
    """How the time of a query grows with the number of codes.

    The sizes cannot be interleaved, so processor time is taken, which other work on the machine
    disturbs less.
    """
    times = []
    for rows in SIZES.values():
        codes = data.uniform(rows)
        index = indexes.create("auto", bits=data.BITS, codes=codes, radius=RADIUS)
        queries = data.queries_for(codes, 400)
        search = singles(index, queries)
        search()
        taken = []
        for _ in range(rounds):
            begin = time.process_time()
            search()
            taken.append((time.process_time() - begin) / len(queries))
        times.append(statistics.median(taken))
        del codes, index
    rows_apart = math.log(SIZES["huge"] / SIZES["small"])
    slope = math.log(times[-1] / times[0]) / rows_apart
    note = ", ".join(
        f"{rows / 1e6:g} M {seconds * 1e6:.1f} us"
        for rows, seconds in zip(SIZES.values(), times, strict=True)
    )
    yield Line("growth from 1 M to 30 M, slope", slope, "", 0.65, 0.5, below=True, note=note)


def reader(root: Path) -> None:
    """Be a process that has a snapshot open: say how long it took, then how much is its own."""
    Snapshot.open(root).close()  # what Python loads once
    before = memory()
    openings = []
    for _ in range(7):
        begin = time.perf_counter()
        snapshot = Snapshot.open(root)
        openings.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    index = snapshot.index("pdq")
    first = time.perf_counter() - begin
    index.search_radius(data.uniform(2000, seed=8), RADIUS)
    print(json.dumps({"open_ms": sorted(openings)[3] * 1e3, "first_ms": first * 1e3}), flush=True)
    if sys.stdin.readline().strip() == "measure":
        now = memory()
        private = now["private"] - before["private"]
        print(json.dumps({"private": private, "mapped": now["mapped"]}), flush=True)
    sys.stdin.read()


def memory() -> dict[str, int]:
    """Return the bytes of this process's own memory, and of snapshot files it has in memory."""
    mapped = private = 0
    in_snapshot = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        word, *rest = line.split()
        if not word.endswith(":"):
            in_snapshot = bool(rest) and rest[-1].endswith(".arr")
        elif word == "Rss:" and in_snapshot:
            mapped += int(rest[0]) * 1024
        elif word in ("Private_Dirty:", "Private_Clean:"):
            private += int(rest[0]) * 1024
    return {"mapped": mapped, "private": private}


PARTS = ("build", "search", "kinds", "scan", "threads", "snapshot", "values", "growth")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds, and a tenth of the rows"
    )
    parser.add_argument("--reader", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.reader:
        reader(arguments.reader)
        return
    faiss.omp_set_num_threads(1)
    rounds = 3 if arguments.quick else 7
    rows = SIZES[arguments.size] // (10 if arguments.quick else 1)
    lines: list[Line] = []
    if set(arguments.only) - {"growth"}:
        bench = Bench(rows, rounds)
        for part in PARTS[:-1]:
            if part in arguments.only:
                lines += getattr(bench, part)()
    if "growth" in arguments.only and not arguments.quick:
        lines += growth(rounds)
    if arguments.json:
        shaped = [{**asdict(line), "reached": line.met(line.goal)} for line in lines]
        json.dump(
            {"machine": machine(), "load": os.getloadavg(), "figures": shaped}, sys.stdout, indent=2
        )
        print()
        return
    facts = machine()
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{facts['processor']}, {facts['cores']} cores, SIMD {facts['simd']}, {load}")
    print(", ".join(f"{name} {found}" for name, found in facts["versions"].items()))
    width = max(len(line.what) for line in lines)
    words = {None: "", True: "reached", False: "MISSED"}
    for line in lines:
        sign = "<=" if line.below else ">="
        goal = (
            "" if line.goal is None else f"goal {sign} {line.goal:g} {words[line.met(line.goal)]}"
        )
        aim = "" if line.aim is None else f", aim {line.aim:g} {words[line.met(line.aim)]}"
        print(f"{line.what:<{width}}  {line.value:>9,.2f} {line.unit:<10} {goal}{aim}  {line.note}")


if __name__ == "__main__":
    main()
