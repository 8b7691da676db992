"""The FAISS kinds: what they promise, what they refuse, and the recall they state."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch import indexes
from hashmatch.errors import IndexArgumentError, IndexCapabilityError
from hashmatch.indexes import registry
from hashmatch.indexes.recall import measure
from hashmatch.reference import hamming

APPROXIMATE = [kind for kind in indexes.kinds() if not registry.find(kind).exact]
WITH_RADIUS = [kind for kind in APPROXIMATE if "HNSW" not in kind]


def test_every_kind_of_faiss_is_there() -> None:
    assert [kind for kind in indexes.kinds() if kind.startswith("faiss:")] == [
        "faiss:BFlat",
        "faiss:BIVF1024",
        "faiss:BHNSW32",
        "faiss:BHash16",
        "faiss:BMHash16x16",
    ]


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_an_approximate_kind_states_its_recall(kind: str) -> None:
    codes = np.random.default_rng(1).integers(0, 256, (5000, 32), np.uint8)
    index = indexes.create(kind, bits=256, codes=codes, radius=31)
    stated = index.parameters()["recall"]
    assert stated["radius"] == 31
    assert stated["queries"] == 500
    assert stated["by"] == ("nearest" if "HNSW" in kind else "radius")
    assert 0.5 < stated["share"] <= 1.0
    again = measure(index, codes, 31)
    assert again is not None
    assert again.share == pytest.approx(stated["share"], abs=0.05)


def test_recall_is_seen_to_be_bad_where_it_is() -> None:
    """The measurement itself: an index that holds half of the rows finds half of them."""
    codes = np.random.default_rng(1).integers(0, 256, (2000, 32), np.uint8)
    half = indexes.create("scan", bits=256, codes=codes[:1000], radius=31)
    seen = measure(half, codes, 31)
    assert seen is not None
    assert 0.4 < seen.share < 0.6


@pytest.mark.parametrize("kind", WITH_RADIUS)
def test_what_an_approximate_kind_finds_is_true(kind: str) -> None:
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 256, (3000, 32), np.uint8)
    flips = rng.choice(np.array([0, 1], np.uint8), (40, 32), p=[0.9, 0.1])
    queries: NDArray[np.uint8] = codes[:40] ^ flips
    found = indexes.create(kind, bits=256, codes=codes, radius=31).search_radius(queries, 31)
    offsets, rows, distances = hamming.search_radius(codes, queries, 31)
    for query in range(40):
        span = slice(offsets[query], offsets[query + 1])
        true = dict(zip(rows[span].tolist(), distances[span].tolist(), strict=True))
        got = dict(zip(*(part.tolist() for part in found.of(query)), strict=True))
        assert got.items() <= true.items()
    assert len(found.rows) >= 0.5 * len(rows)


@pytest.mark.parametrize("kind", APPROXIMATE)
@pytest.mark.parametrize("rows", [0, 1, 2, 40])
def test_a_handful_of_rows_is_found(kind: str, rows: int) -> None:
    """FAISS's multi-hash is said to lose a list of one hash, and IVF cannot train on few."""
    codes = np.random.default_rng(3).integers(0, 256, (rows, 32), np.uint8)
    index = indexes.create(kind, bits=256, codes=codes, radius=31)
    assert len(index) == rows
    nearest = index.search_nearest(codes, 1)
    assert nearest.rows[:, 0].tolist() == list(range(rows))
    if kind in WITH_RADIUS:
        assert index.search_radius(codes, 0).rows.tolist() == list(range(rows))


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_a_stored_approximate_index_answers_the_same(kind: str) -> None:
    codes = np.random.default_rng(4).integers(0, 256, (4000, 32), np.uint8)
    index = indexes.create(kind, bits=256, codes=codes, radius=31)
    opened = registry.restore(
        kind, dict(index.arrays()), bits=256, radius=31, parameters=index.parameters()
    )
    assert opened.parameters() == index.parameters()
    for one, other in ((index, opened),):
        np.testing.assert_array_equal(
            one.search_nearest(codes[:50], 3).distances,
            other.search_nearest(codes[:50], 3).distances,
        )
        if kind in WITH_RADIUS:
            np.testing.assert_array_equal(
                one.search_radius(codes[:50], 31).rows, other.search_radius(codes[:50], 31).rows
            )


def test_multi_hash_misses_nothing_within_the_radius_it_is_built_for() -> None:
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 256, (4000, 32), np.uint8)
    index = indexes.create("faiss:BMHash16x16", bits=256, codes=codes, radius=31)
    assert index.parameters()["recall"]["share"] == 1.0


def test_what_faiss_cannot_do_is_refused() -> None:
    codes = np.random.default_rng(6).integers(0, 256, (200, 32), np.uint8)
    for kind in ("faiss:BHNSW32", "faiss:BHash16", "faiss:BMHash16x16"):
        index = indexes.create(kind, bits=256, codes=codes, radius=31)
        with pytest.raises(IndexCapabilityError, match="cannot remove"):
            index.remove(np.array([1]))
    graph = indexes.create("faiss:BHNSW16", bits=256, codes=codes, radius=31)
    with pytest.raises(IndexCapabilityError, match="no radius search"):
        graph.search_radius(codes[:1], 31)


@pytest.mark.parametrize(
    "kind",
    ["faiss:BIVF0", "faiss:BHash0", "faiss:BHash40", "faiss:BMHash0x16", "faiss:BMHash32x16",
     "faiss:BHNSW1", "faiss:IVF10", "faiss:BPQ8"],
)  # fmt: skip
def test_numbers_that_make_no_sense_are_refused(kind: str) -> None:
    with pytest.raises(IndexArgumentError):
        indexes.create(kind, bits=256, codes=np.zeros((100, 32), np.uint8), radius=31)
