"""What every kind of index promises, held against a brute-force search."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch import indexes
from hashmatch.errors import IndexArgumentError, IndexCapabilityError
from hashmatch.indexes import registry
from hashmatch.indexes.contract import Index, NearestResult, RadiusResult
from hashmatch.reference import hamming

KINDS = indexes.kinds()
EXACT = [kind for kind in KINDS if registry.find(kind).exact]
WIDTHS = (64, 256)
Codes = NDArray[np.uint8]


def clustered(rng: np.random.Generator, rows: int, bits: int) -> Codes:
    """Return codes of which many lie within a few bits of each other."""
    centres = rng.integers(0, 256, (max(rows // 20, 1), bits // 8), np.uint8)
    codes = centres[rng.integers(0, len(centres), rows)].copy()
    for code in codes:
        for bit in rng.integers(0, bits, rng.integers(0, 40)):
            code[bit >> 3] ^= np.uint8(1 << (bit & 7))
    return codes


def flipped(rng: np.random.Generator, code: Codes, distance: int) -> Codes:
    """Return a code at exactly some distance from another."""
    bits = np.unpackbits(code)
    bits[rng.choice(len(bits), distance, replace=False)] ^= 1
    return np.packbits(bits)


def some_queries(rng: np.random.Generator, codes: Codes, bits: int) -> Codes:
    """Return random queries, and planted ones around the boundaries of the usual radii."""
    queries = [rng.integers(0, 256, bits // 8, np.uint8) for _ in range(3)]
    if len(codes):
        for distance in (0, 1, 4, 15, 30, 31, 32, 33):
            queries.append(flipped(rng, codes[rng.integers(len(codes))], distance))
    return np.array(queries, np.uint8).reshape(len(queries), bits // 8)


def assert_same(
    found: RadiusResult, codes: Codes, queries: Codes, radius: int, **more: Any
) -> None:
    offsets, rows, distances = hamming.search_radius(codes, queries, radius, **more)
    assert found.offsets.dtype == found.rows.dtype == np.int64
    assert found.distances.dtype == np.int32
    np.testing.assert_array_equal(found.offsets, offsets)
    np.testing.assert_array_equal(found.distances, distances)
    np.testing.assert_array_equal(found.rows, rows)


def assert_same_nearest(
    found: NearestResult, codes: Codes, queries: Codes, k: int, **more: Any
) -> None:
    rows, distances = hamming.search_nearest(codes, queries, k, **more)
    np.testing.assert_array_equal(found.distances, distances)
    np.testing.assert_array_equal(found.rows, rows)


def can(index: Index, what: str) -> bool:
    """Say whether a kind has its own way to add or remove; the contract's refuses."""
    return getattr(type(index), what) is not getattr(Index, what)


def reopened(index: Index) -> Index:
    """Store an index and open it on read-only arrays, as a snapshot does."""
    arrays = {}
    for name, array in index.arrays().items():
        copied = np.array(array)
        copied.flags.writeable = False
        arrays[name] = copied
    assert "codes" in arrays
    return registry.restore(
        index.kind,
        arrays,
        bits=index.bits,
        radius=index.radius,
        parameters=index.parameters(),
    )


def test_no_implementation_is_left_unregistered() -> None:
    registered = {registration.load() for registration in registry.registrations()}

    def subclasses(cls: type[Index]) -> Iterator[type[Index]]:
        for sub in cls.__subclasses__():
            yield sub
            yield from subclasses(sub)

    concrete = {sub for sub in subclasses(Index) if not inspect.isabstract(sub)}  # type: ignore[type-abstract]
    ours = {sub for sub in concrete if sub.__module__.startswith("hashmatch.")}
    assert ours == registered
    for registration in registry.registrations():
        assert registry.find(registration.example) is registration.load()


def test_a_default_kind_is_exact() -> None:
    assert registry.find("auto").exact


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("rows", [0, 1, 2, 15, 17, 333, 2051])
def test_an_exact_kind_finds_what_brute_force_finds(kind: str, bits: int, rows: int) -> None:
    rng = np.random.default_rng(rows + bits)
    codes = clustered(rng, rows, bits)
    queries = some_queries(rng, codes, bits)
    index = indexes.create(kind, bits=bits, codes=codes, radius=31)
    assert len(index) == rows
    assert index.bits == bits
    assert index.kind == kind
    for radius in (0, 1, 4, 8, 30, 31, 32, 47, 64, 128, bits, bits + 1, 10_000):
        found = index.search_radius(queries, radius)
        assert_same(found, codes, queries, radius)
        one = index.search_radius(queries[-1:], radius)
        assert_same(one, codes, queries[-1:], radius)
    for k in (0, 1, 3, 50, rows + 2):
        assert_same_nearest(index.search_nearest(queries, k), codes, queries, k)


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("bits", WIDTHS)
def test_equal_and_duplicate_rows_are_all_found(kind: str, bits: int) -> None:
    rng = np.random.default_rng(7)
    code = rng.integers(0, 256, bits // 8, np.uint8)
    equal = np.tile(code, (777, 1))
    twice = np.repeat(clustered(rng, 300, bits), 2, axis=0)
    for codes in (equal, twice):
        queries = some_queries(rng, codes, bits)
        index = indexes.create(kind, bits=bits, codes=codes, radius=31)
        for radius in (0, 4, 31, bits):
            assert_same(index.search_radius(queries, radius), codes, queries, radius)
        assert_same_nearest(index.search_nearest(queries, 5), codes, queries, 5)


@pytest.mark.parametrize("kind", EXACT)
def test_no_queries_give_an_empty_result(kind: str) -> None:
    index = indexes.create(kind, bits=256, codes=np.zeros((3, 32), np.uint8), radius=31)
    none = np.empty((0, 32), np.uint8)
    found = index.search_radius(none, 31)
    assert found.offsets.tolist() == [0]
    assert not len(found.rows)
    assert index.search_nearest(none, 2).rows.shape == (0, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_fit_is_refused(kind: str) -> None:
    codes = np.random.default_rng(1).integers(0, 256, (300, 32), np.uint8)
    index = indexes.create(kind, bits=256, codes=codes, radius=31)
    for wrong in (codes[:, :8], codes.astype(np.int16), codes[0], [[0] * 32]):
        with pytest.raises(IndexArgumentError):
            index.search_radius(wrong, 31)  # type: ignore[arg-type]
        with pytest.raises(IndexArgumentError):
            index.search_nearest(wrong, 1)  # type: ignore[arg-type]
        with pytest.raises(IndexArgumentError):
            indexes.create(kind, bits=256, codes=wrong, radius=31)  # type: ignore[arg-type]
    for radius in (-1, 3.5, True):
        with pytest.raises(IndexArgumentError):
            index.search_radius(codes[:1], radius)  # type: ignore[arg-type]
    with pytest.raises(IndexArgumentError):
        index.search_nearest(codes[:1], -1)
    with pytest.raises(IndexArgumentError):
        indexes.create(kind, bits=255, codes=codes, radius=31)
    with pytest.raises(IndexArgumentError):
        indexes.create(kind, bits=256, codes=codes, radius=31, colour="red")


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(IndexArgumentError, match="scan"):
        indexes.create("tree", bits=64, codes=np.zeros((0, 8), np.uint8), radius=1)


@pytest.mark.parametrize("kind", EXACT)
def test_read_only_and_strided_arrays_are_accepted(kind: str) -> None:
    rng = np.random.default_rng(3)
    codes = clustered(rng, 640, 256)[::2]
    queries = some_queries(rng, codes, 256)
    codes.flags.writeable = queries.flags.writeable = False
    index = indexes.create(kind, bits=256, codes=codes, radius=31)
    assert_same(index.search_radius(queries[::2], 31), codes, queries[::2], 31)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", WIDTHS)
def test_rows_are_added_removed_and_added_again(kind: str, bits: int) -> None:
    if kind == "faiss:BMHash16x16" and bits == 64:
        kind = "faiss:BMHash4x16"
    rng = np.random.default_rng(5)
    codes = clustered(rng, 400, bits)
    index = indexes.create(kind, bits=bits, codes=codes, radius=31)
    more = clustered(rng, 77, bits)
    gone = np.array([0, 5, 5, 399, 400, 476])
    if not can(index, "add") or not can(index, "remove"):
        for refused in ("add", "remove"):
            if not can(index, refused):
                with pytest.raises(IndexCapabilityError, match=re.escape(kind)):
                    getattr(index, refused)(more if refused == "add" else gone)
        return
    index.add(more)
    assert index.remove(gone) == 5
    assert index.remove(gone) == 0
    index.add(more[:9])
    all_codes = np.concatenate([codes, more, more[:9]])
    removed = np.zeros(len(all_codes), bool)
    removed[gone] = True
    assert len(index) == len(all_codes) - 5
    for wrong in ([len(all_codes)], [-1], [0.5]):
        with pytest.raises(IndexArgumentError):
            index.remove(np.array(wrong))
    if not index.exact:
        return
    queries = np.concatenate([some_queries(rng, codes, bits), all_codes[gone]])
    for opened in (index, reopened(index)):
        for radius in (0, 4, 31, bits):
            found = opened.search_radius(queries, radius)
            assert_same(found, all_codes, queries, radius, removed=removed)
        found_nearest = opened.search_nearest(queries, 4)
        assert_same_nearest(found_nearest, all_codes, queries, 4, removed=removed)
        assert len(opened) == len(all_codes) - 5


@pytest.mark.parametrize("kind", EXACT)
def test_many_additions_are_folded_in(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashmatch.indexes.native.FOLD", 100)
    rng = np.random.default_rng(11)
    codes = clustered(rng, 900, 256)
    index = indexes.create(kind, bits=256, codes=codes[:50], radius=31)
    index.remove(np.array([3]))
    for start in range(50, 900, 85):
        index.add(codes[start : start + 85])
    removed = np.arange(900) == 3
    queries = some_queries(rng, codes, 256)
    assert_same(index.search_radius(queries, 31), codes, queries, 31, removed=removed)


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("rows", [0, 1, 500])
def test_a_stored_index_answers_the_same(kind: str, rows: int) -> None:
    rng = np.random.default_rng(rows)
    codes = clustered(rng, rows, 256)
    queries = some_queries(rng, codes, 256)
    opened = reopened(indexes.create(kind, bits=256, codes=codes, radius=31))
    assert len(opened) == rows
    assert_same(opened.search_radius(queries, 31), codes, queries, 31)
    opened.add(codes[:1])
    assert len(opened) == rows + len(codes[:1])


@pytest.mark.parametrize("kind", EXACT)
def test_removing_from_a_stored_index_leaves_the_store_alone(kind: str) -> None:
    codes = clustered(np.random.default_rng(2), 50, 256)
    index = indexes.create(kind, bits=256, codes=codes, radius=31)
    index.remove(np.array([7]))
    opened = reopened(index)
    assert opened.remove(np.array([7, 8])) == 1
    removed = np.isin(np.arange(50), [7, 8])
    assert_same(opened.search_radius(codes, 31), codes, codes, 31, removed=removed)
