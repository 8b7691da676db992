"""Compiled kernels by themselves, at every SIMD level of the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from bench.inputs import RADIUS, asked, known, pixels
from hashmatch import kernels
from hashmatch._ext import _checksum, _pdq, _scan
from hashmatch.indexes.values import ValueIndex, ValueSorter

Measure = Callable[..., Any]
AS_IT_IS = 1
ROWS = 100_000


@pytest.fixture(params=kernels.available_levels())
def level(request: pytest.FixtureRequest) -> Iterator[int]:
    kernels.set_level(request.param)
    yield int(kernels.level())
    kernels.set_level("auto")


@pytest.mark.benchmark(group="kernels")
def test_pdq_downsample(measure: Measure, level: int, side: tuple[int, int]) -> None:
    given, out = pixels(side), np.empty((1, 64, 64), np.float32)
    measure(lambda: _pdq.downsample(given, AS_IT_IS, AS_IT_IS, level, out))
    assert out.std() > 0


@pytest.mark.benchmark(group="kernels")
def test_pdq_replay(measure: Measure, level: int, side: tuple[int, int]) -> None:
    """PDQ where the reference's rounding decides."""
    given, out = pixels(side), np.empty((64, 64), np.float32)
    measure(lambda: _pdq.replay(given, level, out))
    assert out.std() > 0


@pytest.mark.benchmark(group="kernels")
@pytest.mark.parametrize("radius", [RADIUS, 96])
def test_scan_a_batch(measure: Measure, level: int, radius: int) -> None:
    codes, queries = known(ROWS), asked(ROWS, 100)
    found = measure(lambda: _scan.search_radius(codes, queries, radius, None, 0, level), per=100)
    assert len(found[0]) == 101


@pytest.mark.benchmark(group="kernels")
def test_checksums(measure: Measure, level: int) -> None:
    data = known(ROWS).reshape(-1)
    measure(lambda: _checksum.block_checksums(data, 1 << 20, level), bytes=len(data))


@pytest.mark.benchmark(group="exact values")
def test_value_lookups(measure: Measure) -> None:
    digests = known(ROWS, bits=128)
    sorter = ValueSorter(digests, np.arange(ROWS))
    parts = list(sorter.chunks())
    index = ValueIndex(
        128,
        np.concatenate([values for values, _ in parts]),
        np.concatenate([entries for _, entries in parts]),
        sorter.prefixes,
        sorter.prefix_bits,
    )
    measure(lambda: index.find(digests[:1000]), per=1000)
