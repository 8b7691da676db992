"""The registry: every promised figure once, and a suite that says it prints it."""

from __future__ import annotations

import importlib
import json
from collections import Counter
from pathlib import Path

import pytest

from bench import figures, run
from bench.figures import PROMISES
from bench.harness import document, measured, quantity
from bench.results import load_all


def test_names_are_given_once_and_say_where_they_belong() -> None:
    assert not [name for name, count in Counter(p.name for p in PROMISES).items() if count > 1]
    assert {promise.issue for promise in PROMISES} == set(range(3, 10))
    for promise in PROMISES:
        room, _, rest = promise.name.partition(".")
        assert room
        assert rest


def test_what_is_aimed_for_lies_beyond_what_must_be_reached() -> None:
    for promise in PROMISES:
        if promise.aim is not None:
            assert promise.must is not None
            assert (promise.aim < promise.must) if promise.below else (promise.aim > promise.must)


def test_every_suite_of_a_promise_can_be_run() -> None:
    assert set(figures.suites()) <= set(run.available())


@pytest.mark.parametrize("suite", figures.suites())
def test_a_suite_declares_the_figures_promised_of_it(suite: str) -> None:
    module = importlib.import_module(run.SUITES[suite].arguments[0])
    promised = {promise.name for promise in PROMISES if promise.suite == suite}
    assert promised <= set(module.FIGURES)


def kept(folder: Path, suite: str, value: float) -> None:
    made = measured("PDQ at some size", [value], "x", 40, below=False, name="hash.pdq-rgb")
    (folder / f"{suite}.json").write_text(json.dumps(document("t", [made], {})))


@pytest.mark.parametrize(
    ("value", "verdict"), [(39.9, "MISSED"), (40.0, "reached"), (80.0, "reached, aim too")]
)
def test_the_table_judges_what_was_measured(tmp_path: Path, value: float, verdict: str) -> None:
    kept(tmp_path, "hashing_vs_peers", value)
    table = {row["name"]: row for row in figures.rows(load_all(tmp_path))}
    assert len(table) == len(PROMISES)
    assert table["hash.pdq-rgb"]["verdict"] == verdict
    assert table["hash.pdq-grey"]["verdict"] == "not measured"
    assert table["hash.pdq-grey"]["value"] is None


def test_quick_never_stands_in_for_a_suite(tmp_path: Path) -> None:
    kept(tmp_path, "quick", 99)
    table = {row["name"]: row for row in figures.rows(load_all(tmp_path))}
    assert table["hash.pdq-rgb"]["verdict"] == "not measured"


def test_an_upper_bound_is_missed_from_above() -> None:
    promise = figures.find("search.open")
    assert promise is not None
    for value, verdict in ((15, "reached, aim too"), (99, "reached"), (101, "MISSED")):
        assert figures.verdict(promise, measured("open", [value], "ms")) == verdict


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "failures", "0 failures"),
        (0.00012345, "s", "0.000123 s"),
        (6.283e-8, "rate", "6.28e-08 rate"),
        (0.65, "", "0.650"),
        (48.66, "x", "48.7x"),
        (99.999, "%", "99.99%"),
        (231.4, "%", "231%"),
        (258498.4, "rows/s", "258,498 rows/s"),
        (-1.5, "MB/min", "-1.50 MB/min"),
    ],
)
def test_quantities_are_printed_with_the_digits_that_matter(
    value: float, unit: str, text: str
) -> None:
    assert quantity(value, unit) == text
