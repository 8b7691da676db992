"""VICS: its shapes, and the defects seen in real exports."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hashmatch.errors import ListFormatError
from hashmatch.lists import readers
from hashmatch.lists.catalog import Catalog
from hashmatch.lists.info import ImportReport
from hashmatch.types import Entry, Polarity

Fake = dict[str, Callable[[int], str]]
CONTEXT = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#Media"


def read(tmp_path: Path, document: Any, **options: Any) -> tuple[readers.Reading, list[Entry]]:
    path = tmp_path / "set.json"
    if isinstance(document, bytes):
        path.write_bytes(document)
    else:
        path.write_text(document if isinstance(document, str) else json.dumps(document))
    reading = readers.read([path], "vics", **options)
    return reading, list(reading.entries())


def hash_set(*records: Any) -> dict[str, Any]:
    return {"@odata.context": CONTEXT, "value": list(records)}


def hexes(entries: list[Entry]) -> list[str]:
    return [value.hex for entry in entries for value in entry.hashes]


@pytest.mark.parametrize(
    "context",
    [
        {"odata.metadata": "http://github.com/ICMEC/ProjectVic/DataModels/1.1.xml#Media"},
        {"odata.metadata": "http://github.com/ICMEC/ProjectVic/DataModels/1.2.xml#Media"},
        {"odata.metadata": "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Cases"},
        {"@odata.context": CONTEXT.replace("/US/", "/UK/")},
        {"@odata.context": CONTEXT.replace("/US/", "/Default/").upper()},
    ],
    ids=["1.1", "1.2", "1.3 with the wrong suffix", "2.0 UK", "2.0 in capitals"],
)
def test_all_versions_and_regions(tmp_path: Path, fake: Fake, context: dict[str, str]) -> None:
    reading, entries = read(tmp_path, {**context, "value": [{"MediaID": 1, "MD5": fake["md5"](1)}]})
    assert hexes(entries) == [fake["md5"](1)]
    assert not reading.warnings


def test_an_unknown_version_is_read_with_a_warning(tmp_path: Path, fake: Fake) -> None:
    context = {"@odata.context": "http://example.org/3.7#Media"}
    reading, entries = read(tmp_path, {**context, "value": [{"MD5": fake["md5"](1)}]})
    assert len(entries) == 1
    assert "read by its structure" in reading.warnings[0]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda r: {"value": r, "@odata.context": CONTEXT},
        lambda r: r,
        lambda r: {"Media": r},
        lambda r: {"media": r},
        lambda r: {"objects": r},
        lambda r: {"data": r},
        lambda r: r[0],
        lambda r: {"value": [{"Media": r, "CaseID": "x"}]},
        lambda r: {"value": [{"CaseID": "x", "Media": r, "TotalMediaFiles": 99}]},
        lambda r: [{"Media": r}],
        lambda r: {"value": [{"CaseID": "empty", "Media": []}, {"CaseID": "x", "Media": r}]},
    ],
    ids=[
        "context after value", "bare array", "Media", "media", "objects", "data", "single record",
        "case", "case with fields on both sides", "bare array of cases",
        "second case",
    ],
)  # fmt: skip
def test_the_structure_decides(tmp_path: Path, fake: Fake, wrap: Callable[[Any], Any]) -> None:
    reading, entries = read(tmp_path, wrap([{"MediaID": 1, "MD5": fake["md5"](1)}]))
    assert hexes(entries) == [fake["md5"](1)]
    assert reading.problems.count == 0


def test_records_and_cases_mixed_lose_nothing(tmp_path: Path, fake: Fake) -> None:
    first, second, third = ({"MediaID": n, "MD5": fake["md5"](n)} for n in range(3))
    _, entries = read(tmp_path, hash_set(first, {"Media": [second]}, third))
    assert sorted(hexes(entries)) == sorted(fake["md5"](n) for n in range(3))
    _, entries = read(tmp_path, hash_set({"CaseID": "x", "Media": [first]}, second, third))
    assert sorted(hexes(entries)) == sorted(fake["md5"](n) for n in range(3))


def test_cases_larger_than_what_is_held_at_a_time(tmp_path: Path, fake: Fake) -> None:
    media = [{"MediaID": n, "MD5": fake["md5"](n), "Comments": "x" * 500} for n in range(6000)]
    large = {"CaseID": "a", "Media": media[:5000], "Vendor": [1]}
    small = {"Media": media[5000:], "CaseID": "b"}
    reading, entries = read(tmp_path, {"value": [large, small], "After": True})
    assert len(entries) == 6000
    assert reading.problems.count == 0
    assert reading.envelope["documents"] == [
        {"After": True, "value": [{"CaseID": "a", "Vendor": [1]}, {"CaseID": "b"}]}
    ]


def test_a_record_larger_than_what_is_held_at_a_time(tmp_path: Path, fake: Fake) -> None:
    big = {"MD5": fake["md5"](1), "Comments": "y" * 3_000_000}
    reading, entries = read(tmp_path, hash_set({"MD5": fake["md5"](0)}, big))
    assert hexes(entries) == [fake["md5"](0), fake["md5"](1)]
    assert reading.problems.count == 0


def test_records_that_hold_objects_beginning_like_records(tmp_path: Path, fake: Fake) -> None:
    def record(number: int) -> dict[str, Any]:
        inner = [{"MD5": fake["md5"](number), "x": "y" * 50} for _ in range(number % 4)]
        return {"MD5": fake["md5"](number), "Vendor": inner, "Comments": "}, {"}

    records = [record(n) for n in range(9000)]
    for separators in ((",", ":"), (", ", ": "), (",\n  ", " : ")):
        text = json.dumps(hash_set(*records), separators=separators)
        reading, entries = read(tmp_path, text)
        assert hexes(entries) == [fake["md5"](n) for n in range(9000)]
        assert reading.problems.count == 0


def test_a_byte_order_mark_does_no_harm(tmp_path: Path, fake: Fake) -> None:
    text = json.dumps(hash_set({"MD5": fake["md5"](1)}))
    for data in (text.encode("utf-8-sig"), text.encode("utf-16")):
        _, entries = read(tmp_path, data)
        assert hexes(entries) == [fake["md5"](1)]


def test_a_category_may_be_number_text_zero_or_nothing(tmp_path: Path, fake: Fake) -> None:
    given = [1, "2", 0, None, " ", 3.0]
    records = [{"MD5": fake["md5"](n), "Category": code} for n, code in enumerate(given)]
    _, entries = read(tmp_path, hash_set(*records, {"MD5": fake["md5"](9)}), scheme="us")
    codes = [entry.category.code if entry.category else None for entry in entries]
    assert codes == ["1", "2", "0", None, None, "3", None]


def test_flags_may_be_text(tmp_path: Path, fake: Fake) -> None:
    record = {
        "MD5": fake["md5"](1),
        "VictimIdentified": "false",
        "IsDistributed": "True",
        "IsSuspected": False,
        "OffenderIdentified": None,
        "MediaSize": "1234",
    }
    _, (entry,) = read(tmp_path, hash_set(record))
    assert entry.metadata == {
        "VictimIdentified": False,
        "IsDistributed": True,
        "IsSuspected": False,
        "MediaSize": 1234,
    }


def test_a_record_without_usable_hash_is_counted(tmp_path: Path, fake: Fake) -> None:
    reading, entries = read(
        tmp_path,
        hash_set(
            {"MD5": "", "MediaID": 1}, {"MD5": fake["md5"](1)}, {"MD5": 17}, "x", {"MD5": "zz"}
        ),
    )
    assert hexes(entries) == [fake["md5"](1)]
    assert [p.place for p in reading.problems.shown] == [
        "record 1",
        "record 3",
        "record 3",
        "record 4",
        "record 5",
        "record 5",
    ]


def test_hashes_hide_in_several_places(tmp_path: Path, fake: Fake) -> None:
    record = {
        "MD5": fake["md5"](1).upper(),
        "AlternativeHashes": [
            {"MD5": fake["md5"](1), "HashName": "PhotoDNA", "HashValue": fake["photodna"](1)},
            {"HashName": "SHA-1", "HashValue": fake["sha1"](1)},
            {"HashName": "Tiger", "HashValue": "kept as it is"},
        ],
    }
    _, (entry,) = read(tmp_path, hash_set(record))
    assert [v.hash_type for v in entry.hashes] == ["md5", "photodna", "sha1"]
    assert entry.metadata == {
        "AlternativeHashes": [{"HashName": "Tiger", "HashValue": "kept as it is"}]
    }


def test_link_noise_and_media_ids_are_dropped(tmp_path: Path, fake: Fake) -> None:
    record = {
        "MD5": fake["md5"](1),
        "MediaID": 7,
        "odata.id": "x",
        "MediaFiles@odata.navigationLinkUrl": "x",
        "Vendor": {"nested": [1, {"a": None}]},
    }
    _, (entry,) = read(tmp_path, hash_set(record))
    assert entry.metadata == {"Vendor": {"nested": [1, {"a": None}]}}


def test_the_records_own_md5_is_not_repeated_in_metadata(tmp_path: Path, fake: Fake) -> None:
    files = [{"MD5": fake["md5"](1).upper(), "FileName": "a"}, {"MD5": fake["md5"](2)}]
    _, (entry,) = read(tmp_path, hash_set({"MD5": fake["md5"](1), "MediaFiles": files}))
    assert entry.metadata["MediaFiles"] == [{"FileName": "a"}, {"MD5": fake["md5"](2)}]


def test_a_name_that_comes_twice_loses_no_hash(tmp_path: Path, fake: Fake) -> None:
    one, two = fake["md5"](1), fake["md5"](2)
    text = f'{{"value":[{{"MD5":"{one}","MD5":"{two}","Series":"a","Series":"b"}}]}}'
    reading, (entry,) = read(tmp_path, text)
    assert {v.hex for v in entry.hashes} == {fake["md5"](1), fake["md5"](2)}
    assert entry.metadata == {"Series": "b", "repeated": {"Series": ["a"]}}
    assert reading.problems.count == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[:-1], "truncated"),
        (lambda t: t[: len(t) // 2], "truncated"),
        (lambda t: t[:-2] + ",]}", "not valid JSON"),
        (lambda t: t + "{}", "not valid JSON"),
        (lambda t: t.replace(":", "=", 1), "not valid JSON"),
        (lambda t: '{"other": {"x": 1}}', "no VICS records"),
        (lambda t: '"text"', "no VICS records"),
        (lambda t: t.replace('"value"', '"a":' + "[" * 5000 + "]" * 5000 + ',"value"'), "nested"),
        (lambda t: t.replace('"MD5"', '"a":' + "[" * 5000 + "]" * 5000 + ',"MD5"', 1), "nested"),
    ],
    ids=[
        "unclosed object", "cut in half", "trailing comma", "data after the document", "no JSON",
        "no records", "a text", "deep before", "deep in a record",
    ],
)  # fmt: skip
def test_what_is_not_whole_json_fails_the_import(
    tmp_path: Path, fake: Fake, change: Callable[[str], str], message: str
) -> None:
    text = json.dumps(hash_set(*({"MD5": fake["md5"](n)} for n in range(20))))
    with pytest.raises(ListFormatError, match=message) as caught:
        read(tmp_path, change(text))
    assert fake["md5"](0) not in str(caught.value)


def test_brackets_in_texts_are_no_nesting(tmp_path: Path, fake: Fake) -> None:
    records = [{"MD5": fake["md5"](n), "Series": "[[[[" * 20} for n in range(100)]
    _, entries = read(tmp_path, hash_set(*records))
    assert len(entries) == 100


def test_large_and_odd_numbers_survive(tmp_path: Path, fake: Fake) -> None:
    big = 123456789012345678901234567890
    text = f'{{"value":[{{"MD5":"{fake["md5"](1)}","Big":{big},"F":1.5e3}}]}}'
    _, (entry,) = read(tmp_path, text)
    assert entry.metadata == {"Big": big, "F": 1500.0}


@pytest.fixture
def catalog(tmp_path: Path) -> Any:
    with Catalog.open(tmp_path / "catalog.db") as opened:
        yield opened


def bring(catalog: Catalog, *documents: Any, **options: Any) -> ImportReport:
    paths = []
    for number, document in enumerate(documents):
        path = catalog.path.parent / f"part{number}.json"
        path.write_text(json.dumps(document))
        paths.append(path)
    reading = readers.read(paths)
    return catalog.import_list(
        "set",
        reading,
        source_files=paths,
        format=reading.format,
        polarity=Polarity.KNOWN_BAD,
        scheme="us",
        **options,
    )


def test_several_files_make_one_version(catalog: Catalog, fake: Fake) -> None:
    parts = [
        hash_set(*({"MediaID": n, "MD5": fake["md5"](n + p)} for n in range(5))) for p in (0, 5)
    ]
    report = bring(catalog, *parts)
    assert (report.version, report.added) == (1, 10)


def test_a_truncated_part_leaves_the_catalog_as_it_was(catalog: Catalog, fake: Fake) -> None:
    bring(catalog, hash_set({"MD5": fake["md5"](1)}))
    whole = catalog.path.parent / "whole.json"
    cut = catalog.path.parent / "cut.json"
    whole.write_text(json.dumps(hash_set({"MD5": fake["md5"](2)})))
    cut.write_text(json.dumps(hash_set({"MD5": fake["md5"](3)}))[:-3])
    reading = readers.read([whole, cut])
    with pytest.raises(ListFormatError, match=r"cut\.json: is truncated"):
        catalog.import_list(
            "set", reading, source_files=[], format="vics", polarity=Polarity.KNOWN_BAD
        )
    assert [v.hex for e in catalog.entries("set") for v in e.hashes] == [fake["md5"](1)]


def test_one_photodna_on_most_records_is_not_exported(catalog: Catalog, fake: Fake) -> None:
    records = [
        {"MD5": fake["md5"](n), "PhotoDNA": fake["photodna"](1 if n < 15 else n)} for n in range(25)
    ]
    report = bring(catalog, hash_set(*records))
    assert any("one photodna value is on 15 of 25" in warning for warning in report.warnings)
    with catalog.export() as export:
        batches = list(export)
    assert sum(len(batch.values["photodna"][0]) for batch in batches) == 10
    assert sum(len(batch.values["md5"][0]) for batch in batches) == 25
    assert export.left_out == {"photodna value on most records": 15}


def test_conflicting_categories_of_one_md5_are_both_kept(catalog: Catalog, fake: Fake) -> None:
    records = [{"MD5": fake["md5"](1), "Category": code} for code in (1, 2)]
    report = bring(catalog, hash_set(*records))
    assert report.added == 2
    assert sorted(e.category.code for e in catalog.entries("set") if e.category) == ["1", "2"]
    assert any("1 entries occur with different content" in warning for warning in report.warnings)


def test_codes_that_mean_no_harm_are_warned_of(catalog: Catalog, fake: Fake) -> None:
    records = [{"MD5": fake["md5"](n), "Category": code} for n, code in enumerate((0, 1, 4))]
    report = bring(catalog, hash_set(*records))
    assert any("--hold-category" in w and "Non-Pertinent" in w for w in report.warnings)
    bring(catalog, hash_set(*records), held_categories=["0", "4"])
    with catalog.export() as export:
        assert sum(len(batch.records) for batch in export) == 1
    assert export.left_out == {"category is held": 2}
