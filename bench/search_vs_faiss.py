"""Search, snapshots and live updates at full size, against FAISS where FAISS has the like.

256-bit codes, radius 31, one thread on either side, half of the queries planted 0 to 31 bits from
a code and half random; FAISS's IndexBinaryFlat runs in the same rounds. Every figure is printed
with its goal and whether it was reached.

Usage: python -m bench.search_vs_faiss [--size small|large|huge] [--only PART ...] [--json]
       [--quick]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import faiss
import numpy as np

from bench.codes import BITS, SHAPES, Codes, codes, queries
from bench.figures import find
from bench.harness import ROOT, Figure, Timing, interleave, measured, report, speedup
from hashmatch import indexes
from hashmatch.indexes.contract import Index
from hashmatch.indexes.live_writer import Insert, LiveWriter
from hashmatch.indexes.snapshot import Snapshot, SnapshotWriter
from hashmatch.indexes.values import ValueIndex, ValueSorter
from hashmatch.types import HashValue

RADIUS = 31
SIZES = {"small": 1_000_000, "large": 10_000_000, "huge": 30_000_000}


# the promised figures, by how their lines begin
NAMES = {
    "1 M, single queries": "search.1m-single",
    "10 M, single queries": "search.10m-single",
    "10 M, 8 orientations of a query": "search.10m-orientations",
    "10 M, batch of 1,000": "search.10m-batch",
    "1 M, native scan, batch of 1,000, worst radius": "search.scan-batch",
    "10 M, build, one thread": "search.build",
    "10 M, resident bytes per hash": "search.bytes-per-hash",
    "10 M, open a snapshot": "search.open",
    "10 M, a second process adds": "search.second-process",
    "10 M, 2 threads against 1, batches": "search.threads",
    "10 M, insert 1,000": "search.insert",
}
FIGURES = tuple(NAMES.values())


def line(
    what: str,
    value: float | Figure,
    unit: str = "x",
    goal: float | None = None,
    *,
    below: bool = False,
    note: str = "",
) -> Figure:
    """Return one figure under its promised name and goal, or under its own words."""
    name = next((name for begin, name in NAMES.items() if what.startswith(begin)), what)
    if (promise := find(name)) is not None:
        goal, below = promise.must, promise.below
    if isinstance(value, Figure):
        return replace(value, what=what, goal=goal, name=name, note=note)
    return measured(what, [value], unit, goal, below=below, name=name, note=note)


def per_call(timing: Timing, calls: int) -> Timing:
    """Return the times of one call of a candidate that makes several."""
    return Timing(timing.name, tuple(seconds / calls for seconds in timing.seconds))


def flat_of(known: Codes) -> faiss.IndexBinaryFlat:
    """Return FAISS's exhaustive index."""
    flat = faiss.IndexBinaryFlat(BITS)
    flat.add(known)
    return flat


def singles(index: Index, queries: Codes) -> Callable[[], None]:
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
        self.codes = codes(rows)
        begin, busy = time.perf_counter(), time.process_time()
        self.index = indexes.create("auto", bits=BITS, codes=self.codes, radius=RADIUS)
        self.build_seconds = time.perf_counter() - begin
        self.build_busy = time.process_time() - busy
        self.queries = queries(self.codes, 1000)

    def against_faiss(
        self,
        what: str,
        index: Index,
        flat: faiss.IndexBinaryFlat,
        queries: Codes,
    ) -> Iterator[Figure]:
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
            yield line(f"{self.name}{what}, {label}", figure)

    def search(self) -> Iterator[Figure]:
        """Uniform codes against FAISS."""
        yield from self.against_faiss("", self.index, flat_of(self.codes), self.queries)

    def kinds(self) -> Iterator[Figure]:
        """Clustered and skewed codes against FAISS; no goals are set, but no collapse."""
        for shape in SHAPES[1:]:
            known = codes(self.rows, shape)
            index = indexes.create("auto", bits=BITS, codes=known, radius=RADIUS)
            asked = queries(known, 1000, shape=shape)
            found = len(index.search_radius(asked, RADIUS).rows)
            label = f", {shape} ({found / 1000:.1f} found per query)"
            yield from self.against_faiss(label, index, flat_of(known), asked)

    def scan(self) -> Iterator[Figure]:
        """The native scan against FAISS, at several radii."""
        rows = min(self.rows, 1_000_000)
        known = self.codes[:rows]
        scan, flat = indexes.create("scan", bits=BITS, codes=known, radius=31), flat_of(known)
        by_radius = {}
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
            by_radius[radius] = speedup("scan", ours, theirs)
        what = f"{rows / 1e6:g} M, native scan, batch of 1,000"
        worst = min(by_radius, key=lambda radius: by_radius[radius].value)
        yield line(f"{what}, worst radius", by_radius[worst], note=f"radius {worst}")
        for radius, figure in by_radius.items():
            yield line(f"{what}, radius {radius}", figure, goal=2.2)

    def build(self) -> Iterator[Figure]:
        """Building, and the memory of what was built."""
        yield line(
            f"{self.name}, build, one thread",
            self.rows / self.build_seconds / 1e6,
            "M hashes/s",
            note=f"{self.build_seconds:.2f} s, {self.build_busy:.2f} s of processor time",
        )
        held = sum(array.nbytes for array in self.index.arrays().values())
        yield line(
            f"{self.name}, bytes per hash, codes and tables",
            held / self.rows,
            "B",
            below=True,
        )

    def threads(self) -> Iterator[Figure]:
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
        yield line(f"{self.name}, 2 threads against 1, batches", batch)
        single = speedup("threads", timed["two"], timed["one"])
        yield line(f"{self.name}, 2 threads against 1, single queries", single)

    def snapshot(self) -> Iterator[Figure]:
        """Publishing, opening, sharing and updating a snapshot."""
        root = Path(tempfile.mkdtemp(prefix="hashmatch-bench-"))
        try:
            begin = time.perf_counter()
            numbers = np.arange(self.rows, dtype=np.uint32)
            with SnapshotWriter(root, [{"name": "bench"}], {}) as writer:
                writer.add_entries(b'{"list":0,"id":"%d"}' % n for n in range(self.rows))
                writer.add_index("pdq", self.index, numbers, np.full(self.rows, 255, np.uint8))
                writer.publish()
            yield line(
                f"{self.name}, publish, read back and checked", time.perf_counter() - begin, "s"
            )
            yield from self._processes(root)
            yield from self._updates(root)
        finally:
            shutil.rmtree(root)

    def _processes(self, root: Path) -> Iterator[Figure]:
        command = [sys.executable, "-m", "bench.search_vs_faiss", "--reader", str(root)]
        children = [
            subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
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
        yield line(
            f"{self.name}, open a snapshot",
            told[1]["open_ms"],
            "ms",
            below=True,
            note=f"first use of the index checks all of it: {told[1]['first_ms']:.0f} ms",
        )
        yield line(
            f"{self.name}, resident bytes per hash of a process that read everything of the index",
            shared["mapped"] / self.rows,
            "B",
            below=True,
        )
        yield line(
            f"{self.name}, a second process adds",
            100 * shared["private"] / shared["mapped"],
            "%",
            below=True,
            note=f"{shared['private'] / 1e6:.1f} MB of its own",
        )

    def _updates(self, root: Path) -> Iterator[Figure]:
        writer = LiveWriter(root)
        fresh = codes(20_000, seed=77)
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
                added = fresh[turn * 1000 : turn * 1000 + 1000]
                inserts = [
                    Insert({"list": 0, "id": f"n{n}"}, (HashValue("pdq", code.tobytes(), 80),))
                    for n, code in enumerate(added)
                ]
                if turn == 5:
                    asking.start()
                waits.clear()
                begin = time.perf_counter()
                writer.apply(inserts)
                found = reader.index("pdq").search_radius(added[-1:], 0)
                if turn < 5:
                    taken.append(time.perf_counter() - begin)
                else:
                    slowest.append(max(waits))
                    usual.append(sorted(waits)[len(waits) // 2])
                assert len(found.rows) == 1
            stop.set()
            asking.join()
        yield line(
            f"{self.name}, insert 1,000, until another reader finds them",
            sorted(taken)[2] * 1e3,
            "ms",
            below=True,
            note="on disk before it counts",
        )
        yield line(
            f"{self.name}, slowest query of a thread that asks meanwhile",
            sorted(slowest)[2] * 1e3,
            "ms",
            note=f"usual one {sorted(usual)[2] * 1e6:.0f} us; it shares the interpreter",
        )

    def values(self) -> Iterator[Figure]:
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
        yield line(f"{name}, sort", rows / seconds / 1e6, "M values/s", note=f"{seconds:.1f} s")
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
        yield line(f"{name}, lookup in a batch", batch * 1e6, "us", 1, below=True)
        yield line(f"{name}, lookup by itself, from Python", one * 1e6, "us", below=True)
        yield line(
            f"{name}, bytes per value, entry and table",
            (values.nbytes + entries.nbytes + sorter.prefixes.nbytes) / rows,
            "B",
        )


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
    index.search_radius(codes(2000, seed=8), RADIUS)
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


PARTS = ("build", "search", "kinds", "scan", "threads", "snapshot", "values")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, help="all parts at one size")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--json", action="store_true", help="print JSON")
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
    # unless told otherwise what is promised: two figures at 1 M, everything at 10 M
    sizes = {arguments.size: PARTS} if arguments.size else {"small": PARTS[1:2], "large": PARTS}
    figures: list[Figure] = []
    for size, parts in sizes.items():
        bench = Bench(SIZES[size] // (10 if arguments.quick else 1), rounds)
        for part in parts:
            if part in arguments.only:
                print(f"{bench.name}: {part}", file=sys.stderr)
                figures += getattr(bench, part)()
    notes = {
        "queries": "half of them planted 0 to 31 bits from a row, half strangers; radius 31",
        "threads": "one on either side, where nothing else is said",
        "seed": "1 (hashes), 2 (queries)",
    }
    report("Searching against FAISS", figures, notes, arguments.json)


if __name__ == "__main__":
    main()
