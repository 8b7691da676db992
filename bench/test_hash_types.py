"""Hash values of decoded pixels and of bytes, by type and size."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import hashmatch as hm
from bench.inputs import encoded, pixels
from hashmatch import hashing

Measure = Callable[..., Any]
TYPES = ("pdq", "phash", "dhash", "ahash", "whash")
CRYPTOGRAPHIC = ("md5", "sha1", "sha256")


@pytest.mark.benchmark(group="hash pixels")
@pytest.mark.parametrize("name", hashing.computable())
def test_pixels(measure: Measure, name: str, side: tuple[int, int]) -> None:
    given = pixels(side)
    assert name in measure(lambda: hm.hash_pixels(given, [name]))


@pytest.mark.benchmark(group="hash pixels")
def test_pixels_grey(measure: Measure, side: tuple[int, int]) -> None:
    grey = pixels(side)[..., 1].copy()
    assert "pdq" in measure(lambda: hm.hash_pixels(grey))


@pytest.mark.benchmark(group="hash pixels")
def test_pixels_all_types(measure: Measure, side: tuple[int, int]) -> None:
    """Types that share their grey."""
    given = pixels(side)
    assert len(measure(lambda: hm.hash_pixels(given, TYPES))) == len(TYPES)


@pytest.mark.benchmark(group="orientations")
@pytest.mark.parametrize("name", ["pdq", "phash", "dhash"])
def test_orientations(measure: Measure, name: str, side: tuple[int, int]) -> None:
    given = pixels(side)
    assert len(measure(lambda: hashing.compute_orientations(given, [name]))[name]) == 8


@pytest.mark.benchmark(group="hash bytes")
@pytest.mark.parametrize("name", CRYPTOGRAPHIC)
def test_cryptographic(measure: Measure, name: str) -> None:
    data = bytes(range(256)) * 4096
    assert name in measure(lambda: hm.hash_bytes(data, [name]), bytes=len(data))


@pytest.mark.benchmark(group="hash bytes")
def test_jpeg_to_all_types(measure: Measure, side: tuple[int, int]) -> None:
    data = encoded(side)
    types = (*TYPES, *CRYPTOGRAPHIC)
    assert len(measure(lambda: hm.hash_bytes(data, types))) == len(types)


@pytest.mark.benchmark(group="threads", timer=time.perf_counter)
@pytest.mark.parametrize("threads", [1, 2])
def test_hash_many(measure: Measure, threads: int, side: tuple[int, int]) -> None:
    pictures = [pixels(side)] * 8
    found = measure(lambda: list(hashing.hash_many(pictures, threads=threads)), per=8)
    assert len(found) == 8
