"""What every comparison shares: the machine's facts, interleaved timing, ratios, output.

Absolute times drift between machines and between minutes, so a comparison runs its candidates
in turn, round by round, and states the ratio of each round's times; the median of those ratios
and their spread are what a figure quotes.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from bench.plots import Plot
from hashmatch import kernels

PACKAGES = ("hashmatch", "numpy", "pillow", "imagehash", "faiss-cpu", "pdqhash")
FORMAT = 1
ROOT = Path(__file__).resolve().parent.parent


def machine() -> dict[str, Any]:
    """Return the facts that a figure depends on, as JSON values."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(_memory() / 2**30, 1),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "simd": kernels.level().name.lower(),
        "simd_levels": kernels.available_levels(),
        **source(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def source() -> dict[str, Any]:
    """Return the commit of the checkout, and whether files of it differ from that commit.

    Results and the pages made from them do not count: a run writes them and is not changed by
    them.
    """
    commit = _git("rev-parse", "--short=12", "HEAD")
    changed = _git(
        "status", "--porcelain", "--", ".", ":!bench/results", ":!docs/benchmarks",
        ":!docs/benchmarks.md",
    )  # fmt: skip
    return {"commit": commit or "unknown", "dirty": bool(changed) if commit else None}


def _git(*arguments: str) -> str:
    try:
        run = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except OSError:  # no git here
        return ""
    return run.stdout.strip()


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
    candidates: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 7,
    least: float = 0.05,
    clock: Callable[[], float] = time.perf_counter,
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
    clock : callable
        ``time.process_time`` where candidates cannot take turns, so that other work on the
        machine disturbs them little.
    """
    repeats = {}
    for name, call in candidates.items():
        call()
        begin = clock()
        call()
        repeats[name] = max(1, round(least / max(clock() - begin, 1e-9)))
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            begin = clock()
            for _ in range(repeats[name]):
                call()
            taken[name].append((clock() - begin) / repeats[name])
    return {name: Timing(name, tuple(seconds)) for name, seconds in taken.items()}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: a ratio against another implementation, or a time, a rate, a size, a count.

    Parameters
    ----------
    what : str
        What was measured.
    value, low, high : float
        Median, smallest and largest over the rounds.
    goal : float or None
        The value to reach, where one is set.
    ours, theirs : float or None
        Median seconds per call of the two sides of a ratio.
    below : bool
        Whether less is better, so that the goal is an upper bound.
    unit : str
        ``x`` for a ratio, else ``ms``, ``B``, ``rows/s``, ``%`` and the like.
    name : str
        Its name in ``bench/figures.py``, or one of its own.
    samples : tuple of float
        The value of every round, from which ``bench.compare`` knows the noise.
    yardsticks : tuple of float
        Seconds a fixed piece of work took beside each sample, where it was measured.
    note : str
        What else there is to know of it.
    """

    what: str
    value: float
    low: float
    high: float
    goal: float | None
    ours: float | None = None
    theirs: float | None = None
    below: bool = False
    unit: str = "x"
    name: str = ""
    samples: tuple[float, ...] = ()
    yardsticks: tuple[float, ...] = ()
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; ``None`` where there is none."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.below else self.value >= self.goal

    def to_json(self) -> dict[str, Any]:
        """Return the figure as JSON values."""
        return {
            "name": self.name or self.what,
            "what": self.what,
            "unit": self.unit,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "goal": self.goal,
            "below": self.below,
            "reached": self.reached,
            "ours_seconds": self.ours,
            "theirs_seconds": self.theirs,
            "samples": list(self.samples),
            "yardsticks": list(self.yardsticks),
            "note": self.note,
        }

    @classmethod
    def from_json(cls, shape: Mapping[str, Any]) -> Self:
        """Return the figure that :meth:`to_json` described."""
        return cls(
            what=shape["what"],
            value=shape["value"],
            low=shape["low"],
            high=shape["high"],
            goal=shape["goal"],
            ours=shape["ours_seconds"],
            theirs=shape["theirs_seconds"],
            below=shape["below"],
            unit=shape["unit"],
            name=shape["name"],
            samples=tuple(shape["samples"]),
            yardsticks=tuple(shape["yardsticks"]),
            note=shape["note"],
        )


def measured(
    what: str,
    samples: Sequence[float],
    unit: str,
    goal: float | None = None,
    *,
    below: bool = True,
    name: str = "",
    note: str = "",
) -> Figure:
    """Return a figure in a unit of its own from the value of each round.

    Parameters
    ----------
    what : str
    samples : sequence of float
        One value where a thing is counted, or measured once.
    unit : str
    goal : float or None
    below : bool
        Whether less is better.
    name : str
        Its name in ``bench/figures.py``.
    note : str
        What else there is to know of it.
    """
    return Figure(
        what, statistics.median(samples), min(samples), max(samples), goal,
        below=below, unit=unit, name=name, samples=tuple(samples), note=note,
    )  # fmt: skip


def speedup(
    what: str, ours: Timing, theirs: Timing, goal: float | None = None, *, name: str = ""
) -> Figure:
    """Return how many times faster ``ours`` is, round by round."""
    ratios = [b / a for a, b in zip(ours.seconds, theirs.seconds, strict=True)]
    return _ratio(what, ratios, goal, ours, theirs, below=False, name=name)


def cost(
    what: str, ours: Timing, base: Timing, goal: float | None = None, *, name: str = ""
) -> Figure:
    """Return how many times longer ``ours`` takes than ``base``, round by round."""
    ratios = [a / b for a, b in zip(ours.seconds, base.seconds, strict=True)]
    return _ratio(what, ratios, goal, ours, base, below=True, name=name)


def document(
    title: str,
    figures: Sequence[Figure],
    notes: Mapping[str, Any],
    plots: Sequence[Plot] = (),
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a suite's results as JSON values: the one shape that everything else reads.

    Parameters
    ----------
    title : str
    figures : sequence of Figure
    notes : mapping
        What a reader has to know: inputs, sizes, threads, seed, caveats.
    plots : sequence of Plot
    more : mapping or None
        Tables that only this suite has.
    """
    return {
        "format": FORMAT,
        "title": title,
        "command": shlex.join(["python", "-m", *_command()]),
        "finished": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "machine": machine(),
        "notes": dict(notes),
        "figures": [figure.to_json() for figure in figures],
        "plots": [plot.to_json() for plot in plots],
        **(more or {}),
    }


def report(
    title: str,
    figures: Sequence[Figure],
    notes: Mapping[str, Any],
    as_json: bool,
    plots: Sequence[Plot] = (),
    more: Mapping[str, Any] | None = None,
) -> None:
    """Print figures with the machine they were measured on, as a table or as JSON."""
    shape = document(title, figures, notes, plots, more)
    if as_json:
        json.dump(shape, sys.stdout, indent=1)
        print()
        return
    print(title)
    for line in facts_of(shape["machine"]):
        print(f"  {line}")
    for name, note in notes.items():
        print(f"  {name}: {note}")
    print()
    for line in table(figures):
        print(line)


def facts_of(facts: Mapping[str, Any]) -> list[str]:
    """Return what :func:`machine` found, in lines for people."""
    return [
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']:g} GiB, "
        f"{facts['system']}, Python {facts['python']}, SIMD {facts['simd']}",
        ", ".join(f"{name} {found}" for name, found in facts["versions"].items())
        + f"; {revision(facts)}, load {facts['load']:g}",
    ]


def revision(facts: Mapping[str, Any]) -> str:
    """Return which source was measured, in words."""
    changed = " with uncommitted changes" if facts.get("dirty") else ""
    return f"commit {facts['commit']}{changed}"


def table(figures: Sequence[Figure]) -> list[str]:
    """Return figures as the lines of a table."""
    width = max((len(figure.what) for figure in figures), default=0)
    two_sided = any(figure.ours is not None for figure in figures)
    head = f"  {'ours ms':>10}  {'theirs ms':>10}" if two_sided else ""
    lines = [f"{'figure':<{width}}{head}  {'value':>16}  spread"]
    for figure in figures:
        sides = ""
        for seconds in (figure.ours, figure.theirs) if two_sided else ():
            sides += f"  {'' if seconds is None else f'{seconds * 1e3:.4f}':>10}"
        spread = ""
        if figure.low != figure.high:
            spread = f"{quantity(figure.low)} - {quantity(figure.high)}"
        sign = "<=" if figure.below else ">="
        goal = "" if figure.goal is None else f"  goal {sign} {figure.goal:g}"
        mark = {None: "", True: "  reached", False: "  MISSED"}[figure.reached]
        value = quantity(figure.value, figure.unit)
        lines.append(
            f"{figure.what:<{width}}{sides}  {value:>16}  {spread:<17}{goal}{mark}".rstrip()
            + (f"  ({figure.note})" if figure.note else "")
        )
    return lines


def quantity(value: float, unit: str = "") -> str:
    """Return a value with three digits that matter and its unit, if that is to be said."""
    if unit == "%" and 99 < value < 100:
        text = f"{math.floor(value * 100) / 100:.2f}"  # what is nearly all is not all
    elif 0 < abs(value) < 1e-4:
        text = f"{value:.2e}"
    elif value == int(value) or abs(value) >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
    return f"{text}{unit}" if unit in ("", "x", "%") else f"{text} {unit}"


def _ratio(
    what: str,
    ratios: Sequence[float],
    goal: float | None,
    ours: Timing,
    theirs: Timing,
    *,
    below: bool,
    name: str,
) -> Figure:
    middle = statistics.median(ratios)
    return Figure(
        what, middle, min(ratios), max(ratios), goal, ours.median, theirs.median,
        below=below, name=name, samples=tuple(ratios),
    )  # fmt: skip


def _command() -> list[str]:
    """Return the module that was started, and its arguments."""
    started = Path(sys.argv[0])
    module = f"bench.{started.stem}" if started.parent.name == "bench" else started.name
    return [module, *(argument for argument in sys.argv[1:] if argument != "--json")]


def _processor() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:  # not Linux
        facts = ""
    named = re.search(r"^model name\s*: (.*)$", facts, re.MULTILINE)
    return named[1] if named else platform.processor() or platform.machine()


def _memory() -> int:
    """Return the machine's memory in bytes; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
