"""Tables with a header or a column map."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from hashmatch.errors import ListFormatError
from hashmatch.lists import readers
from hashmatch.lists.readers.columns import ColumnMap
from hashmatch.types import Entry

A, B = (hashlib.md5(text).hexdigest() for text in (b"a", b"b"))
A1 = hashlib.sha1(b"a").hexdigest()
A256 = hashlib.sha256(b"a").hexdigest()


def read(tmp_path: Path, content: str, **options: Any) -> tuple[readers.Reading, list[Entry]]:
    path = tmp_path / "list.csv"
    path.write_text(content)
    reading = readers.read([path], **options)
    return reading, list(reading.entries())


def test_known_column_names(tmp_path: Path) -> None:
    reading, entries = read(
        tmp_path, f"Id,MD5,SHA-1,Category,Series\n7,{A.upper()},{A1},2,one\n8,{B},,,\n"
    )
    assert reading.format == "csv"
    first, second = entries
    assert first.entry_id == "7"
    assert {v.hash_type: v.hex for v in first.hashes} == {"md5": A, "sha1": A1}
    assert first.category is not None
    assert (first.category.scheme, first.category.code) == ("unmapped", "2")
    assert first.metadata == {"Series": "one"}
    assert {v.hash_type: v.hex for v in second.hashes} == {"md5": B}
    assert second.category is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_recognised(tmp_path: Path, delimiter: str) -> None:
    _, entries = read(tmp_path, f"md5{delimiter}note\n{A}{delimiter}x y\n")
    assert entries[0].metadata == {"note": "x y"}


def test_quoted_cells_may_hold_delimiters_and_line_ends(tmp_path: Path) -> None:
    reading, entries = read(tmp_path, f'md5,note\n{A},"one, ""two""\nthree"\n{B},x\n')
    assert [e.metadata["note"] for e in entries] == ['one, "two"\nthree', "x"]
    assert reading.problems.count == 0


def test_a_quote_never_closed_costs_its_own_line(tmp_path: Path) -> None:
    reading, entries = read(tmp_path, f'md5,note\n{A},"oops\n{B},x\n')
    assert [v.hex for e in entries for v in e.hashes] == [B]
    assert [(p.place, p.reason) for p in reading.problems.shown] == [
        (2, "a quote is opened and never closed")
    ]


def test_a_bad_value_beside_a_good_one_is_counted_and_the_entry_kept(tmp_path: Path) -> None:
    reading, entries = read(tmp_path, f"md5,sha1\n{A},{A1[:-2]}\n,\n{B},{A1},extra\n")
    assert [{v.hash_type for v in e.hashes} for e in entries] == [{"md5"}]
    assert [p.place for p in reading.problems.shown] == [2, 3, 4]


def test_quality_belongs_to_perceptual_values(tmp_path: Path) -> None:
    reading, entries = read(tmp_path, f"pdq,md5,quality\n{A256},{A},80\n{A256[::-1]},{B},200\n")
    assert {v.hash_type: v.quality for v in entries[0].hashes} == {"pdq": 80, "md5": None}
    assert {v.hash_type: v.quality for v in entries[1].hashes} == {"pdq": None, "md5": None}
    assert reading.problems.count == 1


def test_a_column_called_hash_is_told_by_length_or_type(tmp_path: Path) -> None:
    _, entries = read(tmp_path, f"hash\n{A}\n")
    assert entries[0].hashes[0].hash_type == "md5"
    with pytest.raises(ListFormatError, match="--type"):
        read(tmp_path, f"hash\n{A256}\n")
    _, entries = read(tmp_path, f"hash,hash type\n{A256},SHA-256\n{A256},PDQ\n")
    assert [e.hashes[0].hash_type for e in entries] == ["sha256", "pdq"]


def test_a_column_map(tmp_path: Path) -> None:
    said = ColumnMap(
        columns={"Prüfsumme": "md5", "grade": "category", "secret": "ignore", "4": "meta:region"},
        values={"category": {"A": "1"}},
        fixed={"meta:source": "desk"},
    )
    _, entries = read(
        tmp_path, f"Prüfsumme;Grade;Secret;R\n{A};A;x;north\n", options={"columns": said}
    )
    (entry,) = entries
    assert entry.hashes[0].hex == A
    assert entry.category is not None
    assert entry.category.code == "1"
    assert entry.metadata == {"region": "north", "source": "desk"}


def test_a_table_without_header(tmp_path: Path) -> None:
    said = ColumnMap(columns={"1": "md5", "2": "category"}, header=False)
    _, entries = read(tmp_path, f"{A},1\n{B},2\n", options={"columns": said})
    assert [e.category.code for e in entries if e.category] == ["1", "2"]


def test_a_table_without_hash_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListFormatError, match="--map COLUMN=TYPE"):
        read(tmp_path, "name,size\na,1\n", format="csv")


def test_a_map_naming_an_absent_column_is_refused(tmp_path: Path) -> None:
    said = ColumnMap(columns={"nope": "md5"})
    with pytest.raises(ListFormatError, match="no column 'nope'"):
        read(tmp_path, f"md5\n{A}\n", options={"columns": said})


@pytest.mark.parametrize("suffix", ["json", "toml"])
def test_column_map_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"map.{suffix}"
    if suffix == "json":
        path.write_text('{"columns": {"sum": "md5"}, "delimiter": ";"}')
    else:
        path.write_text('delimiter = ";"\n[columns]\nsum = "md5"\n')
    said = ColumnMap.load(str(path))
    assert (said.columns, said.delimiter) == ({"sum": "md5"}, ";")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "neither JSON"),
        ("[1]", "an object"),
        ('{"colums": {}}', "has no 'colums'"),
        ('{"columns": {"a": "md6"}}', "'md6' is no field"),
        ('{"columns": []}', "'columns' must be an object"),
        ('{"delimiter": ";;"}', "one character"),
    ],
)
def test_wrong_column_maps_are_explained(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "map.json"
    path.write_text(text)
    with pytest.raises(ListFormatError, match=message):
        ColumnMap.load(str(path))
