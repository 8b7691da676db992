"""Result files: what a suite printed with ``--json``, or pytest-benchmark with its own option."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.harness import FORMAT, Figure
from bench.plots import Plot
from hashmatch.errors import HashmatchError

FOLDER = Path(__file__).resolve().parent / "results"
BLOCKS = 5


class ResultsError(HashmatchError):
    """A file that does not hold results."""


@dataclass(frozen=True, slots=True)
class Results:
    """One run of one suite.

    Parameters
    ----------
    suite : str
        The file's name without its ending.
    title, command, finished : str
    machine, notes : mapping
    figures : list of Figure
    plots : list of Plot
    more : mapping
        Everything else the suite wrote.
    """

    suite: str
    title: str
    command: str
    finished: str
    machine: Mapping[str, Any]
    notes: Mapping[str, Any]
    figures: list[Figure]
    plots: list[Plot] = field(default_factory=list)
    more: Mapping[str, Any] = field(default_factory=dict)


def load(path: Path) -> Results:
    """Read one result file.

    Raises
    ------
    ResultsError
        If it cannot be read or holds something else.
    """
    try:
        shape = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path}: {error}") from error
    if not isinstance(shape, dict):
        raise ResultsError(f"{path}: not a result file")
    if "format" not in shape and "benchmarks" in shape:
        return from_pytest(path.stem, [shape])
    if shape.get("format") != FORMAT:
        raise ResultsError(f"{path}: not results of a bench suite, or of another version")
    known = {"format", "title", "command", "finished", "machine", "notes", "figures", "plots"}
    return Results(
        path.stem,
        shape["title"],
        shape["command"],
        shape["finished"],
        shape["machine"],
        shape["notes"],
        [Figure.from_json(figure) for figure in shape["figures"]],
        [Plot.from_json(plot) for plot in shape["plots"]],
        {key: value for key, value in shape.items() if key not in known},
    )


def load_all(folder: Path = FOLDER) -> dict[str, Results]:
    """Read every result file of a folder, by the name of its suite."""
    return {path.stem: load(path) for path in sorted(folder.glob("*.json"))}


def from_pytest(suite: str, passes: Sequence[Mapping[str, Any]]) -> Results:
    """Put what pytest-benchmark wrote, once or several times, into figures.

    Parameters
    ----------
    suite : str
    passes : sequence of mapping
        Runs of the same tests one after another. Each gives a figure one sample, the least time
        of its rounds; a single one gives several, from its rounds cut into blocks.
    """
    gathered: dict[str, list[Mapping[str, Any]]] = {}
    for shape in passes:
        for benchmark in shape["benchmarks"]:
            gathered.setdefault(benchmark["fullname"].split("::")[-1], []).append(benchmark)
    first = passes[0]
    return Results(
        suite,
        "Regression suite",
        "pytest bench --benchmark-enable",
        first.get("datetime", "")[:19].replace("T", " "),
        first.get("machine_info", {}).get("hashmatch", {}),
        {"passes": len(passes), "statistic": "the least time of a pass, then the median of passes"},
        [_figure(name, runs) for name, runs in gathered.items()],
        more={"beside_times": {name: _facts(runs[0]) for name, runs in gathered.items()}},
    )


def _figure(name: str, runs: Sequence[Mapping[str, Any]]) -> Figure:
    samples = tuple(run["stats"]["min"] for run in runs)
    yardsticks = tuple(
        run["extra_info"]["yardstick"] for run in runs if "yardstick" in run["extra_info"]
    )
    if len(runs) == 1:
        samples, yardsticks = _blocks(runs[0]["stats"]), ()
    samples = tuple(1e3 * seconds for seconds in samples)
    return Figure(
        what=f"{runs[0]['group'] or 'others'}: {name.removeprefix('test_')}",
        value=statistics.median(samples), low=min(samples), high=max(samples), goal=None,
        below=True, unit="ms", name=name, samples=samples, yardsticks=yardsticks,
    )  # fmt: skip


def _blocks(stats: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the least time of each fifth of the rounds; quartiles where they were not kept."""
    rounds = stats.get("data") or [stats["min"], stats["median"], stats["q3"]]
    size = max(1, len(rounds) // BLOCKS)
    return tuple(min(rounds[at : at + size]) for at in range(0, len(rounds) - size + 1, size))


def _facts(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a benchmark noted besides time."""
    return {"group": run["group"], **run["extra_info"], "rounds": run["stats"]["rounds"]}
