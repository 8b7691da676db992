"""A whole scan: what is written, that it agrees with itself, and what stops it."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hashmatch as hm
from hashmatch.errors import OutputError
from hashmatch.home import Home
from hashmatch.scan import REPORTED_TYPES, ScanOptions, scan
from hashmatch.scan.folder import RunFolder

Photograph = Callable[[str], Path]
Opener = Callable[[str], Image.Image]


@pytest.fixture(scope="module")
def matcher(known_home: Home) -> Iterator[hm.Matcher]:
    with hm.Matcher.open(known_home.path, also_compute=REPORTED_TYPES) as opened:
        yield opened


@pytest.fixture
def evidence(tmp_path: Path, photograph: Photograph, open_photograph: Opener) -> Path:
    folder = tmp_path / "evidence"
    folder.mkdir()
    copy = io.BytesIO()
    open_photograph("chelsea.png").save(copy, "PNG", compress_level=1)
    contents = {
        b"=known.png": copy.getvalue(),
        b"both.png": photograph("chelsea.png").read_bytes(),
        b"caf\xe9\n.jpg": photograph("rocket.jpg").read_bytes(),
        b"other.png": photograph("ihc.png").read_bytes(),
        b"good.png": photograph("brick.png").read_bytes(),
        b"empty": b"",
        b"text.txt": b"only text",
        b"cut.jpg": photograph("retina.jpg").read_bytes()[:5000],
    }
    for name, data in contents.items():
        (folder / os.fsdecode(name)).write_bytes(data)
    (folder / "link").symlink_to("other.png")
    return folder


def records(output: Path) -> list[dict[str, Any]]:
    lines = (output / "results.jsonl").read_text(encoding="utf-8").split("\n")
    assert lines.pop() == "", "the last line ends, too"
    return [json.loads(line) for line in lines]


def test_the_reports_agree_and_account_for_every_file(
    matcher: hm.Matcher, evidence: Path, tmp_path: Path
) -> None:
    output = tmp_path / "report"
    summary = scan(matcher, [str(evidence)], output)
    found = records(output)
    assert len(found) == len(list(evidence.iterdir())) == summary.files
    written = json.loads((output / "summary.json").read_text())
    assert written["complete"] is True
    assert written["counts"]["files"] == sum(written["counts"]["verdicts"].values()) == len(found)
    assert written["snapshot"] == matcher.snapshot.id
    assert [x["name"] for x in written["lists"]] == ["files", "photos", "system"]
    by_name = {Path(record["path"]).name: record for record in found}
    assert by_name["=known.png"]["verdict"] == "match"
    assert by_name["caf\\xe9\\n.jpg"]["verdict"] == "match"
    assert os.fsdecode(bytes.fromhex(by_name["caf\\xe9\\n.jpg"]["path_hex"])).endswith("\n.jpg")
    assert by_name["good.png"]["verdict"] == "no_match"
    assert by_name["good.png"]["hits"][0]["list"]["polarity"] == "known-good"
    assert by_name["good.png"]["skipped"] == "known_good"
    assert by_name["good.png"]["media"] is None
    assert by_name["both.png"]["verdict"] == "no_match", "known good comes first, so it is not read"
    assert by_name["empty"]["reason"] == "empty"
    assert by_name["text.txt"]["reason"] == "not_an_image"
    assert by_name["cut.jpg"]["reason"] in ("truncated", "corrupt")
    assert by_name["link"]["reason"] == "symlink"
    for record in found:
        assert (record["reason"] is None) is (record["message"] is None)
        assert (record["verdict"] in ("match", "no_match")) or record["reason"]


def test_the_table_is_safe_and_has_a_row_for_every_file(
    matcher: hm.Matcher, evidence: Path, tmp_path: Path
) -> None:
    output = tmp_path / "report"
    scan(matcher, [str(evidence)], output)
    with (output / "results.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["path"] for row in rows} == {record["path"] for record in records(output)}
    hit = next(
        row for row in rows if row["path"].endswith("=known.png") and row["list"] == "photos"
    )
    assert (hit["hash_type"], hit["tier"], hit["max_distance"]) == ("pdq", "strong", "31")
    assert hit["sha1"]
    assert hit["md5"]


def test_two_scans_write_the_same_bytes(
    matcher: hm.Matcher, evidence: Path, tmp_path: Path
) -> None:
    ways = (("inline", 1), ("inline", 4), ("workers", 1), ("workers", 2))
    for number, (isolation, workers) in enumerate(ways):
        options = ScanOptions(isolation=isolation, workers=workers)
        scan(matcher, [str(evidence)], tmp_path / str(number), options)
    for name in ("results.jsonl", "results.csv", "journal.jsonl"):
        first = (tmp_path / "0" / name).read_bytes()
        assert first
        for number in range(1, len(ways)):
            assert (tmp_path / str(number) / name).read_bytes() == first


def test_evidence_is_only_read(matcher: hm.Matcher, evidence: Path, tmp_path: Path) -> None:
    def state() -> list[tuple[str, int, int]]:
        return sorted(
            (p.name, p.lstat().st_mtime_ns, p.lstat().st_size) for p in evidence.iterdir()
        )

    before = state()
    scan(matcher, [str(evidence)], tmp_path / "report")
    assert state() == before


def test_a_file_that_vanishes_or_is_replaced_during_the_scan_has_a_verdict(
    matcher: hm.Matcher, evidence: Path, tmp_path: Path
) -> None:
    def disturb(_: dict[str, Any]) -> None:
        (evidence / "text.txt").unlink(missing_ok=True)

    scan(matcher, [str(evidence)], tmp_path / "report", ScanOptions(workers=1), on_record=disturb)
    found = {Path(r["path"]).name: r for r in records(tmp_path / "report")}
    assert found["text.txt"]["verdict"] == "unscannable"
    assert found["text.txt"]["reason"] in ("vanished", "not_an_image")


def test_a_full_disk_stops_the_scan_and_the_summary_says_so(
    matcher: hm.Matcher, evidence: Path, tmp_path: Path
) -> None:
    def full(_: dict[str, Any]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match="free some space"):
        scan(matcher, [str(evidence)], tmp_path / "report", on_record=full)
    assert json.loads((tmp_path / "report" / "summary.json").read_text())["complete"] is False


def test_a_disk_too_full_for_the_summary_tells_the_way_on_all_the_same(
    matcher: hm.Matcher, evidence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: dict[str, Any]) -> None:
        def fail(folder: RunFolder, path: Path, shape: Any) -> None:
            raise OutputError(f"cannot write {path}")

        monkeypatch.setattr(RunFolder, "write_json", fail)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match="go on with --resume"):
        scan(matcher, [str(evidence)], tmp_path / "report", on_record=full)


def test_an_interrupt_leaves_what_was_written(
    matcher: hm.Matcher, evidence: Path, tmp_path: Path
) -> None:
    def interrupt(_: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(matcher, [str(evidence)], tmp_path / "report", on_record=interrupt)
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert (summary["complete"], summary["counts"]["files"]) == (False, 1)
    assert len(records(tmp_path / "report")) == 1


def test_reports_are_private(matcher: hm.Matcher, evidence: Path, tmp_path: Path) -> None:
    scan(matcher, [str(evidence)], tmp_path / "report")
    for path in (tmp_path / "report").iterdir():
        assert path.stat().st_mode & 0o077 == 0
