"""``hashmatch hash`` and ``hashmatch compare`` as a user meets them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hashmatch as hm

Run = Callable[..., Any]
Photograph = Callable[[str], Path]


def test_text(run: Run, photograph: Photograph) -> None:
    path = photograph("chelsea.png")
    ran = run("hash", "--type", "pdq,md5", path)
    assert (ran.status, ran.err) == (0, "")
    pdq, md5 = (line.split() for line in ran.out.splitlines())
    value = hm.hash_file(path)["pdq"]
    assert pdq == ["pdq", value.hex, str(value.quality), str(path)]
    assert md5 == ["md5", hashlib.md5(path.read_bytes()).hexdigest(), "-", str(path)]


def test_json_is_one_object_a_line(run: Run, photograph: Photograph) -> None:
    paths = [str(photograph(name)) for name in ("chelsea.png", "coffee.png")]
    ran = run("hash", "--format", "json", *paths)
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert [line["path"] for line in lines] == paths
    assert set(lines[0]["hashes"]["pdq"]) == {"hex", "quality"}


def test_csv_has_a_header_and_quotes_odd_names(
    run: Run, photograph: Photograph, tmp_path: Path
) -> None:
    odd = tmp_path / 'a, "b".png'
    odd.write_bytes(photograph("chelsea.png").read_bytes())
    rows = list(csv.DictReader(io.StringIO(run("hash", "--format", "csv", odd).out)))
    assert [row["path"] for row in rows] == [str(odd)]
    assert rows[0]["hash_type"] == "pdq"
    assert len(rows[0]["hash"]) == 64


def test_paths_from_standard_input(run: Run, photograph: Photograph, tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9.png"
    Path(os.fsdecode(raw)).write_bytes(photograph("chelsea.png").read_bytes())
    ran = run("hash", "-", stdin=raw + b"\n\n" + os.fsencode(photograph("coffee.png")) + b"\n")
    assert ran.status == 0
    assert len(ran.out.splitlines()) == 2
    assert "caf\\xe9.png" in ran.out


def test_a_file_that_cannot_be_hashed_does_not_stop_the_others(
    run: Run, photograph: Photograph, tmp_path: Path
) -> None:
    (tmp_path / "text.jpg").write_text("only text")
    ran = run("hash", tmp_path / "text.jpg", tmp_path / "gone.jpg", photograph("chelsea.png"))
    assert ran.status == 2
    assert len(ran.out.splitlines()) == 1
    assert [line.startswith("hashmatch: ") for line in ran.err.splitlines()] == [True, True]


@pytest.mark.parametrize("types", ["pdqq", "", "pdq,"])
def test_types_are_checked(run: Run, photograph: Photograph, types: str) -> None:
    ran = run("hash", "--type", types, photograph("chelsea.png"))
    assert ran.status == (0 if types == "pdq," else 2)


def test_a_held_type_is_refused_with_its_reason(run: Run, photograph: Photograph) -> None:
    ran = run("hash", "--type", "photodna", photograph("chelsea.png"))
    assert (ran.status, ran.out) == (2, "")
    assert "photodna" in ran.err


def test_two_files_are_compared(run: Run, photograph: Photograph, tmp_path: Path) -> None:
    with Image.open(photograph("chelsea.png")) as opened:
        opened.convert("RGB").save(tmp_path / "copy.jpg", quality=60)
    same = run("compare", photograph("chelsea.png"), tmp_path / "copy.jpg")
    assert same.status == 0
    assert same.out.endswith("same\n")
    other = run("compare", "--json", photograph("chelsea.png"), photograph("coffee.png"))
    (row,) = json.loads(other.out)
    assert (row["hash_type"], row["bits"], row["same"]) == ("pdq", 256, False)
    assert row["distance"] > row["max_distance"] == 31


def test_a_value_is_compared_with_a_file(run: Run, photograph: Photograph) -> None:
    value = hm.hash_file(photograph("chelsea.png"))["pdq"].hex
    ran = run("compare", value.upper(), photograph("chelsea.png"))
    assert ran.out.startswith("pdq  0 of 256 bits")


def test_flat_pictures_are_not_called_the_same(run: Run, tmp_path: Path) -> None:
    for name in ("red", "blue"):
        Image.new("RGB", (64, 64), name).save(tmp_path / f"{name}.png")
    ran = run("compare", tmp_path / "red.png", tmp_path / "blue.png")
    assert "too little detail to say" in ran.out


@pytest.mark.parametrize("wrong", ["nothing-here.png", "abcd"])
def test_what_is_neither_file_nor_value_is_refused(
    run: Run, photograph: Photograph, wrong: str
) -> None:
    ran = run("compare", wrong, photograph("chelsea.png"))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err
