"""What every comparison shares: the machine's facts, interleaved timing, ratios, output.

Absolute times drift between machines and between minutes, so a comparison runs its candidates
in turn, round by round, and states the ratio of each round's times; the median of those ratios
and their spread are what a figure quotes.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hashmatch import kernels

PACKAGES = ("hashmatch", "numpy", "pillow", "imagehash", "faiss-cpu", "pdqhash")


def machine() -> dict[str, Any]:
    """Return the facts that a figure depends on, as JSON values."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "simd": kernels.level().name.lower(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of one candidate, round by round, in seconds per call."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median time of a call in seconds."""
        return statistics.median(self.seconds)


def interleave(
    candidates: Mapping[str, Callable[[], object]], *, rounds: int = 7, least: float = 0.05
) -> dict[str, Timing]:
    """Time callables in turn, A B C A B C, after one untimed call of each.

    Parameters
    ----------
    candidates : mapping of str to callable
        What to time, by name.
    rounds : int
        How many times each is measured.
    least : float
        A measurement repeats the call until it lasts about so many seconds.
    """
    repeats = {}
    for name, call in candidates.items():
        call()
        begin = time.perf_counter()
        call()
        repeats[name] = max(1, round(least / max(time.perf_counter() - begin, 1e-9)))
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            begin = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            taken[name].append((time.perf_counter() - begin) / repeats[name])
    return {name: Timing(name, tuple(seconds)) for name, seconds in taken.items()}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a comparison: how many times faster ``ours`` is than ``theirs``.

    Parameters
    ----------
    what : str
        What was measured.
    value, low, high : float
        Median, smallest and largest ratio over the rounds.
    goal : float or None
        The ratio to reach, where one is set.
    ours, theirs : float
        Median seconds per call.
    below : bool
        Whether the goal is an upper bound, as for a cost.
    """

    what: str
    value: float
    low: float
    high: float
    goal: float | None
    ours: float
    theirs: float
    below: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; ``None`` where there is none."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.below else self.value >= self.goal

    def to_json(self) -> dict[str, Any]:
        """Return the figure as JSON values."""
        return {
            "what": self.what,
            "ratio": self.value,
            "low": self.low,
            "high": self.high,
            "goal": self.goal,
            "below": self.below,
            "reached": self.reached,
            "ours_seconds": self.ours,
            "theirs_seconds": self.theirs,
        }


def speedup(what: str, ours: Timing, theirs: Timing, goal: float | None = None) -> Figure:
    """Return how many times faster ``ours`` is, round by round."""
    ratios = [b / a for a, b in zip(ours.seconds, theirs.seconds, strict=True)]
    return _figure(what, ratios, goal, ours, theirs, below=False)


def cost(what: str, ours: Timing, base: Timing, goal: float | None = None) -> Figure:
    """Return how many times longer ``ours`` takes than ``base``, round by round."""
    ratios = [a / b for a, b in zip(ours.seconds, base.seconds, strict=True)]
    return _figure(what, ratios, goal, ours, base, below=True)


def report(title: str, figures: Sequence[Figure], notes: Mapping[str, Any], as_json: bool) -> None:
    """Print figures with the machine they were measured on, as a table or as JSON."""
    if as_json:
        shape = {
            "title": title,
            "machine": machine(),
            "notes": dict(notes),
            "figures": [figure.to_json() for figure in figures],
        }
        json.dump(shape, sys.stdout, indent=2)
        print()
        return
    facts = machine()
    print(title)
    print(
        f"  {facts['processor']}, {facts['cores']} cores, {facts['system']}, SIMD {facts['simd']}"
    )
    print("  " + ", ".join(f"{name} {found}" for name, found in facts["versions"].items()))
    for name, note in notes.items():
        print(f"  {name}: {note}")
    width = max((len(figure.what) for figure in figures), default=0)
    print(f"\n{'figure':<{width}}  {'ours ms':>10}  {'theirs ms':>10}  {'ratio':>8}  spread")
    for figure in figures:
        sign = "<=" if figure.below else ">="
        goal = "" if figure.goal is None else f"  goal {sign} {figure.goal:g}"
        mark = {None: "", True: "  reached", False: "  MISSED"}[figure.reached]
        print(
            f"{figure.what:<{width}}  {figure.ours * 1e3:>10.4f}  {figure.theirs * 1e3:>10.4f}  "
            f"{figure.value:>7.2f}x  {figure.low:.2f}-{figure.high:.2f}{goal}{mark}"
        )


def _figure(
    what: str,
    ratios: Sequence[float],
    goal: float | None,
    ours: Timing,
    theirs: Timing,
    *,
    below: bool,
) -> Figure:
    middle = statistics.median(ratios)
    return Figure(
        what, middle, min(ratios), max(ratios), goal, ours.median, theirs.median, below=below
    )


def _processor() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:  # not Linux
        facts = ""
    named = re.search(r"^model name\s*: (.*)$", facts, re.MULTILINE)
    return named[1] if named else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
