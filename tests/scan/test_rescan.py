"""Matching what a run found against other lists, with the evidence gone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hashmatch as hm
from hashmatch import api
from hashmatch.errors import OutputError
from hashmatch.home import Home
from hashmatch.lists import readers
from hashmatch.lists.catalog import Catalog
from hashmatch.publish import publish
from hashmatch.scan import REPORTED_TYPES, ScanOptions, rescan, scan, verify
from hashmatch.types import Polarity

Photograph = Callable[[str], Path]


def import_list(home: Home, name: str, hash_type: str, values: list[str], bad: bool = True) -> None:
    source = home.path / f"{name}.txt"
    source.write_text("\n".join(values) + "\n")
    with Catalog.open(home.catalog) as catalog:
        reading = readers.read([source], hash_type=hash_type)
        catalog.import_list(
            name,
            reading,
            source_files=[source],
            format=reading.format,
            polarity=Polarity.KNOWN_BAD if bad else Polarity.KNOWN_GOOD,
        )
    publish(home)


@pytest.fixture
def home(tmp_path: Path, photograph: Photograph) -> Home:
    made = Home(tmp_path / "home")
    made.ensure()
    value = api.hash_file(photograph("chelsea.png"))["pdq"].hex
    import_list(made, "photos", "pdq", [value])
    return made


@pytest.fixture
def evidence(tmp_path: Path, photograph: Photograph) -> Path:
    folder = tmp_path / "evidence"
    folder.mkdir()
    for name in ("chelsea.png", "coffee.png", "ihc.png"):
        shutil.copy(photograph(name), folder)
    (folder / "text.txt").write_text("only text")
    return folder


def test_a_rescan_agrees_with_a_new_scan_of_the_same_evidence(
    home: Home, evidence: Path, tmp_path: Path, photograph: Photograph,
    read_records: Callable[[Path], list[dict[str, Any]]],
) -> None:  # fmt: skip
    with hm.Matcher.open(home.path, also_compute=REPORTED_TYPES) as matcher:
        scan(matcher, [str(evidence)], tmp_path / "run")
        before = [record["verdict"] for record in read_records(tmp_path / "run")]
        assert before == ["match", "no_match", "no_match", "unscannable"]
        # a turned copy of another picture is now known, so all orientations must be stored
        turned = api.hash_pixels(_turned(photograph("coffee.png")))["pdq"].hex
        import_list(home, "more", "pdq", [turned])
        md5 = api.hash_file(evidence / "text.txt", ["md5"])["md5"].hex
        import_list(home, "texts", "md5", [md5])
        matcher.reload()
        scan(matcher, [str(evidence)], tmp_path / "new")
        shutil.rmtree(evidence)
        summary = rescan(matcher, tmp_path / "run", tmp_path / "again")
    assert summary.verdicts == {"match": 3, "no_match": 1}
    for name in ("results.jsonl", "results.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "new" / name).read_bytes()
    assert verify(tmp_path / "again").problems == []
    assert verify(tmp_path / "run").problems == []


def _turned(path: Path) -> Any:
    import numpy as np
    from PIL import Image

    with Image.open(path) as opened:
        return np.ascontiguousarray(np.rot90(np.asarray(opened.convert("RGB"))))


def test_what_was_skipped_as_known_good_is_not_clean_once_it_is_not(
    home: Home, evidence: Path, tmp_path: Path,
    read_records: Callable[[Path], list[dict[str, Any]]],
) -> None:  # fmt: skip
    sha1 = api.hash_file(evidence / "ihc.png", ["sha1"])["sha1"].hex
    import_list(home, "system", "sha1", [sha1], bad=False)
    with hm.Matcher.open(home.path, also_compute=REPORTED_TYPES) as matcher:
        scan(matcher, [str(evidence)], tmp_path / "run")
        assert read_records(tmp_path / "run")[2]["skipped"] == "known_good"
        with Catalog.open(home.catalog) as catalog:
            catalog.remove("system")
        publish(home)
        matcher.reload()
        rescan(matcher, tmp_path / "run", tmp_path / "again")
    record = read_records(tmp_path / "again")[2]
    assert (record["verdict"], record["reason"]) == ("unscannable", "not_decoded")


def test_a_rescan_that_could_not_see_everything_is_refused(
    home: Home, evidence: Path, tmp_path: Path, photograph: Photograph
) -> None:
    with hm.Matcher.open(home.path, also_compute=REPORTED_TYPES) as matcher:
        scan(matcher, [str(evidence)], tmp_path / "run", ScanOptions(workers=1))
        value = api.hash_file(photograph("coffee.png"), ["phash"])["phash"].hex
        import_list(home, "other", "phash", [value])
        matcher.reload()
        with pytest.raises(OutputError, match="did not compute phash"):
            rescan(matcher, tmp_path / "run", tmp_path / "again")
        (tmp_path / "run" / "manifest.json").unlink()
        with pytest.raises(OutputError, match="not finished"):
            rescan(matcher, tmp_path / "run", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_damaged_journal_stops_a_rescan(home: Home, evidence: Path, tmp_path: Path) -> None:
    with hm.Matcher.open(home.path, also_compute=REPORTED_TYPES) as matcher:
        scan(matcher, [str(evidence)], tmp_path / "run")
        journal = tmp_path / "run" / "journal.jsonl"
        data = bytearray(journal.read_bytes())
        data[len(data) // 2] ^= 1
        journal.write_bytes(data)
        with pytest.raises(OutputError, match="damaged after byte"):
            rescan(matcher, tmp_path / "run", tmp_path / "again")
    assert json.loads((tmp_path / "again" / "summary.json").read_text())["complete"] is False
