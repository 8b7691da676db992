"""Did a change make something worse: two result files, their ratios and what noise allows.

A value counts as worse only where even the better rounds of the second file lie behind the first
file. Ratios and rates are noisy both ways, and are taken from their least round to their largest.
To a time other work on a machine only ever adds: there the lower half of the passes says how fast
the code is, and the passes of the second file have to rank behind those of the first as they
hardly ever would by chance (a rank test). Where the machine itself may have changed pace in
between, a fixed piece of work (the yardstick) was timed beside every pass; then a regression has to
show in seconds, and also beyond what the change of the yardstick may explain. So a slow minute of
the machine is not taken for a slow program.

Usage: python -m bench.compare A.json B.json [--max-regression PCT] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench.harness import Figure
from bench.results import Results, load

DEFAULT_LIMIT = 10.0
MANY = 6
"""From so many rounds on, the outer tenths do not count."""
TIMES = ("s", "ms", "us", "ns")
CHANCE = 1 / 250
"""How seldom equal code may rank as far behind, for a slowdown to be believed."""
HARDER = 2
"""Where a neighbour makes the yardstick ``r`` times slower, code may be up to ``r ** HARDER`` times
slower: caches and memory suffer more than arithmetic does (1.2 against 1.3 to 1.4, measured)."""

REGRESSED, SLOWER, SAME, FASTER, NOISY = "REGRESSED", "slower", "same", "faster", "unclear"


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in both files.

    Parameters
    ----------
    name, what, unit : str
    before, after : float
        Median in each file.
    ratio : float
        How many times worse the second is; below 1 it is better.
    low, high : float
        The least and the most that the noise of both files allows the ratio to be.
    verdict : str
    """

    name: str
    what: str
    unit: str
    before: float
    after: float
    ratio: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that two result files have in common, and what only one of them has."""

    changes: list[Change]
    limit: float
    missing: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)

    @property
    def regressed(self) -> list[Change]:
        """The figures that are worse by more than the limit, beyond noise."""
        return [change for change in self.changes if change.verdict == REGRESSED]

    @property
    def summary(self) -> str:
        """The answer in one sentence."""
        if not self.changes:
            return "the two files have no figure in common"
        if found := self.regressed:
            return (
                f"{len(found)} of {len(self.changes)} figures regressed by more than "
                f"{self.limit:g} %"
            )
        text = f"no regression beyond noise ({len(self.changes)} figures, limit {self.limit:g} %)"
        if unclear := sum(change.verdict == NOISY for change in self.changes):
            text += f"; {unclear} too noisy to tell, measure them again"
        return text

    @property
    def exit_status(self) -> int:
        """0 without a regression, 1 with one, 2 where nothing could be compared."""
        return 1 if self.regressed else 0 if self.changes else 2

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return asdict(self) | {"summary": self.summary, "exit_status": self.exit_status}


def compare(before: Results, after: Results, limit: float = DEFAULT_LIMIT) -> Comparison:
    """Compare two result files figure by figure.

    Parameters
    ----------
    before, after : Results
    limit : float
        How many per cent worse a figure may be.
    """
    old = {figure.name: figure for figure in before.figures}
    new = {figure.name: figure for figure in after.figures}
    changes = []
    for name in old.keys() & new.keys():
        a, b = old[name], new[name]
        ratio, low, high = _noisy_ratio(a, b)
        verdict = _verdict(ratio, low, high, limit)
        if verdict == REGRESSED and (by_machine := low / _machine_slower(a, b)) <= 1 + limit / 100:
            low, verdict = by_machine, NOISY
        changes.append(Change(name, b.what, b.unit, a.value, b.value, ratio, low, high, verdict))
    order = [REGRESSED, NOISY, SLOWER, FASTER, SAME]
    changes.sort(key=lambda change: (order.index(change.verdict), -change.ratio, change.name))
    return Comparison(
        changes,
        limit,
        sorted(old.keys() - new.keys()),
        sorted(new.keys() - old.keys()),
        _cautions(before, after),
    )


def bounds(values: Sequence[float]) -> tuple[float, float]:
    """Return the least and the largest value, of many without the outer tenths."""
    if len(values) < MANY:
        return min(values), max(values)
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    return tenths[0], tenths[-1]


def _noisy_ratio(a: Figure, b: Figure) -> tuple[float, float, float]:
    before, after = (f.samples or (f.low, f.value, f.high) for f in (a, b))
    if a.unit == b.unit and b.unit in TIMES and b.below:
        return _ratio_of_times(before, after)
    return _ratio(before, after, below=b.below)


def _machine_slower(a: Figure, b: Figure) -> float:
    """Return how many times slower the machine may have made the second, by the yardsticks."""
    if not a.yardsticks or not b.yardsticks:
        return 1.0
    return max(1.0, _quartile(b.yardsticks) / _quartile(a.yardsticks)) ** HARDER


def _ratio(
    before: Sequence[float], after: Sequence[float], *, below: bool
) -> tuple[float, float, float]:
    """Return how many times worse the second is, and the least and the most it may be."""
    if not below:
        before, after = after, before
    (low_a, high_a), (low_b, high_b) = bounds(before), bounds(after)
    return (
        _divided(statistics.median(after), statistics.median(before)),
        _divided(low_b, high_a),
        _divided(high_b, low_a),
    )


def _ratio_of_times(before: Sequence[float], after: Sequence[float]) -> tuple[float, float, float]:
    """Return the same of times, to which other work on the machine only ever adds.

    The lower half of the passes says how fast code is. That it became slower at all is believed
    only where passes rank behind those of before as equal code's would in ``CHANCE`` of all
    comparisons: of five passes every one has to be slower than every one of before, of nine not
    quite.
    """
    low = _divided(_quartile(after), statistics.median(before))
    high = _divided(statistics.median(after), _quartile(before))
    if not ranks_behind(before, after):
        low = min(low, 1.0)
    if not ranks_behind(after, before):
        high = max(high, 1.0)
    return _divided(statistics.median(after), statistics.median(before)), low, high


def ranks_behind(before: Sequence[float], after: Sequence[float]) -> bool:
    """Say whether passes rank so far behind those of before that it is hardly chance.

    The one-sided, exact Mann-Whitney U test; equal times count as out of order. Where passes are
    few, none of the second file may be as fast as one of the first.
    """
    out_of_order = sum(b <= a for a in before for b in after)
    counts = _orders(len(before), len(after))
    return sum(counts[: out_of_order + 1]) <= max(1, CHANCE * sum(counts))


@cache
def _orders(a: int, b: int) -> list[int]:
    """Return in how many orders of ``a`` and ``b`` passes so many pairs are out of order."""
    if not a or not b:
        return [1]
    counts = [0] * (a * b + 1)
    for pairs, count in enumerate(_orders(a, b - 1)):  # the last pass is one of after
        counts[pairs] += count
    for pairs, count in enumerate(_orders(a - 1, b)):  # or of before, behind all b of after
        counts[pairs + b] += count
    return counts


def _quartile(values: Sequence[float]) -> float:
    """Return what a quarter of the values lie below."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=4, method="inclusive")[0]


def _divided(a: float, b: float) -> float:
    """Divide two amounts; nothing against nothing is no change."""
    if b:
        return a / b
    return math.inf if a else 1.0


def _verdict(ratio: float, low: float, high: float, limit: float) -> str:
    allowed = 1 + limit / 100
    if low > allowed:
        return REGRESSED
    if ratio > allowed:
        return SLOWER if low > 1 else NOISY
    if low > 1:
        return SLOWER
    return FASTER if high < 1 else SAME


def _cautions(before: Results, after: Results) -> list[str]:
    told = []
    for key, what in (
        ("processor", "processors"), ("simd", "SIMD levels"), ("python", "versions of Python"),
    ):  # fmt: skip
        a, b = before.machine.get(key), after.machine.get(key)
        if a and b and a != b:
            told.append(f"different {what}: {a} and {b}")
    return told


def lines(found: Comparison) -> list[str]:
    """Return a comparison as lines for people."""
    told = [f"caution: {caution}" for caution in found.cautions]
    width = max((len(change.name) for change in found.changes), default=6)
    told.append(f"{'figure':<{width}}  {'before':>11}  {'after':>11}  {'ratio':>7}  within noise")
    for c in found.changes:
        told.append(
            f"{c.name:<{width}}  {c.before:>11.4g}  {c.after:>11.4g}  {c.ratio:>6.3f}x  "
            f"{c.low:.3f}-{c.high:.3f}  {c.verdict}"
        )
    told += [f"only in the first file: {name}" for name in found.missing]
    told += [f"only in the second file: {name}" for name in found.added]
    return [*told, found.summary]


def main() -> None:
    """Compare two files and exit with 1 if something regressed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--max-regression", type=float, default=DEFAULT_LIMIT, metavar="PCT")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    found = compare(load(chosen.before), load(chosen.after), chosen.max_regression)
    print(json.dumps(found.to_json(), indent=1) if chosen.json else "\n".join(lines(found)))
    sys.exit(found.exit_status)


if __name__ == "__main__":
    main()
