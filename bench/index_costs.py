"""Measure the constants of ``hashmatch.indexes.costs`` on this machine.

Times are processor time, so that other work on the machine disturbs them little. Each constant is
fitted from searches in which it dominates; the last table holds what the model says against what
was measured.

Usage: python -m bench.index_costs [--rows N]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from hashmatch.indexes import costs
from hashmatch.indexes.mih import MihIndex
from hashmatch.indexes.native import scan_radius


def nanoseconds(call: Callable[[], object], rounds: int = 5) -> float:
    """Return the least processor time of a call."""
    call()
    least = float("inf")
    for _ in range(rounds):
        begin = time.process_time_ns()
        call()
        least = min(least, float(time.process_time_ns() - begin))
    return least


def main() -> None:
    """Print the constants, and the model against the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=10_000_000)
    rows = int(parser.parse_args().rows)
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 256, (rows, 32), np.uint8)
    queries = rng.integers(0, 256, (500, 32), np.uint8)
    small = codes[:1000]

    print(f"SCAN_CALL      {nanoseconds(lambda: scan_radius(small[:1], queries[:1], 31)):10.1f}")
    single = nanoseconds(lambda: scan_radius(codes, queries[:1], 31))
    print(f"SCAN_BYTE      {single / codes.size:10.4f}")
    part = codes[:1_000_000]
    for radius, words in ((31, 3), (64, 6), (110, 8)):
        batch = nanoseconds(partial(scan_radius, part, queries, radius), 2)
        print(f"SCAN_WORD      {batch / len(queries) / len(part) / words:10.4f}  radius {radius}")

    index = MihIndex.build("mih", codes, bits=256, radius=31)

    def search(radius: int, count: int) -> float:
        asked = queries[:count]
        return nanoseconds(lambda: index._search_base(asked, radius), 3) / count

    tiny = MihIndex.build("mih", small, bits=256, radius=31)
    print(f"MIH_CALL       {nanoseconds(lambda: tiny._search_base(queries[:1], 0)):10.1f}")
    asked = (15, 23, 31, 39, 47, 55, 63)
    work = np.array([costs.mih_work(16, radius) for radius in asked]) * [1, rows, rows]
    taken = np.array([search(radius, 100) for radius in asked])
    weights = 1 / taken
    fitted, *_ = np.linalg.lstsq(work * weights[:, None], taken * weights, rcond=None)
    for name, value in zip(("MIH_BUCKET", "MIH_TAG", "MIH_CANDIDATE"), fitted, strict=True):
        print(f"{name:<14} {value:10.4f}")
    print("\nradius   measured us   model us   scan model us (one query, batch)")
    for radius, measured in zip(asked, taken, strict=True):
        model = costs.mih_cost(rows, 16, radius, 100)
        alone, batch = (costs.scan_cost(rows, 32, radius, count) for count in (1, 100))
        print(
            f"{radius:>6} {measured / 1e3:>13.1f} {model / 1e3:>10.1f} "
            f"{alone / 1e3:>10.1f} {batch / 1e3:>10.1f}"
        )


if __name__ == "__main__":
    main()
