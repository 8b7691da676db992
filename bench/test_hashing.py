"""Regression timings of hashing: ``pytest bench/test_hashing.py --benchmark-enable``."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.hashing_vs_peers import ALL_TYPES, LARGE, NAMES, picture
from hashmatch import hashing, kernels

SIZES = {"512x512": (512, 512), "12MP": LARGE}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [*ALL_TYPES, "phash16", "dhash16"])
def test_one_type(benchmark: BenchmarkFixture, name: str, size: str) -> None:
    """Time each type alone."""
    benchmark.group = f"one type, {size}"
    pixels = picture(NAMES[0], SIZES[size])
    assert benchmark(hashing.compute, pixels, [name])[name].quality


@pytest.mark.parametrize("level", kernels.available_levels())
def test_pdq_at_a_level(benchmark: BenchmarkFixture, level: str) -> None:
    """Time PDQ at every SIMD level."""
    benchmark.group = "pdq at each SIMD level, 12MP"
    pixels = picture(NAMES[0], LARGE)
    before = kernels.level().name.lower()
    kernels.set_level(level)
    try:
        assert benchmark(hashing.compute, pixels, ["pdq"])
    finally:
        kernels.set_level(before)


def test_all_types_at_once(benchmark: BenchmarkFixture) -> None:
    """Time five types that share their grey."""
    benchmark.group = "five types at once, 12MP"
    assert benchmark(hashing.compute, picture(NAMES[0], LARGE), ALL_TYPES)


@pytest.mark.parametrize("name", ["pdq", "phash"])
def test_eight_orientations(benchmark: BenchmarkFixture, name: str) -> None:
    """Time eight orientations."""
    benchmark.group = "eight orientations, 12MP"
    assert benchmark(hashing.compute_orientations, picture(NAMES[0], LARGE), [name])


def test_replay(benchmark: BenchmarkFixture) -> None:
    """Time PDQ where the reference's rounding decides."""
    benchmark.group = "pdq replayed, 12MP"
    samples = np.empty((64, 64), np.float32)
    benchmark(kernels.pdq.replay, picture(NAMES[0], LARGE), int(kernels.level()), samples)


@pytest.mark.parametrize("threads", [1, 2])
def test_many(benchmark: BenchmarkFixture, threads: int) -> None:
    """Time a thread pool."""
    benchmark.group = "hash_many, five types, 6 x 12MP"
    many = [picture(name, LARGE) for name in NAMES[:3]] * 2
    benchmark(lambda: list(hashing.hash_many(many, ALL_TYPES, threads=threads)))
