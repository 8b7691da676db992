"""``hashmatch match`` and ``hashmatch scan`` as a user meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hashmatch as hm
from hashmatch.home import Home

Run = Callable[..., Any]
Photograph = Callable[[str], Path]


@pytest.fixture
def evidence(tmp_path: Path, photograph: Photograph) -> Path:
    """Return a folder with a known, an unknown and an unreadable picture."""
    folder = tmp_path / "evidence"
    (folder / "deep").mkdir(parents=True)
    with Image.open(photograph("chelsea.png")) as opened:
        opened.convert("RGB").save(folder / "deep" / "known.jpg", quality=70)
    (folder / "other.png").write_bytes(photograph("ihc.png").read_bytes())
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    return folder


def test_match_says_what_was_found_and_why(run: Run, known_home: Home, evidence: Path) -> None:
    ran = run("--home", known_home.path, "match", evidence / "deep" / "known.jpg")
    assert ran.status == 1
    verdict, hit = ran.out.splitlines()
    assert verdict.split()[0] == "match"
    for fact in ("photos v1", "entry ", "strong by pdq", "distance ", "<= 31", "original"):
        assert fact in hit


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (["other.png"], 0),
        (["other.png", "deep/known.jpg"], 1),
        (["other.png", "deep/known.jpg", "broken.png"], 2),
        (["gone.png"], 2),
    ],
)
def test_the_exit_status_of_match(
    run: Run, known_home: Home, evidence: Path, names: list[str], status: int
) -> None:
    assert run("--home", known_home.path, "match", *[evidence / n for n in names]).status == status


def test_match_in_json_is_the_documented_shape(run: Run, known_home: Home, evidence: Path) -> None:
    ran = run("--home", known_home.path, "match", "--json", evidence / "deep" / "known.jpg")
    record = json.loads(ran.out)
    with hm.Matcher.open(known_home.path) as matcher:
        expected = matcher.match_file(evidence / "deep" / "known.jpg").to_json()
    assert record == {"path": str(evidence / "deep" / "known.jpg")} | expected


def test_hash_values_are_matched_from_standard_input(
    run: Run, known_home: Home, photograph: Photograph
) -> None:
    value = hm.hash_file(photograph("rocket.jpg"), ["md5"])["md5"].hex
    ran = run("--home", known_home.path, "match", "--hash", "md5", "-", stdin=value.encode())
    assert ran.status == 1
    assert value not in ran.out + ran.err
    bad = run("--home", known_home.path, "match", "--hash", "md5", "123")
    assert (bad.status, bad.out) == (2, "")
    assert "32 hexadecimal digits" in bad.err


def test_a_scan_accounts_for_every_file(
    run: Run, known_home: Home, evidence: Path, tmp_path: Path
) -> None:
    ran = run("--home", known_home.path, "scan", evidence, "-o", tmp_path / "report", "--json")
    assert ran.status == 2
    counts = json.loads(ran.out)
    assert counts["files"] == 3
    assert counts["verdicts"] == {
        "match": 1, "no_match": 1, "partial": 0, "unscannable": 1, "error": 0,
    }  # fmt: skip
    assert counts["lists"] == {"photos": 1}
    assert counts["reasons"] == {"corrupt": 1}
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        "results.jsonl",
        "results.csv",
        "summary.json",
        "journal.jsonl",
        "manifest.json",
        "run.json",
        "custody.jsonl",
    }


def test_a_scan_prints_its_counts_and_where_the_reports_are(
    run: Run, known_home: Home, evidence: Path, tmp_path: Path
) -> None:
    ran = run("--home", known_home.path, "scan", evidence, "-o", tmp_path / "report")
    assert "all files" in ran.out
    assert str(tmp_path / "report" / "results.jsonl") in ran.err


def test_roots_from_standard_input(
    run: Run, known_home: Home, evidence: Path, tmp_path: Path
) -> None:
    roots = f"{evidence / 'other.png'}\n{evidence / 'deep'}\n".encode()
    ran = run(
        "--home", known_home.path, "scan", "-", "-o", tmp_path / "report", "--json", stdin=roots
    )
    assert ran.status == 1
    assert json.loads(ran.out)["files"] == 2


def test_mistakes_of_a_scan_are_named(
    run: Run, known_home: Home, evidence: Path, tmp_path: Path
) -> None:
    home = ("--home", known_home.path)
    for arguments, complaint in (
        ((tmp_path / "gone", "-o", tmp_path / "report"), "no such file or folder"),
        ((evidence, "-o", evidence / "report"), "lies inside"),
        ((evidence, "-o", tmp_path), "not empty"),
        ((evidence,), "--output"),
        ((evidence, "-o", evidence / "other.png"), "other.png"),
        ((evidence, "-o", tmp_path / "report", "--profile", "lax"), "lax"),
    ):
        ran = run(*home, "scan", *arguments)
        assert ran.status == 2, arguments
        assert complaint in ran.err, arguments
        assert not (tmp_path / "report").exists(), arguments
