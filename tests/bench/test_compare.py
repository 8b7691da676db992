"""Comparing two runs: a slowdown is seen, noise is not taken for one."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.compare import (
    FASTER,
    NOISY,
    REGRESSED,
    SAME,
    SLOWER,
    bounds,
    compare,
    ranks_behind,
)
from bench.harness import Figure, document, measured
from bench.results import Results, ResultsError, from_pytest, load
from hashmatch.cli import main as entry


def results(*figures: Figure, **machine: str) -> Results:
    return Results("suite", "title", "command", "now", machine, {}, list(figures))


def timed(name: str, *milliseconds: float, yardsticks: tuple[float, ...] = ()) -> Figure:
    made = measured(name, milliseconds, "ms", name=name)
    return Figure.from_json(made.to_json() | {"yardsticks": list(yardsticks)})


def noisy(name: str, seed: int, slowdown: float = 1.0) -> Figure:
    """A figure of five passes whose rounds vary by some per cent, as on a shared machine."""
    rng = random.Random(seed)
    return timed(name, *(10 * slowdown * rng.uniform(0.97, 1.03) for _ in range(5)))


def verdict_of(before: Figure, after: Figure, limit: float = 10) -> str:
    (change,) = compare(results(before), results(after), limit).changes
    return change.verdict


def test_a_planted_slowdown_of_20_per_cent_fails() -> None:
    for seed in range(50):
        before = results(*(noisy(f"kernel {k}", 100 * seed + k) for k in range(20)))
        after = results(
            *(noisy(f"kernel {k}", 100 * seed + k + 50, 1.2 if k == 7 else 1) for k in range(20))
        )
        found = compare(before, after, 10)
        assert [change.name for change in found.regressed] == ["kernel 7"]
        assert found.exit_status == 1
        assert "1 of 20 figures regressed by more than 10 %" in found.summary


def test_two_runs_of_the_same_code_do_not_fail() -> None:
    for seed in range(50):
        before = results(*(noisy(f"kernel {k}", 1000 + 100 * seed + k) for k in range(20)))
        after = results(*(noisy(f"kernel {k}", 9000 + 100 * seed + k) for k in range(20)))
        found = compare(before, after, 10)
        assert found.exit_status == 0
        assert found.summary == "no regression beyond noise (20 figures, limit 10 %)"


def test_a_slow_minute_of_the_machine_is_not_a_slow_program() -> None:
    """Everything took half as long again, the fixed piece of work too."""
    before = timed("a", 10, 10.1, 10.2, yardsticks=(1.0, 1.01, 1.0))
    after = timed("a", 15, 15.1, 15.3, yardsticks=(1.5, 1.51, 1.5))
    assert verdict_of(before, after) == NOISY
    slower = timed("a", 15, 15.1, 15.3, yardsticks=(1.0, 1.01, 1.0))
    assert verdict_of(before, slower) == REGRESSED


def test_a_faster_machine_does_not_hide_a_regression_in_seconds() -> None:
    before = timed("a", 10, 10.1, 10.2, yardsticks=(1.0, 1.0, 1.0))
    after = timed("a", 12, 12.1, 12.2, yardsticks=(0.9, 0.9, 0.9))
    assert verdict_of(before, after) == REGRESSED


def test_of_many_passes_a_few_may_be_out_of_order() -> None:
    quick = [10, 10, 10, 10.1, 10.1, 10.2, 10.2, 10.3]
    slow = [11.9, 11.9, 12, 12, 12.1, 12.1, 12.2, 12.3]
    assert verdict_of(timed("a", *quick, 12.4), timed("a", *slow, 12.5)) == REGRESSED
    assert verdict_of(timed("a", *quick[:4], *[12.4] * 5), timed("a", *slow, 12.5)) != REGRESSED
    assert ranks_behind([1.0], [2.0])  # few passes prove little, and are believed as before
    assert not ranks_behind([1.0, 2.0], [2.0, 3.0])


def test_one_pass_as_fast_as_before_is_no_regression() -> None:
    """Passes that only sometimes are slow tell of the machine, or of where memory lay."""
    before = timed("a", 10.0, 10.1, 10.2, 10.1, 10.0)
    assert verdict_of(before, timed("a", 12.1, 12.0, 10.15, 12.2, 12.1)) == NOISY
    assert verdict_of(before, timed("a", 12.1, 12.0, 11.0, 12.2, 12.1)) == REGRESSED


def test_a_slow_pass_of_before_hides_no_regression() -> None:
    before = timed("a", 10.0, 10.1, 11.9, 10.1, 10.0)
    assert verdict_of(before, timed("a", 12.1, 12.0, 12.1, 15.0, 12.1)) == REGRESSED


def test_caches_may_suffer_more_from_a_neighbour_than_the_yardstick() -> None:
    before = timed("a", 10, 10, 10, yardsticks=(1.0, 1.0, 1.0))
    assert verdict_of(before, timed("a", 14, 14, 14, yardsticks=(1.2, 1.2, 1.2))) == NOISY
    assert verdict_of(before, timed("a", 17, 17, 17, yardsticks=(1.2, 1.2, 1.2))) == REGRESSED


def test_each_verdict() -> None:
    steady = timed("a", 10.0, 10.1, 10.2)
    assert verdict_of(steady, timed("a", 10.0, 10.15, 10.2)) == SAME
    assert verdict_of(steady, timed("a", 10.5, 10.6, 10.7)) == SLOWER
    assert verdict_of(steady, timed("a", 12.5, 12.6, 12.7)) == REGRESSED
    assert verdict_of(steady, timed("a", 8.0, 8.1, 8.2)) == FASTER
    assert verdict_of(timed("a", 8, 10, 14), timed("a", 9, 13, 15)) == NOISY


def test_the_limit_is_what_is_allowed() -> None:
    before, after = timed("a", 10, 10, 10), timed("a", 12, 12, 12)
    assert verdict_of(before, after, limit=19) == REGRESSED
    assert verdict_of(before, after, limit=21) == SLOWER


def test_of_a_rate_less_is_worse() -> None:
    def rate(*values: float) -> Figure:
        return measured("r", values, "rows/s", below=False, name="r")

    (change,) = compare(results(rate(100, 101, 102)), results(rate(80, 81, 82)), 10).changes
    assert change.verdict == REGRESSED
    assert change.ratio == pytest.approx(101 / 81)


def test_failures_from_none_to_some_are_a_regression() -> None:
    def failures(count: int) -> Figure:
        return measured("f", [count], "failures", name="f")

    assert verdict_of(failures(0), failures(3)) == REGRESSED
    assert verdict_of(failures(0), failures(0)) == SAME
    assert verdict_of(failures(2), failures(0)) == FASTER


def test_bounds_leave_out_the_outer_tenths_of_many_rounds() -> None:
    assert bounds([1, 2, 3]) == (1, 3)
    low, high = bounds([*range(100, 120), 900])
    assert low > 100
    assert high < 120


def test_what_only_one_file_has_and_other_machines_are_told() -> None:
    found = compare(
        results(timed("a", 1), timed("gone", 1), processor="X", simd="avx2"),
        results(timed("a", 1), timed("new", 1), processor="X", simd="avx512"),
    )
    assert (found.missing, found.added) == (["gone"], ["new"])
    assert found.cautions == ["different SIMD levels: avx2 and avx512"]


def pytest_run(seconds: float, yardstick: float = 1.0) -> dict[str, Any]:
    """What pytest-benchmark writes, as far as it is read."""
    stats = {"min": seconds, "median": seconds, "q3": seconds, "rounds": 9}
    entry_of_one = {
        "fullname": "bench/test_x.py::test_scan[1000]",
        "group": "scan",
        "stats": stats,
        "extra_info": {"yardstick": yardstick, "peak_bytes": 5},
    }
    return {"benchmarks": [entry_of_one], "machine_info": {}}


def test_passes_of_pytest_become_samples() -> None:
    made = from_pytest("regression", [pytest_run(0.01), pytest_run(0.03), pytest_run(0.02)])
    (figure,) = made.figures
    assert figure.name == "test_scan[1000]"
    assert figure.samples == (10.0, 30.0, 20.0)
    assert figure.value == 20.0
    assert figure.yardsticks == (1.0, 1.0, 1.0)
    assert made.more["beside_times"]["test_scan[1000]"]["peak_bytes"] == 5


def test_results_of_the_regression_suite_are_read_back(tmp_path: Path) -> None:
    made = from_pytest("regression", [pytest_run(0.01), pytest_run(0.02)])
    path = tmp_path / "regression.json"
    path.write_text(json.dumps(document("t", made.figures, made.notes, more=made.more)))
    again = load(path)
    assert again.figures == made.figures
    assert again.more == made.more


def written(folder: Path, name: str, *figures: Figure) -> Path:
    path = folder / name
    path.write_text(json.dumps(document("t", figures, {})))
    return path


@pytest.mark.parametrize(
    ("after", "status", "said"),
    [(12.5, 1, "1 of 1 figures regressed"), (10.1, 0, "no regression beyond noise")],
)
def test_the_command_answers_by_its_exit_status(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    after: float,
    status: int,
    said: str,
) -> None:
    a = written(tmp_path, "a.json", timed("k", 10.0, 10.1, 10.2))
    b = written(tmp_path, "b.json", timed("k", after, after, after))
    assert run(["bench", "compare", a, b, "--max-regression", "10"]) == status
    assert said in capsys.readouterr().out
    assert run(["bench", "compare", a, b, "--json"]) == status
    assert json.loads(capsys.readouterr().out)["exit_status"] == status


def test_pytests_own_file_can_be_compared(tmp_path: Path) -> None:
    for name, seconds in (("a.json", 0.01), ("b.json", 0.02)):
        (tmp_path / name).write_text(json.dumps(pytest_run(seconds)))
    assert run(["bench", "compare", tmp_path / "a.json", tmp_path / "b.json"]) == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}', "\x00"])
def test_a_file_that_holds_no_results_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(ResultsError, match=r"x\.json"):
        load(path)


def run(arguments: list[Any]) -> int:
    main: Callable[..., Any] = entry.main
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert isinstance(left.value.code, int)
    return left.value.code
