"""``hashmatch index`` and ``hashmatch doctor`` as a user meets them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hashmatch import sandbox
from hashmatch.home import Home

Run = Callable[..., Any]


@pytest.fixture
def home(known_home: Home, tmp_path: Path) -> Home:
    """Return a copy of a home that a test may damage."""
    shutil.copytree(known_home.path, tmp_path / "home", symlinks=True)
    return Home(tmp_path / "home")


def test_build_makes_a_new_snapshot_live(run: Run, home: Home) -> None:
    before = json.loads(run("--home", home.path, "index", "info", "--json").out)
    ran = run("--home", home.path, "index", "build", "--json")
    assert ran.status == 0
    report = json.loads(ran.out)
    assert (report["lists"], report["entries"]) == (3, 6)
    assert report["values"] == {"md5": 1, "pdq": 3, "sha1": 2}
    assert json.loads(run("--home", home.path, "index", "info", "--json").out) != before
    assert f"snapshot {report['snapshot']}" in run("--home", home.path, "index", "info").out


def test_build_takes_a_kind_of_index(run: Run, home: Home) -> None:
    assert run("--home", home.path, "index", "build", "--kind", "faiss:BFlat").status == 0
    assert "faiss:BFlat" in run("--home", home.path, "index", "info").out
    ran = run("--home", home.path, "index", "build", "--kind", "magic")
    assert (ran.status, ran.out) == (2, "")
    assert "magic" in ran.err


def test_building_from_nothing_says_what_to_do(run: Run, tmp_path: Path) -> None:
    ran = run("--home", tmp_path / "empty", "index", "build")
    assert ran.status == 2
    assert "hashmatch list import" in ran.err


def test_verify_finds_one_flipped_bit(run: Run, home: Home) -> None:
    assert run("--home", home.path, "index", "verify").status == 0
    folder = (
        home.snapshots
        / json.loads(run("--home", home.path, "index", "verify", "--json").out)["snapshot"]
    )
    largest = max(
        (p for p in folder.iterdir() if p.name != "manifest.json"), key=lambda p: p.stat().st_size
    )
    largest.chmod(0o600)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 4
    largest.write_bytes(data)
    ran = run("--home", home.path, "index", "verify")
    assert ran.status == 2
    assert largest.name in ran.out


def test_doctor_is_content_with_a_sound_home(run: Run, home: Home) -> None:
    ran = run("--home", home.path, "doctor", "--json")
    findings = {finding["what"]: finding for finding in json.loads(ran.out)}
    assert ran.status == 0, findings
    assert findings["golden hashes"]["state"] == "good"
    assert findings["snapshot"]["state"] == "good"
    assert findings["sandbox"]["state"] in ("good", "warning")


def test_doctor_warns_where_the_kernel_lacks_a_protection(
    run: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [sandbox.Protection("landlock", "this kernel has no Landlock")]
    monkeypatch.setattr("hashmatch.cli.doctor.sandbox.capabilities", lambda: found)
    ran = run("--home", home.path, "doctor", "--json")
    findings = {finding["what"]: finding for finding in json.loads(ran.out)}
    assert ran.status == 0
    assert findings["sandbox"]["state"] == "warning"
    assert "no landlock (this kernel has no Landlock)" in findings["sandbox"]["message"]


def test_doctor_names_the_codecs(run: Run, home: Home) -> None:
    ran = run("--home", home.path, "doctor", "--json")
    findings = {finding["what"]: finding for finding in json.loads(ran.out)}
    assert "Pillow" in findings["codecs"]["message"] or "pillow" in findings["libraries"]["message"]


def test_doctor_of_an_empty_home_warns(run: Run, tmp_path: Path) -> None:
    ran = run("--home", tmp_path, "doctor", "--json")
    states = {finding["what"]: finding["state"] for finding in json.loads(ran.out)}
    assert ran.status == 0
    assert states["catalog"] == states["snapshot"] == "warning"


def test_doctor_finds_damage(run: Run, home: Home) -> None:
    for path in home.snapshots.glob("*/manifest.json"):
        path.chmod(0o600)
        path.write_text("{}")
    ran = run("--home", home.path, "doctor")
    assert ran.status == 2
    assert "bad" in ran.err
