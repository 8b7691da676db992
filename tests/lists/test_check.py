"""The list doctor and the quarantine."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch.lists import check as doctor
from hashmatch.lists import readers
from hashmatch.lists.catalog import Catalog
from hashmatch.lists.check import CheckReport, Finding, by_comparison, check
from hashmatch.lists.estimate import balanced, expected
from hashmatch.types import Polarity

Fake = dict[str, Callable[[int], str]]


def balanced_pdq(seed: int) -> str:
    """Return a value with half of its bits set, as those of pictures have."""
    bits = [1] * 128 + [0] * 128
    random.Random(seed).shuffle(bits)
    return np.packbits(np.array(bits, np.uint8)).tobytes().hex()


def flipped(value: str, pairs: int) -> str:
    """Return a value ``2 * pairs`` bits away, still balanced."""
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(value), np.uint8))
    places = [np.flatnonzero(bits == wanted)[5 : 5 + pairs] for wanted in (0, 1)]
    bits[np.concatenate(places)] ^= 1
    return np.packbits(bits).tobytes().hex()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.open(tmp_path / "catalog.db") as opened:
        yield opened


def add(
    catalog: Catalog,
    name: str,
    text: str,
    polarity: Polarity = Polarity.KNOWN_BAD,
    hash_type: str | None = None,
    **options: Any,
) -> None:
    path = catalog.path.parent / f"{name}.txt"
    path.write_text(text)
    reading = readers.read([path], hash_type=hash_type)
    catalog.import_list(
        name, reading, source_files=[path], format=reading.format, polarity=polarity, **options
    )


def pdqs(values: Sequence[str]) -> str:
    return "".join(f"{value}\n" for value in values)


def found(report: CheckReport, kind: str) -> Finding:
    (finding,) = (f for f in report.findings if f.kind == kind)
    return finding


def test_an_ordinary_list_is_sound(catalog: Catalog) -> None:
    add(catalog, "a", pdqs([balanced_pdq(n) for n in range(200)]), hash_type="pdq")
    report = check(catalog, "a")
    assert report.sound
    assert report.findings == []
    (estimate,) = report.estimates
    assert estimate.per_million < 1e-15
    assert report.to_json()["sound"] is True


def test_values_no_picture_has_are_found_and_can_be_held(catalog: Catalog) -> None:
    unbalanced = ["00" * 31 + "0f", "ff" * 24 + "00" * 8]
    repeated = "0f0f" * 16
    add(catalog, "a", pdqs([balanced_pdq(1), *unbalanced, repeated]), hash_type="pdq")
    report = check(catalog, "a")
    assert not report.sound
    assert found(report, "unbalanced").count == 2
    assert found(report, "repeated-rows").count == 1
    holds = found(report, "unbalanced").holds + found(report, "repeated-rows").holds
    assert catalog.hold("a", holds) == 3
    with catalog.export() as export:
        (batch,) = export
    assert len(batch.values["pdq"][0]) == 1
    assert export.left_out == {"pdq value in quarantine": 3}
    assert found(check(catalog, "a"), "unbalanced").count == 2, "held entries stay on the list"


def test_contradicting_categories_are_named(catalog: Catalog, fake: Fake) -> None:
    md5 = fake["md5"]
    rows = [("a", md5(1), "1"), ("b", md5(1), "2"), ("c", md5(2), "1"), ("d", md5(2), "1")]
    text = "id,md5,category\n" + "".join(f"{i},{m},{c}\n" for i, m, c in rows)
    add(catalog, "a", text, scheme="us")
    report = check(catalog, "a")
    finding = found(report, "conflicting-categories")
    assert sorted(finding.entry_ids) == ["a", "b"]
    assert found(report, "repeated-values").count == 2


def test_hits_on_a_known_good_list_are_found_and_can_be_held(catalog: Catalog, fake: Fake) -> None:
    md5 = fake["md5"]
    add(catalog, "bad", "".join(f"{md5(n)}\n" for n in range(10)))
    add(catalog, "good", "".join(f"{md5(n)}\n" for n in (3, 4, 99)), Polarity.KNOWN_GOOD)
    report = check(catalog, "bad")
    finding = found(report, "known-good")
    assert (finding.count, "good" in finding.message) == (2, True)
    catalog.hold("bad", finding.holds)
    with catalog.export() as export:
        hexes = {
            codes.tobytes().hex()
            for batch in export
            for codes in batch.values["md5"][0]
            if export.lists
        }
    assert {md5(3), md5(4)} <= hexes, "the known-good list still has them"
    assert export.left_out == {"md5 value in quarantine": 2}
    assert check(catalog, "good").sound


def test_near_values_of_the_other_polarity_are_found(catalog: Catalog) -> None:
    bad = [balanced_pdq(n) for n in range(50)]
    good = [flipped(bad[7], 15), flipped(bad[9], 16), *(balanced_pdq(n) for n in range(90, 99))]
    add(catalog, "bad", pdqs(bad), hash_type="pdq")
    add(catalog, "good", pdqs(good), Polarity.KNOWN_GOOD, hash_type="pdq")
    names = {e.hashes[0].hex: e.entry_id for e in catalog.entries("bad")}
    finding = found(check(catalog, "bad"), "across-polarities")
    assert finding.entry_ids == [names[bad[7]]]
    add(
        catalog,
        "bad",
        pdqs(bad),
        hash_type="pdq",
        category_thresholds={"1": {"pdq": (32, 50)}},
    )
    finding = found(check(catalog, "bad"), "across-polarities")
    assert set(finding.entry_ids) == {names[bad[7]], names[bad[9]]}


def test_a_search_is_used_where_one_is_given(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "MOST_PAIRS", 1)
    bad = [balanced_pdq(n) for n in range(5)]
    add(catalog, "bad", pdqs(bad), hash_type="pdq")
    add(catalog, "good", pdqs(bad[:2]), Polarity.KNOWN_GOOD, hash_type="pdq")
    assert "without an index" in found(check(catalog, "bad"), "not-checked").message
    calls = []

    def search(
        codes: NDArray[np.uint8], queries: NDArray[np.uint8], bits: int, radius: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        calls.append((len(codes), len(queries), bits, radius))
        return by_comparison(codes, queries, bits, radius)

    assert found(check(catalog, "bad", search=search), "across-polarities").count == 2
    assert calls == [(5, 2, 256, 31)]


@pytest.mark.parametrize(("size", "radius"), [(8, 26), (5, 14)])
def test_comparison_finds_every_pair(size: int, radius: int) -> None:
    source = np.random.default_rng(5)
    codes = source.integers(0, 256, (40, size), np.uint8)
    queries = source.integers(0, 256, (30, size), np.uint8)
    query, code = by_comparison(codes, queries, 8 * size, radius)
    expected_pairs = {
        (q, c)
        for q in range(30)
        for c in range(40)
        if np.unpackbits(queries[q] ^ codes[c]).sum() <= radius
    }
    assert set(zip(query.tolist(), code.tolist(), strict=True)) == expected_pairs
    assert expected_pairs


def test_thresholds_that_match_by_chance_are_warned_of(catalog: Catalog) -> None:
    values = [hashlib.sha256(b"%d" % n).hexdigest()[:16] for n in range(1000)]
    add(catalog, "a", pdqs(values), hash_type="dhash", thresholds={"dhash": (10, 50)})
    assert "by chance" in found(check(catalog, "a"), "chance-matches").message


@pytest.mark.parametrize(
    ("bits", "distance", "share"),
    [
        (256, 31, 3.1e-38),
        (256, 30, 3.1e-38),
        (256, 40, 2.6e-30),
        (256, 50, 1.2e-23),
        (256, 60, 4.5e-18),
        (256, 70, 2.1e-13),
        (64, 4, 1.4e-13),
        (64, 8, 7.2e-10),
        (64, 10, 2.3e-8),
        (64, 12, 4.7e-7),
    ],
)
def test_the_share_of_chance_matches(bits: int, distance: int, share: float) -> None:
    assert balanced(bits, distance) == pytest.approx(share, rel=0.05)


def test_estimates_grow_with_list_and_distance() -> None:
    near, far = expected("pdq", 31, 1000), expected("pdq", 60, 1000)
    assert near.per_million < far.per_million
    assert expected("pdq", 31, 2000).per_million == pytest.approx(2 * near.per_million)
    assert expected("ahash", 64, 1).probability == 1.0


def test_what_was_released_is_not_held_again(catalog: Catalog) -> None:
    text = pdqs(["00" * 32, "ff" * 32, balanced_pdq(1)])
    add(catalog, "a", text, hash_type="pdq")
    held = catalog.held("a")
    assert [(h.hash_type, h.released) for h in held] == [("pdq", False)] * 2
    generation = catalog.generation
    assert catalog.release("a", [held[0].entry_id]) == 1
    assert catalog.generation > generation
    add(catalog, "a", text, hash_type="pdq")
    assert [h.entry_id for h in catalog.held("a")] == [held[1].entry_id]
    assert len(catalog.held("a", released=True)) == 2
    with catalog.export() as export:
        (batch,) = export
    assert len(batch.values["pdq"][0]) == 2
    assert catalog.release("a", reason="another reason") == 0
    assert catalog.release("a") == 1
    assert catalog.held("a") == []


def test_whole_entries_can_be_held(catalog: Catalog, fake: Fake) -> None:
    from hashmatch.lists.screen import Hold

    add(catalog, "a", "".join(f"{fake['md5'](n)}\n" for n in range(3)))
    (block,) = catalog.blocks("a")
    key, entry_id = block.keys()[1].tobytes(), block.entry_ids()[1]
    catalog.hold("a", [Hold(key, "", entry_id, "under review")])
    with catalog.export() as export:
        (batch,) = export
    assert len(batch.records) == len(batch.values["md5"][0]) == 2
    assert export.left_out == {"in quarantine": 1}
