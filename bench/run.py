"""Run suites and keep their results.

Every suite is a module that prints one JSON document with ``--json``; this starts it in a process
of its own, so that no suite warms or fragments the memory of another.

Usage: python -m bench.run SUITE|all|timed|counted [--quick] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.harness import FORMAT, ROOT, source
from bench.results import FOLDER, Results, load
from hashmatch.errors import HashmatchError

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class SuiteError(HashmatchError):
    """A suite that failed or printed something else than its results."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One module of ``bench/``, in one of its forms.

    Parameters
    ----------
    what : str
        What it measures, in a line.
    arguments : tuple of str
        The module and what it is always given.
    minutes : float
        About how long the full run takes on two cores.
    timed : bool
        Whether it needs the machine for itself. One that only counts may run beside other work.
    """

    what: str
    arguments: tuple[str, ...]
    minutes: float
    timed: bool = True


# in the order they are run: what times things first, the promises of the earliest issues foremost
SUITES = {
    "quick": Suite("a first look at everything, at small sizes", ("bench.quick",), 1.5),
    "hashing_vs_peers": Suite(
        "hash types against pdqhash and imagehash", ("bench.hashing_vs_peers",), 3
    ),
    "files": Suite("JPEG bytes to hashes against Pillow + pdqhash", ("bench.files",), 2),
    "decoding": Suite("decoding against Pillow", ("bench.decoding",), 2),
    "encodings": Suite("one picture in every wrapping", ("bench.encodings",), 0.5),
    "search_vs_faiss": Suite("index kinds against FAISS", ("bench.search_vs_faiss",), 6),
    "growth": Suite("how search and build grow with N, radius and batch", ("bench.growth",), 9),
    "quality_cost": Suite("what each matching profile costs", ("bench.quality", "--only-cost"), 2),
    "scan": Suite("the batch scan against a script of peers", ("bench.scan",), 8),
    "service": Suite("the HTTP service under load", ("bench.service",), 8),
    "lists": Suite("importing lists", ("bench.lists",), 4),
    "containment": Suite("what hostile code can do in a worker", ("bench.containment",), 0.5),
    "peers": Suite("every peer library, each in its own environment", ("bench.peers",), 5),
    "regression": Suite("every kernel and path, for comparing", ("bench.regression",), 5),
    "selftest": Suite("whether compare sees a planted slowdown", ("bench.selftest",), 5),
    "hashing_conformance": Suite(
        "every hash type on the same pixels as its library", ("bench.hashing_conformance",), 3,
        timed=False,
    ),
    "conformance": Suite("PDQ of photographs against pdqhash", ("bench.conformance",), 2,
                         timed=False),
    "decoding_drift": Suite("how far the fast decode drifts", ("bench.decoding", "--drift"), 4,
                            timed=False),
    "card": Suite("the quality card: distances, thresholds, recall", ("bench.card",), 8,
                  timed=False),
    "quality": Suite("recall and false matches of the matcher", ("bench.quality", "--no-cost"),
                     8, timed=False),
    "hostile": Suite("hostile files and mutants through the sandbox", ("bench.hostile",), 4,
                     timed=False),
    "proofs": Suite("what must never happen, by the tests that provoke it", ("bench.proofs",), 20,
                    timed=False),
}  # fmt: skip
GROUPS: dict[str, Callable[[Suite], bool]] = {
    "all": lambda _: True,
    "timed": lambda suite: suite.timed,
    "counted": lambda suite: not suite.timed,
}


def prepare() -> int:
    """Fetch and make what suites need, in a process of its own; return its exit status."""
    return subprocess.run([sys.executable, "-m", "bench.prepare"], cwd=ROOT, check=False).returncode


def available() -> list[str]:
    """Return the suites whose module is there."""
    return [name for name, suite in SUITES.items() if _source(suite).exists()]


def run(name: str, extra: Sequence[str] = (), output: Path | None = None) -> Results:
    """Run one suite and keep its results.

    Parameters
    ----------
    name : str
    extra : sequence of str
        Further arguments for it, such as ``--quick``.
    output : Path or None
        Where the results go; ``bench/results/NAME.json`` unless given.

    Raises
    ------
    SuiteError
        If there is no such suite, it failed, or it did not print results.
    """
    if name not in SUITES:
        raise SuiteError(f"there is no suite {name!r}; there are {', '.join(SUITES)}")
    suite = SUITES[name]
    if not _source(suite).exists():
        raise SuiteError(f"{name}: {_source(suite).relative_to(ROOT)} is not in this checkout")
    command = [sys.executable, "-m", *suite.arguments, *extra, "--json"]
    before, spent = source(), Spent.so_far()
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **ONE_THREAD},
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    spent = Spent.so_far() - spent
    try:
        shape = json.loads(done.stdout)
    except ValueError:
        raise SuiteError(
            f"{name}: ended with status {done.returncode} and printed no results"
        ) from None
    if not isinstance(shape, dict) or shape.get("format") != FORMAT:
        raise SuiteError(f"{name}: printed JSON that does not hold a suite's results")
    shape["machine"] |= before | {
        "seconds": round(spent.seconds, 1), "other_cores": round(spent.other_cores, 2)
    }  # fmt: skip
    if source() != before:
        shape["notes"]["CAUTION"] = "the source changed while this ran"
    path = output or FOLDER / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(shape, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return load(path)


def run_all(
    extra: Sequence[str] = (), group: str = "all"
) -> Iterator[tuple[str, Results | SuiteError, float]]:
    """Run the suites of a group; give each one's results or why there are none, and its seconds."""
    for name in available():
        if not GROUPS[group](SUITES[name]):
            continue
        begin = time.perf_counter()
        try:
            found: Results | SuiteError = run(name, extra)
        except SuiteError as error:
            found = error
        yield name, found, time.perf_counter() - begin


@dataclass(frozen=True, slots=True)
class Spent:
    """Time that passed, and what the processors did in it.

    Parameters
    ----------
    seconds : float
    busy : float
        Seconds that the cores of the machine worked, all together; 0 where the system cannot say.
    own : float
        Seconds that the processes started here worked, of those that have ended.
    """

    seconds: float
    busy: float
    own: float

    @classmethod
    def so_far(cls) -> Self:
        """Return the amounts since some moment in the past."""
        try:
            line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        except OSError:  # not Linux
            busy = 0.0
        else:
            user, nice, system, _, _, irq, softirq, steal = map(int, line.split()[1:9])
            ticks = user + nice + system + irq + softirq + steal
            busy = ticks / os.sysconf("SC_CLK_TCK")
        times = os.times()
        return cls(time.monotonic(), busy, times.children_user + times.children_system)

    def __sub__(self, earlier: Self) -> Self:
        return type(self)(
            self.seconds - earlier.seconds, self.busy - earlier.busy, self.own - earlier.own
        )

    @property
    def other_cores(self) -> float:
        """How many cores other processes kept busy, or a hypervisor took, on average."""
        return max(0.0, self.busy - self.own) / self.seconds if self.seconds else 0.0


def _source(suite: Suite) -> Path:
    return ROOT / f"{suite.arguments[0].replace('.', '/')}.py"


def main() -> None:
    """Run what was named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", choices=[*SUITES, *GROUPS])
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds")
    parser.add_argument("--output", type=Path, help="where the results go")
    chosen = parser.parse_args()
    extra = ["--quick"] if chosen.quick else []
    if chosen.suite in GROUPS:
        failed = False
        for name, found, seconds in run_all(extra, chosen.suite):
            failed = failed or isinstance(found, SuiteError)
            print(f"{name}: {found if isinstance(found, SuiteError) else 'done'}, {seconds:.0f} s")
        sys.exit(2 if failed else 0)
    try:
        run(chosen.suite, extra, chosen.output)
    except SuiteError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
