"""The catalog: versions, rules, transactions, export."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashmatch.errors import CatalogError, ListFormatError, MatcherConfigError
from hashmatch.lists import readers
from hashmatch.lists.catalog import Catalog
from hashmatch.lists.info import ImportReport, Mode
from hashmatch.types import Polarity

EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def md5(text: object) -> str:
    return hashlib.md5(str(text).encode()).hexdigest()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.open(tmp_path / "catalog.db") as opened:
        yield opened


def add(
    catalog: Catalog,
    lines: Sequence[str],
    name: str = "list",
    polarity: Polarity = Polarity.KNOWN_BAD,
    hash_type: str | None = None,
    format_name: str | None = None,
    **options: Any,
) -> ImportReport:
    path = catalog.path.parent / "source.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    reading = readers.read([path], format_name, hash_type)
    return catalog.import_list(
        name, reading, source_files=[path], format=reading.format, polarity=polarity, **options
    )


def hexes(catalog: Catalog, name: str = "list", **options: Any) -> set[str]:
    return {v.hex for e in catalog.entries(name, **options) for v in e.hashes}


def test_a_first_import(catalog: Catalog) -> None:
    report = add(catalog, [md5(n) for n in range(10)])
    assert (report.version, report.added, report.values) == (1, 10, {"md5": 10})
    (info,) = catalog.lists()
    assert (info.name, info.version, info.polarity, info.entries) == (
        "list",
        1,
        Polarity.KNOWN_BAD,
        10,
    )
    assert hexes(catalog) == {md5(n) for n in range(10)}
    assert json.dumps(info.to_json())


def test_a_second_version_adds_changes_and_removes(catalog: Catalog) -> None:
    add(catalog, [f"{md5(n)}  {n}" for n in range(10)])
    changed = [f"{md5(n)}  {n}" for n in range(2, 9)] + [f"{md5(9)}  nine", f"{md5(10)}  10"]
    report = add(catalog, changed)
    assert (report.version, report.added, report.changed, report.removed, report.unchanged) == (
        2,
        1,
        1,
        2,
        7,
    )
    assert hexes(catalog) == {md5(n) for n in range(2, 11)}
    assert {e.metadata["file_name"] for e in catalog.entries("list")} == {
        *map(str, range(2, 9)),
        "nine",
        "10",
    }
    assert hexes(catalog, version=1) == {md5(n) for n in range(10)}
    assert [(v.version, v.live, v.entries) for v in catalog.versions("list")] == [
        (1, False, 10),
        (2, True, 9),
    ]


def test_a_delta_keeps_what_it_does_not_mention(catalog: Catalog) -> None:
    add(catalog, [f"{md5(n)}  {n}" for n in range(10)])
    report = add(catalog, [f"{md5(0)}  zero", f"{md5(99)}  99", f"{md5(1)}  1"], mode=Mode.DELTA)
    assert (report.added, report.changed, report.removed, report.unchanged) == (1, 1, 0, 9)
    names = {e.metadata["file_name"] for e in catalog.entries("list")}
    assert names == {"zero", "99", *map(str, range(1, 10))}


def test_ids_survive_a_reordered_import(catalog: Catalog) -> None:
    add(catalog, [md5(n) for n in range(50)])
    before = {e.hashes[0].hex: e.entry_id for e in catalog.entries("list")}
    add(catalog, [md5(n) for n in reversed(range(25, 75))])
    after = {e.hashes[0].hex: e.entry_id for e in catalog.entries("list")}
    assert all(after[value] == before[value] for value in set(before) & set(after))
    assert len(set(after.values())) == 50
    assert all(value not in entry_id for value, entry_id in after.items())


def test_repeated_rows_are_counted_once(catalog: Catalog) -> None:
    report = add(catalog, [md5(1), md5(2), md5(1), md5(1)])
    assert (report.added, report.left_out) == (2, {"duplicate": 2})
    report = add(catalog, [md5(1), md5(1), md5(2)])
    assert (report.unchanged, report.left_out) == (2, {"duplicate": 1})


def test_repeated_values_that_say_different_things_are_both_kept(catalog: Catalog) -> None:
    report = add(catalog, [f"{md5(1)}  one", f"{md5(1)}  another", f"{md5(1)}  one"])
    assert (report.added, report.left_out) == (2, {"duplicate": 1})
    assert {e.metadata["file_name"] for e in catalog.entries("list")} == {"one", "another"}
    report = add(catalog, [f"{md5(1)}  one", f"{md5(1)}  third"])
    assert (report.added, report.changed, report.removed, report.unchanged) == (0, 1, 0, 1)


def test_hashes_of_empty_files_are_dropped_and_counted(catalog: Catalog) -> None:
    report = add(catalog, [md5(1), EMPTY_MD5, EMPTY_MD5.upper()])
    assert (report.added, report.left_out) == (1, {"hash of an empty file": 2})


def test_uniform_values_are_held(catalog: Catalog) -> None:
    add(catalog, ["00" * 32, "ff" * 32, "0f" * 32], hash_type="pdq")
    with catalog.export() as export:
        (batch,) = export
        codes, _, _ = batch.values["pdq"]
    assert codes.tolist() == [[0x0F] * 32]
    assert export.left_out == {"pdq value in quarantine": 2}
    assert len(batch.records) == 3


def test_an_import_that_breaks_off_leaves_the_catalog_as_it_was(catalog: Catalog) -> None:
    add(catalog, [md5(1)])
    generation = catalog.generation
    ambiguous = [md5(n) for n in range(200_000)] + ["ab" * 32]
    with pytest.raises(ListFormatError, match="--type"):
        add(catalog, ambiguous)
    assert hexes(catalog) == {md5(1)}
    assert catalog.generation == generation
    with pytest.raises(ListFormatError, match="no entry that can be used"):
        add(catalog, ["nothing"] * 5, format_name="text")
    assert hexes(catalog) == {md5(1)}


def test_an_interrupt_leaves_the_catalog_as_it_was(catalog: Catalog) -> None:
    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add(catalog, [md5(1)], progress=interrupt)
    assert catalog.lists() == []
    assert add(catalog, [md5(1)]).added == 1


def test_a_dry_run_tells_and_changes_nothing(catalog: Catalog) -> None:
    add(catalog, [md5(n) for n in range(5)])
    generation = catalog.generation
    report = add(catalog, [md5(n) for n in range(2, 7)], dry_run=True)
    assert (report.added, report.removed, report.unchanged, report.dry_run) == (2, 2, 3, True)
    assert hexes(catalog) == {md5(n) for n in range(5)}
    assert catalog.generation == generation
    assert len(catalog.versions("list")) == 1


def test_a_large_shrinkage_is_warned_of(catalog: Catalog) -> None:
    add(catalog, [md5(n) for n in range(10)])
    (warning,) = add(catalog, [md5(0)]).warnings
    assert "9 of 10 entries are not in the new version" in warning


def test_polarity_cannot_change(catalog: Catalog) -> None:
    add(catalog, [md5(1)])
    with pytest.raises(CatalogError, match="is a known-bad list"):
        add(catalog, [md5(1)], polarity=Polarity.KNOWN_GOOD)


def test_rules_are_kept_and_added_to(catalog: Catalog) -> None:
    add(catalog, ["0f" * 32], hash_type="pdq", thresholds={"pdq": (20, 60)}, scheme="us")
    add(
        catalog,
        ["0f" * 32],
        hash_type="pdq",
        category_thresholds={"1": {"pdq": (40, 50)}},
        held_categories=["0"],
    )
    info = catalog.list_info("list")
    assert info.thresholds == {"pdq": (20, 60)}
    assert info.category_thresholds == {"1": {"pdq": (40, 50)}}
    assert info.held_categories == ("0",)
    assert info.scheme == "us"


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"pdq": (257, 50)}, "between 0 and 256 bits"),
        ({"phash": (-1, 50)}, "between 0 and 64 bits"),
        ({"pdq": (31, 101)}, "between 0 and 100"),
        ({"md5": (0, 0)}, "equality only"),
    ],
)
def test_thresholds_an_index_cannot_honour_are_refused(
    catalog: Catalog, thresholds: dict[str, tuple[int, int]], message: str
) -> None:
    with pytest.raises(MatcherConfigError, match=message):
        add(catalog, [md5(1)], thresholds=thresholds)
    assert catalog.lists() == []


def test_an_unknown_list_is_named_with_those_there_are(catalog: Catalog) -> None:
    add(catalog, [md5(1)], "hotline")
    for call in (
        catalog.list_info,
        catalog.versions,
        catalog.remove,
        lambda n: list(catalog.entries(n)),
    ):
        with pytest.raises(
            CatalogError, match="no list 'other' in the catalog; there are: hotline"
        ):
            call("other")


def test_removing_a_list_leaves_the_others(catalog: Catalog) -> None:
    add(catalog, [md5(1)], "a")
    add(catalog, [md5(2)], "b")
    generation = catalog.generation
    catalog.remove("a")
    assert [info.name for info in catalog.lists()] == ["b"]
    assert catalog.generation > generation
    connection = sqlite3.connect(catalog.path)
    assert connection.execute("SELECT count(*) FROM blocks").fetchone() == (1,)
    connection.close()
    assert bytes.fromhex(md5(1)) not in catalog.path.read_bytes()


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
def test_unprintable_names_are_refused(catalog: Catalog, name: str) -> None:
    with pytest.raises(CatalogError, match="printable"):
        add(catalog, [md5(1)], name)


def test_the_export_numbers_entries_over_all_lists(catalog: Catalog) -> None:
    add(catalog, [md5(n) for n in range(3)], "a")
    add(catalog, ["0f" * 32, "f0" * 32], "b", hash_type="pdq")
    with catalog.export() as export:
        batches = list(export)
        assert [info.name for info in export.lists] == ["a", "b"]
        assert export.generation == catalog.generation
    records = [json.loads(record) for batch in batches for record in batch.records]
    assert [record["list"] for record in records] == [0, 0, 0, 1, 1]
    codes, entries, qualities = batches[1].values["pdq"]
    assert codes.dtype == qualities.dtype == np.uint8
    assert entries.dtype == np.uint32
    assert entries.tolist() == [3, 4]
    assert qualities.tolist() == [255, 255]
    assert len({record["id"] for record in records}) == 5


def test_the_export_is_of_one_moment(catalog: Catalog) -> None:
    add(catalog, [md5(n) for n in range(3)])
    with Catalog.open(catalog.path) as reader, reader.export() as export:
        add(catalog, [md5(9)])
        assert sum(len(batch.records) for batch in export) == 3
    assert catalog.list_info("list").entries == 1


def test_files_are_private(catalog: Catalog) -> None:
    add(catalog, [md5(1)])
    for path in catalog.path.parent.glob("catalog.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_catalog_others_can_read_is_refused_unless_that_is_meant(
    catalog: Catalog, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(catalog, [md5(1)])
    catalog.path.chmod(0o640)
    with pytest.raises(CatalogError, match="chmod 600"):
        Catalog.open(catalog.path)
    with caplog.at_level(logging.WARNING, "hashmatch.lists"):
        Catalog.open(catalog.path, allow_shared=True).close()
        monkeypatch.setenv("HASHMATCH_ALLOW_SHARED_CATALOG", "1")
        Catalog.open(catalog.path).close()
    assert len(caplog.records) == 2


def test_a_missing_catalog_is_not_made_by_readers(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="hashmatch list import"):
        Catalog.open(tmp_path / "none.db", create=False)
    assert not (tmp_path / "none.db").exists()


def test_what_is_no_catalog_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    other.chmod(0o600)
    before = other.read_bytes()
    with pytest.raises(CatalogError, match="another program"):
        Catalog.open(other)
    assert other.read_bytes() == before
    noise = tmp_path / "noise.db"
    noise.write_bytes(os.urandom(8192))
    noise.chmod(0o600)
    with pytest.raises(CatalogError, match="damaged or no catalog"):
        Catalog.open(noise)


def test_a_newer_schema_is_named(catalog: Catalog) -> None:
    connection = sqlite3.connect(catalog.path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(CatalogError, match="schema 99, made by a newer hashmatch"):
        Catalog.open(catalog.path)


def test_category_codes_without_a_scheme_are_kept_with_a_warning(catalog: Catalog) -> None:
    path = catalog.path.parent / "list.csv"
    path.write_text(f"md5,category\n{md5(1)},1\n{md5(2)},7\n{md5(3)},\n")

    def bring(scheme: str | None) -> ImportReport:
        reading = readers.read([path], scheme=scheme)
        return catalog.import_list(
            "list",
            reading,
            source_files=[path],
            format="csv",
            polarity=Polarity.KNOWN_BAD,
            scheme=scheme,
        )

    (warning,) = bring(None).warnings
    assert warning.startswith("2 entries have a category code, but no scheme")
    (warning,) = bring("us").warnings
    assert "1 entries have category codes that scheme 'us' has no label for" in warning
    shown = {e.category.code: e.category for e in catalog.entries("list") if e.category}
    assert shown["1"].label == "Child Abuse Material (CAM)"
    assert shown["7"].label is None
    with catalog.export() as export:
        (batch,) = export
    records = [json.loads(record) for record in batch.records]
    assert records[0]["category"] == {
        "scheme": "us",
        "code": "1",
        "label": "Child Abuse Material (CAM)",
    }
