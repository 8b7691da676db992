"""Does ``hashmatch bench compare`` deserve to be believed: planted slowdowns, and none.

Runs the same code again and again and compares each run with the one before: none may be taken
for a regression. Then makes one kernel 20 % slower, by letting it idle for a fifth of its own
time after each call, and compares that with a run of the untouched code: every one must be seen.

Usage: python -m bench.selftest [--runs 10] [--json] [--quick]
"""

from __future__ import annotations

import argparse
import sys

from bench.compare import DEFAULT_LIMIT, compare
from bench.harness import measured, report
from bench.regression import PASSES, run
from bench.results import Results

FIGURES = ("bench.planted", "bench.same-code")
SLOWDOWN = 1.2
# kernel to slow down -> how the names of its benchmarks begin, one of which has to tell
PLANTS = {
    "hashmatch._ext._pdq:downsample": "test_pdq_downsample[",
    "hashmatch._ext._scan:search_radius": "test_batch[10000-scan-",
    "hashmatch._ext._mih:search_radius": "test_batch[10000-mih-",
}
FILES = ("bench/test_kernels.py", "bench/test_indexes.py")
SECONDS = 0.1
ONLY = "test_pdq_downsample or (test_batch and (scan or mih))"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="two runs, one planted slowdown")
    chosen = parser.parse_args()
    runs, plants = (2, dict([*PLANTS.items()][:1])) if chosen.quick else (chosen.runs, PLANTS)

    def measure(plant: str = "") -> Results:
        return run("small", PASSES, ONLY, SECONDS, files=FILES, plant=plant)

    earlier = measure()
    wrong, seen = 0, 0
    told: dict[str, str] = {}
    for number in range(runs):
        print(f"same code, run {number + 1} of {runs}", file=sys.stderr)
        later = measure()
        found = compare(earlier, later, DEFAULT_LIMIT)
        wrong += bool(found.regressed)
        told[f"same code, run {number + 1}"] = ", ".join(
            [found.summary, *(change.name for change in found.regressed)]
        )
        earlier = later
    for kernel, begin in plants.items():
        print(f"planted in {kernel}", file=sys.stderr)
        slow = measure(f"{kernel}={SLOWDOWN}")
        found = compare(earlier, slow, DEFAULT_LIMIT)
        regressed = [change.name for change in found.regressed]
        seen += any(name.startswith(begin) for name in regressed)
        told[f"20 % slower {kernel}"] = ", ".join([found.summary, *regressed])
    figures = [
        measured(f"runs of the same code taken for a regression, of {runs}", [wrong], "failures",
                 0, name="bench.same-code"),
        measured(f"planted slowdowns of 20 % that are seen, of {len(plants)}",
                 [100 * seen / len(plants)], "%", 100, below=False, name="bench.planted"),
    ]  # fmt: skip
    notes = {"limit": f"{DEFAULT_LIMIT:g} %", "benchmarks": ONLY, **told}
    report("Whether compare is to be believed", figures, notes, chosen.json)


if __name__ == "__main__":
    main()
