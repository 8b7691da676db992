"""From a list to a verdict: import, publish, open, match."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hashmatch as hm
from bench.codes import codes
from bench.inputs import encoded
from hashmatch.home import Home
from hashmatch.indexes.snapshot import Snapshot
from hashmatch.lists import readers
from hashmatch.lists.catalog import Catalog
from hashmatch.matching import profile_names
from hashmatch.publish import publish
from hashmatch.types import Polarity

Measure = Callable[..., Any]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, listed: int) -> Path:
    path = tmp_path_factory.mktemp("list") / "list.txt"
    path.write_text("".join(f"{row.tobytes().hex()}\n" for row in codes(listed, seed=5)))
    return path


def fill(folder: Path, source: Path) -> Home:
    home = Home(folder)
    home.ensure()
    with Catalog.open(home.catalog) as catalog:
        reading = readers.read([source], hash_type="pdq")
        catalog.import_list(
            "bench", reading, source_files=[source], format=reading.format,
            polarity=Polarity.KNOWN_BAD,
        )  # fmt: skip
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Home:
    made = fill(tmp_path_factory.mktemp("home") / "home", source)
    publish(made)
    return made


@pytest.mark.benchmark(group="lists", timer=time.perf_counter)
def test_import(measure: Measure, tmp_path: Path, source: Path, listed: int) -> None:
    number = itertools.count()
    made = measure(lambda: fill(tmp_path / str(next(number)), source), per=listed)
    assert made.catalog.exists()


@pytest.mark.benchmark(group="snapshot", timer=time.perf_counter)
def test_publish(measure: Measure, home: Home, listed: int) -> None:
    assert measure(lambda: publish(home), per=listed).entries == listed


@pytest.mark.benchmark(group="snapshot", timer=time.perf_counter)
def test_open(measure: Measure, home: Home) -> None:
    measure(lambda: Snapshot.open(home.snapshots).close())


@pytest.mark.benchmark(group="match")
@pytest.mark.parametrize("profile", profile_names())
def test_match_bytes(measure: Measure, home: Home, profile: str, side: tuple[int, int]) -> None:
    data = encoded(side)
    with hm.Matcher.open(home.path, profile=profile) as matcher:
        result = measure(lambda: matcher.match_bytes(data))
    assert result.verdict is hm.Verdict.NO_MATCH


@pytest.mark.benchmark(group="match")
def test_match_hash(measure: Measure, home: Home, listed: int) -> None:
    value = codes(listed, seed=5)[7].tobytes().hex()
    with hm.Matcher.open(home.path) as matcher:
        result = measure(lambda: matcher.match_hash("pdq", value))
    assert result.verdict is hm.Verdict.MATCH
