"""``hashmatch feedback``, ``hashmatch calibrate`` and ``hashmatch match --explain``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hashmatch.home import Home
from hashmatch.matching.flood import FloodGuard

Run = Callable[..., Any]


@pytest.fixture
def home(known_home: Home, tmp_path: Path) -> Home:
    """Return a home of its own with the same snapshots, so feedback stays in this test."""
    own = Home(tmp_path / "home")
    own.ensure()
    own.snapshots.symlink_to(known_home.snapshots)
    return own


def test_a_refuted_match_is_explained_and_can_be_confirmed_again(
    run: Run, home: Home, photograph: Callable[[str], Path]
) -> None:
    picture = photograph("chelsea.png")
    first = run("--home", home.path, "match", "--json", picture)
    assert first.status == 1
    record = json.loads(first.out)
    bad = next(hit for hit in record["hits"] if hit["list"]["polarity"] == "known-bad")
    entry = (bad["list"]["name"], bad["entry_id"])

    said = run("--home", home.path, "feedback", "refute", *entry, "--by", "ann", "--note", "wrong")
    assert said.status == 0
    assert said.err.startswith("refute: entry")
    second = run("--home", home.path, "match", "--explain", picture)
    assert second.status == 0
    assert "matches nothing" in second.out
    assert "It does not count: the entry was refuted by ann" in second.out

    value = f"pdq:{record['hashes']['pdq']['hex']}"
    assert run("--home", home.path, "feedback", "confirm", *entry, "--picture", value).status == 0
    third = run("--home", home.path, "match", "--explain", picture)
    assert third.status == 1
    assert "matches known material" in third.out
    assert "The match of this picture was confirmed" in third.out

    listed = json.loads(run("--home", home.path, "feedback", "ls", "--json").out)
    assert [r["stance"] for r in listed["remarks"]] == ["refute", "confirm"]
    table = run("--home", home.path, "feedback", "ls").out
    assert "ann" in table
    assert record["hashes"]["pdq"]["hex"][:12] not in table


def test_a_suspension_is_listed_and_ended_by_a_remark(run: Run, home: Home) -> None:
    guard = FloodGuard(home.path, limit=1)
    for upload in (b"a", b"b"):
        guard.note("photos", "e9", upload)
    listed = json.loads(run("--home", home.path, "feedback", "ls", "--json").out)
    assert [found["entry_id"] for found in listed["suspended"]] == ["e9"]
    assert "e9" in run("--home", home.path, "feedback", "ls").out
    assert run("--home", home.path, "feedback", "confirm", "photos", "e9").status == 0
    listed = json.loads(run("--home", home.path, "feedback", "ls", "--json").out)
    assert listed["suspended"] == []


@pytest.mark.parametrize("picture", ["deadbeef", "pdq:12", "nope:00"])
def test_a_picture_is_named_by_type_and_value(run: Run, home: Home, picture: str) -> None:
    ran = run("--home", home.path, "feedback", "refute", "l", "e", "--picture", picture)
    assert ran.status == 2
    assert not (home.path / "feedback.jsonl").exists()


def test_calibrate_proposes_thresholds(
    run: Run, home: Home, photograph: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "benign"
    folder.mkdir()
    for name in ("rocket.jpg", "ihc.png", "motorcycle_left.png"):
        (folder / name).symlink_to(photograph(name))
    (folder / "notes.txt").write_text("not a picture")
    copies = tmp_path / "copies"
    copies.mkdir()
    for name in ("rocket.jpg", "ihc.png"):
        (copies / name).write_bytes(photograph(name).read_bytes())
    ran = run("--home", home.path, "calibrate", copies, "--list", "photos", "--json")
    assert ran.status == 0
    shape = json.loads(ran.out)
    assert shape["files"] == {"used": 2}
    (pdq,) = shape["types"]
    assert (pdq["hash_type"], pdq["pictures"], pdq["mistaken"]) == ("pdq", 2, 0)
    assert pdq["mistaken_share_at_most"] == pytest.approx(1 - 0.05**0.5)
    text = run("--home", home.path, "calibrate", copies, folder, "--list", "photos")
    assert text.status == 0
    assert "31 bits (now)" in text.out
    assert "more pictures are needed" in text.err
    assert "1 not_an_image" in text.err
    assert run("--home", home.path, "calibrate", copies, "--list", "none").status == 2
