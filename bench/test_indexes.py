"""Searching and building, by kind of index, rows, radius, batch, threads and kind of list."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from bench.inputs import RADIUS, asked, index, known
from hashmatch import indexes
from hashmatch.indexes.registry import find

Measure = Callable[..., Any]
EXACT = tuple(kind for kind in indexes.kinds() if find(kind).exact)
OTHERS = tuple(kind for kind in indexes.kinds() if kind not in EXACT)
NATIVE = tuple(kind for kind in EXACT if not kind.startswith("faiss:"))
FEW = 8


def one_by_one(kind: str, rows: int, radius: int = RADIUS, shape: str = "uniform") -> Any:
    found, queries = index(kind, rows, shape), asked(rows, FEW, shape)
    return lambda: [found.search_radius(query[None], radius) for query in queries]


@pytest.mark.benchmark(group="search by rows")
@pytest.mark.parametrize("kind", EXACT)
def test_single(measure: Measure, kind: str, rows: int) -> None:
    found = measure(one_by_one(kind, rows), per=FEW)
    assert sum(len(one.rows) for one in found) >= FEW // 2


@pytest.mark.benchmark(group="search by rows")
@pytest.mark.parametrize("kind", OTHERS)
def test_nearest(measure: Measure, kind: str, few_rows: int) -> None:
    """Kinds that may miss; not all of them have a radius search."""
    made, queries = index(kind, few_rows), asked(few_rows, FEW)
    found = measure(lambda: made.search_nearest(queries, 5), per=FEW)
    assert found.rows.shape == (FEW, 5)


@pytest.mark.benchmark(group="search by radius")
@pytest.mark.parametrize("radius", [0, 15, 31, 63, 100])
@pytest.mark.parametrize("kind", NATIVE)
def test_radius(measure: Measure, kind: str, radius: int, few_rows: int) -> None:
    assert len(measure(one_by_one(kind, few_rows, radius), per=FEW)) == FEW


@pytest.mark.benchmark(group="search by batch")
@pytest.mark.parametrize("batch", [1, 8, 100, 1000])
@pytest.mark.parametrize("kind", NATIVE)
def test_batch(measure: Measure, kind: str, batch: int, few_rows: int) -> None:
    made, queries = index(kind, few_rows), asked(few_rows, batch)
    found = measure(lambda: made.search_radius(queries, RADIUS), per=batch)
    assert len(found.offsets) == batch + 1


@pytest.mark.benchmark(group="search by kind of list")
@pytest.mark.parametrize("shape", ["clustered", "skewed"])
@pytest.mark.parametrize("kind", NATIVE)
def test_shape(measure: Measure, kind: str, shape: str, few_rows: int) -> None:
    assert len(measure(one_by_one(kind, few_rows, shape=shape), per=FEW)) == FEW


@pytest.mark.benchmark(group="threads", timer=time.perf_counter)
@pytest.mark.parametrize("threads", [1, 2])
def test_search(measure: Measure, threads: int, rows: int) -> None:
    made, queries = index("auto", rows), asked(rows, 64)
    with ThreadPoolExecutor(threads) as pool:
        found = measure(
            lambda: list(pool.map(lambda q: made.search_radius(q[None], RADIUS), queries)), per=64
        )
    assert len(found) == 64


@pytest.mark.benchmark(group="build")
@pytest.mark.parametrize("kind", NATIVE)
def test_build(measure: Measure, kind: str, rows: int) -> None:
    codes = known(rows)
    made = measure(lambda: indexes.create(kind, bits=256, codes=codes, radius=RADIUS), per=rows)
    bytes_held = sum(np.asarray(array).nbytes for array in made.arrays().values())
    assert bytes_held >= codes.nbytes
