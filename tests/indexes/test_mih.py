"""Multi-index hashing: its tables, its rule for chains, and its choice between two ways."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch import indexes, kernels
from hashmatch._ext import _mih
from hashmatch.errors import IndexCapabilityError
from hashmatch.indexes import costs, registry
from hashmatch.indexes.auto import AutoIndex
from hashmatch.indexes.mih import MihIndex, Tables
from hashmatch.indexes.native import scan_radius
from hashmatch.reference import hamming
from hashmatch.reference import mih as reference

Codes = NDArray[np.uint8]
RADII = (0, 1, 4, 15, 30, 31, 32, 47, 64)


@pytest.fixture(params=kernels.available_levels())
def level(request: pytest.FixtureRequest) -> Iterator[str]:
    kernels.set_level(request.param)
    yield request.param
    kernels.set_level("auto")


def near(rng: np.random.Generator, codes: Codes, most: int) -> Codes:
    """Return each code with up to ``most`` bits flipped."""
    bits = np.unpackbits(codes, axis=1)
    order = np.argsort(rng.random(bits.shape), axis=1)
    flips = np.zeros_like(bits)
    counts = rng.integers(0, most + 1, len(codes))
    ones = (np.arange(bits.shape[1]) < counts[:, None]).astype(np.uint8)
    np.put_along_axis(flips, order, ones, axis=1)
    return np.packbits(bits ^ flips, axis=1)


def clustered(rng: np.random.Generator, rows: int, bits: int) -> Codes:
    """Return codes most of which have many neighbours, as the frames of a video do."""
    centres = rng.integers(0, 256, (max(rows // 100, 1), bits // 8), np.uint8)
    return near(rng, centres[rng.integers(0, len(centres), rows)], 24)


def skewed(rng: np.random.Generator, rows: int, bits: int) -> Codes:
    """Return codes whose bits are mostly zero in places, so that some buckets are very long."""
    share = np.linspace(0.02, 0.5, bits)
    return np.packbits(rng.random((rows, bits)) < share, axis=1)


def uniform(rng: np.random.Generator, rows: int, bits: int) -> Codes:
    return rng.integers(0, 256, (rows, bits // 8), np.uint8)


def queries_for(rng: np.random.Generator, codes: Codes, count: int) -> Codes:
    picked = codes[rng.integers(0, len(codes), count)]
    strange = uniform(rng, count // 4, codes.shape[1] * 8)
    return np.concatenate([near(rng, picked, 40), picked[:3], strange])


@pytest.mark.parametrize("bits", [32, 64, 80, 256])
def test_the_tables_are_those_of_the_twin(bits: int) -> None:
    rng = np.random.default_rng(bits)
    for rows in (1, 2, 300, 1000):
        codes = clustered(rng, rows, bits)
        tables, twin = Tables.build(codes), reference.build(codes)
        anchored = _mih.anchored(bits // 16, tables.link_size)
        assert anchored[-1]
        anchors, links = iter(tables.anchors), iter(tables.links)
        for band, is_anchor in enumerate(anchored):
            np.testing.assert_array_equal(tables.starts[band], twin.starts[band])
            np.testing.assert_array_equal(tables.tags[band], twin.tags[band])
            if is_anchor:
                np.testing.assert_array_equal(next(anchors), twin.order[band])
            else:
                width = np.dtype(f"<u{tables.link_size}")
                np.testing.assert_array_equal(next(links).view(width), twin.links[band])


@pytest.mark.parametrize(("rows", "link_size"), [(200, 1), (300, 2), (66_000, 0)])
def test_links_are_as_wide_as_the_longest_bucket_needs(rows: int, link_size: int) -> None:
    rng = np.random.default_rng(rows)
    codes = np.zeros((rows, 8), np.uint8)  # all in one bucket, but for the last band
    codes[:, 6:] = rng.integers(0, 256, (rows, 2), np.uint8)
    index = MihIndex.build("mih", codes, bits=64, radius=4)
    assert index.parameters() == {"link_size": link_size}
    queries = codes[:20]
    found = index.search_radius(queries, 4)
    expected = scan_radius(codes, queries, 4)
    np.testing.assert_array_equal(found.offsets, expected.offsets)
    np.testing.assert_array_equal(found.rows, expected.rows)


def test_the_twin_finds_what_brute_force_finds() -> None:
    rng = np.random.default_rng(3)
    codes = clustered(rng, 400, 64)
    tables = reference.build(codes)
    for query in queries_for(rng, codes, 12):
        for radius in (0, 3, 8, 12):
            _, rows, _ = hamming.search_radius(codes, query[None], radius)
            assert reference.search(codes, tables, query, radius) == sorted(rows.tolist())


def compare(codes: Codes, queries: Codes, radii: tuple[int, ...], kind: str) -> None:
    bits = codes.shape[1] * 8
    index = indexes.create(kind, bits=bits, codes=codes, radius=31 if bits > 64 else 4)
    for radius in radii:
        found = index.search_radius(queries, radius)
        offsets, rows, distances = hamming.search_radius(codes, queries, radius)
        np.testing.assert_array_equal(found.offsets, offsets)
        np.testing.assert_array_equal(found.rows, rows)
        np.testing.assert_array_equal(found.distances, distances)


@pytest.mark.parametrize("make", [uniform, clustered, skewed])
@pytest.mark.parametrize("bits", [64, 256])
def test_every_level_finds_what_brute_force_finds(level: str, make: type, bits: int) -> None:
    rng = np.random.default_rng(17)
    codes = make(rng, 3001, bits)
    compare(codes, queries_for(rng, codes, 24), RADII if bits > 64 else RADII[:6], "mih")


@pytest.mark.parametrize("bits", [32, 48, 80, 144, 2048])
def test_other_widths_can_be_cut_into_bands(bits: int) -> None:
    rng = np.random.default_rng(bits)
    codes = clustered(rng, 500, bits)
    compare(codes, queries_for(rng, codes, 12), (0, 3, 8, 31, bits // 2), "mih")


@pytest.mark.parametrize("bits", [8, 16, 40, 72, 2064])
def test_widths_that_cannot_be_cut_are_scanned_or_refused(bits: int) -> None:
    rng = np.random.default_rng(bits)
    codes = uniform(rng, 200, bits)
    with pytest.raises(IndexCapabilityError, match=str(bits)):
        indexes.create("mih", bits=bits, codes=codes, radius=1)
    compare(codes, codes[:5], (0, 1, bits), "auto")


def test_boundaries_are_exact() -> None:
    """Every distance from 0 to beyond the radius, spread over the bands in hostile ways."""
    rng = np.random.default_rng(23)
    query = uniform(rng, 1, 256)[0]
    codes = []
    for distance in range(70):
        for spread in range(6):
            bits = np.unpackbits(query)
            if spread == 0:  # all in as few bands as possible
                where = np.arange(distance)
            elif spread == 1:  # evenly: the same number in every band
                where = np.arange(distance) * 37 % 256
            elif spread == 2:  # in every second band
                where = np.arange(distance) * 2 % 16 + np.arange(distance) // 8 * 32 % 256
                where = np.unique(where)
            else:
                where = rng.choice(256, distance, replace=False)
            bits[where] ^= 1
            codes.append(np.packbits(bits))
    held = np.array(codes)
    queries = np.concatenate([query[None], held[::29]])
    compare(held, queries, tuple(range(70)), "mih")


def test_auto_takes_the_way_that_costs_less() -> None:
    rng = np.random.default_rng(29)
    few = AutoIndex.build("auto", uniform(rng, 100, 256), bits=256, radius=31)
    assert few.parameters() == {"link_size": None}
    assert "tags" not in few.arrays()
    many = AutoIndex.build("auto", uniform(rng, 50_000, 256), bits=256, radius=31)
    assert many.parameters()["link_size"] is not None
    assert many.way(31, 1) == "mih"
    assert many.way(120, 1) == "scan"
    wide = AutoIndex.build("auto", uniform(rng, 50_000, 256), bits=256, radius=120)
    assert wide.parameters() == {"link_size": None}, "tables would never be used"


def test_costs_grow_as_they_should() -> None:
    radii = [costs.mih_cost(10**7, 16, radius, 1) for radius in range(0, 128, 8)]
    assert radii == sorted(radii)
    rows = [costs.scan_cost(10**n, 32, 31, 1) for n in range(8)]
    assert rows == sorted(rows)
    assert costs.scan_cost(10**6, 32, 31, 1000) < costs.scan_cost(10**6, 32, 31, 1)
    assert costs.mih_work(16, 31)[0] == 16 * 17
    assert costs.binomial_tail(16, 16) == 1.0


@pytest.mark.parametrize("kind", ["auto", "mih"])
@pytest.mark.parametrize("make", [uniform, clustered, skewed])
def test_many_rows_give_what_brute_force_gives(make: type, kind: str) -> None:
    rng = np.random.default_rng(31)
    codes = make(rng, 30_000, 256)
    compare(codes, queries_for(rng, codes, 12), (0, 31, 64), kind)


def test_auto_leaves_queries_that_meet_crowds_to_the_scan() -> None:
    rng = np.random.default_rng(37)
    codes = uniform(rng, 60_000, 256)
    codes[:55_000, :30] = codes[0, :30]  # nearly all equal in every band but the last
    index = AutoIndex.build("auto", codes, bits=256, radius=31)
    assert index.parameters()["link_size"] is not None
    queries = np.concatenate([codes[:1], uniform(rng, 3, 256), near(rng, codes[:2], 10)])
    found = index.search_radius(queries, 31)
    expected = scan_radius(codes, queries, 31)
    np.testing.assert_array_equal(found.offsets, expected.offsets)
    np.testing.assert_array_equal(found.rows, expected.rows)


@pytest.mark.parametrize("kind", ["mih", "auto", "scan"])
def test_nearest_rows_reach_as_far_as_they_must(kind: str) -> None:
    rng = np.random.default_rng(41)
    codes = clustered(rng, 30_000, 256)
    queries = queries_for(rng, codes, 8)
    index = indexes.create(kind, bits=256, codes=codes, radius=31)
    for k in (1, 10, 500):
        found = index.search_nearest(queries, k)
        rows, distances = hamming.search_nearest(codes, queries, k)
        np.testing.assert_array_equal(found.distances, distances)
        np.testing.assert_array_equal(found.rows, rows)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", [k for k in indexes.kinds() if registry.find(k).exact])
@pytest.mark.parametrize("bits", [64, 256])
def test_a_hundred_thousand_rows_give_no_difference(kind: str, bits: int) -> None:
    """Random, clustered, skewed and boundary rows at every radius that matters."""
    rng = np.random.default_rng(43)
    parts = [make(rng, 30_000, bits) for make in (uniform, clustered, skewed)]
    codes = np.concatenate([*parts, near(rng, np.repeat(parts[0][:10], 1000, axis=0), 33)])
    queries = np.concatenate([queries_for(rng, codes, 120), parts[0][:10]])
    index = indexes.create(kind, bits=bits, codes=codes, radius=31 if bits > 64 else 8)
    for radius in (0, 1, 30, 31, 32, 64, 128):
        for start in range(0, len(queries), 40):
            part = queries[start : start + 40]
            found = index.search_radius(part, radius)
            offsets, rows, distances = hamming.search_radius(codes, part, radius)
            np.testing.assert_array_equal(found.offsets, offsets)
            np.testing.assert_array_equal(found.rows, rows)
            np.testing.assert_array_equal(found.distances, distances)
