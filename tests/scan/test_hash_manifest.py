"""Hashes without files are answered row by row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hashmatch as hm
from hashmatch import api
from hashmatch.errors import ListFormatError
from hashmatch.scan import scan
from hashmatch.scan.hash_manifest import rows

Photograph = Callable[[str], Path]


def labels(path: Path, hash_type: str | None = None) -> list[tuple[str, list[str], bool]]:
    return [
        (row.label, [value.hash_type for value in row.values], row.problem is None)
        for row in rows(path, hash_type)
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_by_its_header(tmp_path: Path, delimiter: str) -> None:
    lines = [
        ["File Name", "MD5", "chat", "SHA-1"],
        ["a.jpg", "0" * 32, "x", "1" * 40],
        ["", "", "x", "A" * 40],
        ["bad.jpg", "xyz", "x", ""],
        ["none.jpg", "", "x", ""],
    ]
    path = tmp_path / "chat.csv"
    path.write_text("\ufeff" + "\n".join(delimiter.join(line) for line in lines) + "\n")
    assert labels(path) == [
        ("!row 1 a.jpg", ["md5", "sha1"], True),
        ("!row 2", ["sha1"], True),
        ("!row 3 bad.jpg", [], False),
        ("!row 4 none.jpg", [], False),
    ]


def test_text_is_read_as_md5sum_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "sums"
    path.write_text(
        f"# a comment\n{'0' * 32}  a name.jpg\n{'1' * 40} *b.jpg\n{'2' * 32}\n\nrubbish!\n123\n"
    )
    assert labels(path) == [
        ("!row 1 a name.jpg", ["md5"], True),
        ("!row 2 b.jpg", ["sha1"], True),
        ("!row 3", ["md5"], True),
        ("!row 4", [], False),
        ("!row 5", [], False),
    ]


def test_what_is_ambiguous_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "values"
    path.write_text("0" * 64 + "\n")
    with pytest.raises(ListFormatError, match="--hash-type"):
        list(rows(path))
    assert labels(path, "pdq") == [("!row 1", ["pdq"], True)]
    path.write_bytes(("\ufeff" + "0" * 32).encode("utf-16-le"))
    assert labels(path) == [("!row 1", ["md5"], True)]
    path.write_bytes(b"\xff\xff\x00")
    with pytest.raises(ListFormatError, match="not text"):
        list(rows(path))
    with pytest.raises(ListFormatError, match="cannot be read"):
        list(rows(tmp_path / "gone"))


def test_rows_are_matched(
    matcher: hm.Matcher, tmp_path: Path, photograph: Photograph,
    read_records: Callable[[Path], list[dict[str, Any]]],
) -> None:  # fmt: skip
    md5 = api.hash_file(photograph("rocket.jpg"), ["md5"])["md5"].hex
    pdq = api.hash_file(photograph("coffee.png"), ["pdq"])["pdq"].hex
    path = tmp_path / "chat.csv"
    path.write_text(
        f"name,md5,pdq,sha256\nrocket,{md5.upper()},,\ncoffee,,{pdq},\nother,{'1' * 32},,\n"
        f"unasked,,,{'2' * 64}\nbad,12,,\n"
    )
    summary = scan(matcher, [], tmp_path / "run", hash_manifests=[str(path)])
    found = read_records(tmp_path / "run")
    assert [(r["verdict"], r["reason"]) for r in found] == [
        ("match", None),
        ("match", None),
        ("no_match", None),
        ("unscannable", "not_searchable"),
        ("unscannable", "corrupt"),
    ]
    assert found[0]["path"] == f"{path}!row 1 rocket"
    assert summary.kinds == {"hashes": 5}
    assert found[0]["hits"][0]["tier"] == "exact"
