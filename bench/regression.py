"""The regression suite in passes: every benchmark in turn, then all of them again.

A machine has slow minutes. So each pass measures everything once, with a yardstick beside each
time, and the spread between passes is what ``hashmatch bench compare`` takes for noise.

Usage: python -m bench.regression [--size small] [--passes 5] [--only EXPRESSION] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.harness import ROOT, report
from bench.results import Results, from_pytest
from bench.run import ONE_THREAD

SIZES = ("small", "medium", "large")
PASSES, SECONDS = 9, 0.1
# every pass is a process; most of its start would be plugins that no benchmark uses
PLUGINS = ("-p", "pytest_benchmark.plugin", "-p", "pytest_timeout", "-p", "no:cacheprovider")


def run(
    size: str,
    passes: int = PASSES,
    only: str = "",
    seconds: float = SECONDS,
    *,
    files: Sequence[str] = ("bench",),
    plant: str = "",
) -> Results:
    """Run the suite and put its passes together.

    Parameters
    ----------
    size : str
    passes : int
    only : str
        Which benchmarks, as pytest's ``-k`` takes it; all if empty.
    seconds : float
        How long each is measured in each pass.
    files : sequence of str
        Where the benchmarks are.
    plant : str
        A kernel to slow down and by how much, as ``--plant`` of ``bench/conftest.py`` takes it.

    Raises
    ------
    SystemExit
        If a benchmark failed: a wrong answer has no speed.
    """
    shapes: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="hashmatch-regression-") as folder:
        for number in range(passes):
            path = Path(folder) / f"{number}.json"
            print(f"pass {number + 1} of {passes}", file=sys.stderr)
            done = subprocess.run(
                [
                    sys.executable, "-m", "pytest", *files, *PLUGINS, "--quiet", "--no-header",
                    "--benchmark-enable", f"--benchmark-json={path}", "--benchmark-disable-gc",
                    # other work on the machine takes turns, which processor time does not count;
                    # benchmarks of threads and of the disk name the clock on the wall themselves
                    "--benchmark-timer=time.process_time",
                    f"--benchmark-max-time={seconds}", "--benchmark-min-rounds=5",
                    "--benchmark-quiet", f"--size={size}", f"--basetemp={folder}/pytest",
                    "--timeout=1800", *(["-k", only] if only else []),
                    *([f"--plant={plant}"] if plant else []),
                ],
                cwd=ROOT, env={**os.environ, **ONE_THREAD, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                sys.exit(f"a benchmark failed:\n{done.stdout}{done.stderr}")
            shapes.append(json.loads(path.read_text(encoding="utf-8")))
    return from_pytest("regression", shapes)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--passes", type=int, default=PASSES)
    parser.add_argument("--only", default="", metavar="EXPRESSION", help="as pytest -k takes it")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="one short pass")
    chosen = parser.parse_args()
    passes, seconds = (1, 0.05) if chosen.quick else (chosen.passes, SECONDS)
    found = run(chosen.size, passes, chosen.only, seconds)
    notes = {"size": chosen.size, **found.notes}
    report("Regression suite", found.figures, notes, chosen.json, more=found.more)


if __name__ == "__main__":
    main()
