"""Regression benchmarks of searching, storing and updating: ``pytest bench --benchmark-enable``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench import search_data as data
from hashmatch import indexes, kernels
from hashmatch.indexes.values import ValueIndex, ValueSorter

Benchmark = Callable[..., Any]
ROWS = 500_000


@pytest.fixture(scope="module")
def codes() -> data.Codes:
    """Return fair codes."""
    return data.uniform(ROWS)


@pytest.mark.benchmark(group="search one query")
@pytest.mark.parametrize("kind", ["auto", "mih", "scan", "faiss:BFlat"])
def test_one_query(benchmark: Benchmark, codes: data.Codes, kind: str) -> None:
    """Find what is near one code."""
    index = indexes.create(kind, bits=256, codes=codes, radius=31)
    query = data.queries_for(codes, 2)[:1]
    benchmark(index.search_radius, query, 31)


@pytest.mark.benchmark(group="search eight orientations")
@pytest.mark.parametrize("kind", ["auto", "scan", "faiss:BFlat"])
def test_eight_orientations(benchmark: Benchmark, codes: data.Codes, kind: str) -> None:
    """Find what is near eight codes asked together."""
    index = indexes.create(kind, bits=256, codes=codes, radius=31)
    benchmark(index.search_radius, data.queries_for(codes, 8), 31)


@pytest.mark.benchmark(group="scan a batch")
@pytest.mark.parametrize("level", kernels.available_levels()[1:])
@pytest.mark.parametrize("radius", [31, 96])
def test_scan_of_a_batch(benchmark: Benchmark, codes: data.Codes, level: str, radius: int) -> None:
    """Compare a hundred codes with all of them."""
    index = indexes.create("scan", bits=256, codes=codes[:100_000], radius=31)
    kernels.set_level(level)
    try:
        benchmark(index.search_radius, data.queries_for(codes, 100), radius)
    finally:
        kernels.set_level("auto")


@pytest.mark.benchmark(group="build")
@pytest.mark.parametrize("kind", ["mih", "faiss:BFlat"])
def test_build(benchmark: Benchmark, codes: data.Codes, kind: str) -> None:
    """Build an index."""
    benchmark(indexes.create, kind, bits=256, codes=codes, radius=31)


@pytest.mark.benchmark(group="exact values")
def test_value_lookups(benchmark: Benchmark) -> None:
    """Look a thousand values up."""
    digests = np.random.default_rng(1).integers(0, 256, (ROWS, 16), np.uint8)
    sorter = ValueSorter(digests, np.arange(ROWS))
    parts = list(sorter.chunks())
    index = ValueIndex(
        128,
        np.concatenate([values for values, _ in parts]),
        np.concatenate([entries for _, entries in parts]),
        sorter.prefixes,
        sorter.prefix_bits,
    )
    benchmark(index.find, digests[:1000])


@pytest.mark.benchmark(group="checksums")
def test_checksums(benchmark: Benchmark, codes: data.Codes) -> None:
    """Check blocks of a stored array."""
    benchmark(kernels.checksum.block_checksums, codes.reshape(-1), 1 << 20, kernels.level())
