"""How search and build grow: with the number of hashes, the radius, the batch and the threads.

Goes from 10^4 hashes as far as memory allows, at most to 10^8, fits the exponent of time per
query on log-log axes, and does the same for lists that are clustered or have skewed bits.

Usage: python -m bench.growth [--json] [--quick] [--most ROWS]
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from bench.codes import SHAPES, Codes, codes, queries
from bench.harness import Figure, interleave, measured, report, speedup
from bench.plots import Plot, Series
from hashmatch import indexes
from hashmatch.indexes import Index

FIGURES = ("search.growth", "search.clustered", "search.skewed")
RADIUS = 31
STEPS = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000,
         100_000_000)  # fmt: skip
RADII = (0, 7, 15, 23, 31, 39, 47, 63, 80, 100)
BATCHES = (1, 8, 64, 512)
FAISS = "FAISS Flat"
FROM = 1_000_000
"""The exponent is fitted from so many hashes on."""
BYTES_A_HASH = 110
"""What a hash needs while it is measured: 94 for code and tables, measured, and room to work."""


@dataclass(slots=True)
class Curve:
    """Values of several rounds at each point of an axis.

    Parameters
    ----------
    x : list of float
    rounds : list of list of float
        For each point its rounds.
    """

    x: list[float] = field(default_factory=list)
    rounds: list[list[float]] = field(default_factory=list)

    def add(self, x: float, rounds: Sequence[float]) -> None:
        """Append a point."""
        self.x.append(x)
        self.rounds.append(list(rounds))

    def series(self, label: str) -> Series:
        """Return it with its median and spread."""
        return Series(
            label,
            tuple(self.x),
            tuple(float(np.median(values)) for values in self.rounds),
            tuple(min(values) for values in self.rounds),
            tuple(max(values) for values in self.rounds),
        )

    def slopes(self, start: float) -> list[float]:
        """Return the exponent of each round's power law, fitted from ``start`` on."""
        chosen = [k for k, x in enumerate(self.x) if x >= start]
        if len(chosen) < 2:  # small runs: over what there is
            chosen = list(range(len(self.x)))
        rounds = min(len(self.rounds[k]) for k in chosen)
        return [
            exponent([self.x[k] for k in chosen], [self.rounds[k][number] for k in chosen])
            for number in range(rounds)
        ]


def exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """Return ``b`` of the power law ``y = a * x**b`` nearest to the points on log-log axes."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def affordable(most: int) -> list[int]:
    """Return the numbers of hashes that fit into two thirds of the free memory."""
    return [rows for rows in STEPS if rows <= most and rows * BYTES_A_HASH <= _free() * 2 / 3]


def _free() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux: what every machine has
        return 4 << 30
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))


@dataclass(slots=True)
class Growth:
    """Everything this suite measures, by label."""

    by_rows: dict[str, Curve] = field(default_factory=dict)
    by_radius: dict[str, Curve] = field(default_factory=dict)
    by_batch: dict[str, Curve] = field(default_factory=dict)
    build: Curve = field(default_factory=Curve)
    held: Curve = field(default_factory=Curve)
    threads: Figure | None = None
    shapes: list[Figure] = field(default_factory=list)


def single(index: Index, asked: Codes, radius: int = RADIUS) -> Callable[[], object]:
    """Return a call that searches for each query by itself."""
    return lambda: [index.search_radius(query[None], radius) for query in asked]


def flat_single(flat: Any, asked: Codes, radius: int = RADIUS) -> Callable[[], object]:
    """Return a call that lets FAISS do the same."""
    return lambda: [flat.range_search(query[None], radius + 1) for query in asked]


def flat_of(known: Codes) -> Any:
    """Return FAISS's exact index over hashes."""
    flat = faiss.IndexBinaryFlat(8 * known.shape[1])
    flat.add(known)
    return flat


def grow(sizes: Sequence[int], shape: str, found: Growth, rounds: int) -> None:
    """Measure time per query, and for uniform lists build and memory, at each size."""
    for rows in sizes:
        _tell(f"{rows:,} {shape} hashes")
        known = codes(rows, shape)
        asked = queries(known, 32 if rows >= FROM else 128, RADIUS, shape=shape)
        begin = time.process_time()
        index = indexes.create("auto", bits=256, codes=known, radius=RADIUS)
        built = time.process_time() - begin
        calls = {f"auto, {shape}": single(index, asked)}
        if shape == "uniform":
            found.build.add(rows, [rows / built])
            held = sum(np.asarray(array).nbytes for array in index.arrays().values())
            found.held.add(rows, [held / rows])
            scan = indexes.create("scan", bits=256, codes=known, radius=RADIUS)
            calls["scan"] = single(scan, asked[:8])
            if rows <= 10_000_000:  # beyond, only time passes
                calls[FAISS] = flat_single(flat_of(known), asked[:8])
        times = interleave(calls, rounds=rounds, least=0.05, clock=time.process_time)
        for label, timing in times.items():
            per = len(asked) if label.startswith("auto") else 8
            curve = found.by_rows.setdefault(label, Curve())
            curve.add(rows, [1e6 * seconds / per for seconds in timing.seconds])
        del known, asked, index, calls
        gc.collect()


def sweep(rows: int, found: Growth, rounds: int) -> None:
    """Measure over radius, batch, threads and kinds of list at one size."""
    known = codes(rows)
    asked = queries(known, max(BATCHES), RADIUS)
    index = indexes.create("auto", bits=256, codes=known, radius=RADIUS)
    flat = flat_of(known)
    for radius in RADII:
        _tell(f"radius {radius}")
        few = queries(known, 8, radius)
        _add(found.by_radius, radius, {"auto": single(index, few, radius),
             FAISS: flat_single(flat, few, radius)}, len(few), rounds)  # fmt: skip
    for batch in BATCHES:
        _tell(f"batch of {batch}")
        some = asked[:batch]
        _add(found.by_batch, batch, {
            "auto": lambda some=some: index.search_radius(some, RADIUS),
            FAISS: lambda some=some: flat.range_search(some, RADIUS + 1),
        }, batch, rounds)  # fmt: skip
    _tell("threads")
    parts = np.array_split(asked, 16)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two:
        times = interleave(
            {
                "two": lambda: list(two.map(lambda q: index.search_radius(q, RADIUS), parts)),
                "one": lambda: list(one.map(lambda q: index.search_radius(q, RADIUS), parts)),
            },
            rounds=rounds,
        )
    found.threads = speedup(f"{rows:,} hashes, 2 threads against 1", times["two"], times["one"],
                            name="growth.threads")  # fmt: skip
    for shape in SHAPES[1:]:
        _tell(f"{shape} list")
        known = codes(rows, shape)
        few = queries(known, 16, RADIUS, shape=shape)
        index = indexes.create("auto", bits=256, codes=known, radius=RADIUS)
        times = interleave(
            {"ours": single(index, few), "theirs": flat_single(flat_of(known), few)}, rounds=rounds
        )
        found.shapes.append(
            speedup(f"{rows:,} hashes, {shape}, single queries, against FAISS Flat",
                    times["ours"], times["theirs"], name=f"search.{shape}")
        )  # fmt: skip


def _add(curves: dict[str, Curve], x: float, calls: dict[str, Any], per: int, rounds: int) -> None:
    for label, timing in interleave(calls, rounds=rounds, least=0.02).items():
        curve = curves.setdefault(label, Curve())
        curve.add(x, [1e6 * seconds / per for seconds in timing.seconds])


def fitted_from(sizes: Sequence[int]) -> int:
    """Return from how many hashes on the exponents are fitted; in small runs over all there is."""
    return FROM if sum(rows >= FROM for rows in sizes) >= 2 else sizes[0]


def figures(found: Growth, sizes: Sequence[int]) -> list[Figure]:
    """Return the figures."""
    made = []
    start = fitted_from(sizes)
    for label, curve in found.by_rows.items():
        uniform = label == "auto, uniform"
        made.append(
            measured(
                f"{label}: slope of time per query from {start:,} to {curve.x[-1]:,.0f} hashes",
                curve.slopes(start), "slope", 0.65 if uniform else None,
                name="search.growth" if uniform else f"growth.{label}",
            )
        )  # fmt: skip
    for label, curve in found.by_rows.items():
        made.append(measured(f"{label}: time per query at {curve.x[-1]:,.0f} hashes",
                             curve.rounds[-1], "us", name=f"growth.{label}.time"))  # fmt: skip
    made += found.shapes
    if found.threads is not None:
        made.append(found.threads)
    made.append(measured(f"build of {found.build.x[-1]:,.0f} hashes", found.build.rounds[-1],
                         "hashes/s", below=False, name="growth.build"))  # fmt: skip
    made.append(measured(f"bytes a hash in the arrays of {found.held.x[-1]:,.0f} hashes",
                         found.held.rounds[-1], "B", name="growth.bytes"))  # fmt: skip
    return made


def plots(found: Growth, sizes: Sequence[int], rows: int) -> list[Plot]:
    """Return the curves, those over the number of hashes with their exponents."""
    start = fitted_from(sizes)
    return [
        Plot("growth-rows", "Time per query as the list grows (radius 31, single queries)",
             "hashes", "microseconds", "log-log",
             tuple(curve.series(f"{label} (N^{np.median(curve.slopes(start)):.2f})")
                   for label, curve in found.by_rows.items())),
        Plot("growth-radius", f"Time per query by radius ({rows:,} hashes)", "radius (bits)",
             "microseconds (log scale)", "log-y",
             tuple(curve.series(label) for label, curve in found.by_radius.items())),
        Plot("growth-batch", f"Time per query by batch ({rows:,} hashes, radius 31)",
             "queries in a batch", "microseconds", "log-log",
             tuple(curve.series(label) for label, curve in found.by_batch.items())),
        Plot("growth-memory", "Bytes per hash in the index's arrays, codes included", "hashes",
             "bytes per hash", "log-x", (found.held.series("auto"),), (110.0, 80.0)),
    ]  # fmt: skip


def _tell(what: str) -> None:
    print(f"growth: {what}", file=sys.stderr)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="at most 300,000 hashes")
    parser.add_argument("--most", type=float, default=1e8, help="at most so many hashes")
    chosen = parser.parse_args()
    faiss.omp_set_num_threads(1)
    sizes = affordable(300_000 if chosen.quick else int(chosen.most))
    rounds = 3 if chosen.quick else 5
    rows = 100_000 if chosen.quick else 1_000_000
    found = Growth()
    grow(sizes, "uniform", found, rounds)
    for shape in SHAPES[1:]:
        grow([size for size in sizes if size <= 10 * rows], shape, found, rounds)
    sweep(rows, found, rounds)
    notes = {
        "clock": "processor time where sizes are compared, because sizes cannot take turns",
        "queries": "half planted at a distance of 0 to 31 bits, half random; one thread",
        "lists": "uniform random; clustered, 50 rows within about 24 bits of each other; skewed, "
        "a bit's share of ones from 20 % to 80 %",
        "largest": f"{sizes[-1]:,} hashes, by the memory that was free",
        "seed": "1 (hashes), 2 (queries)",
    }
    report("How search and build grow", figures(found, sizes), notes, chosen.json,
           plots(found, sizes, rows))  # fmt: skip


if __name__ == "__main__":
    main()
