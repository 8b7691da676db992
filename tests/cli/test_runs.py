"""``hashmatch scan`` and what is done with a run afterwards, as a user meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hashmatch as hm
from hashmatch import sandbox
from hashmatch.errors import SandboxError
from hashmatch.home import Home

Run = Callable[..., Any]
Photograph = Callable[[str], Path]


@pytest.fixture
def evidence(tmp_path: Path, photograph: Photograph) -> Path:
    folder = tmp_path / "evidence"
    folder.mkdir()
    with Image.open(photograph("coffee.png")) as opened:
        opened.convert("RGB").save(folder / "known.jpg", quality=70)
    (folder / "new\nline.png").write_bytes(photograph("ihc.png").read_bytes())
    return folder


@pytest.fixture
def finished(run: Run, known_home: Home, evidence: Path, tmp_path: Path) -> tuple[Path, str]:
    """Return the folder of a run and its anchor."""
    output = tmp_path / "case"
    ran = run("--home", known_home.path, "scan", evidence, "-o", output, "--json", "-w", "1")
    assert ran.status == 1, ran.err
    return output, json.loads(ran.out)["anchor"]


def test_names_ended_by_nul(run: Run, known_home: Home, evidence: Path, tmp_path: Path) -> None:
    names = b"".join(str(path).encode() + b"\0" for path in sorted(evidence.iterdir()))
    ran = run(
        "--home", known_home.path, "scan", "-0", "-", "-o", tmp_path / "case", "--json",
        "--isolation", "inline", stdin=names,
    )  # fmt: skip
    assert ran.status == 1
    assert json.loads(ran.out)["files"] == 2


def test_a_run_is_verified_with_its_anchor(run: Run, finished: tuple[Path, str]) -> None:
    output, anchor = finished
    ran = run("verify", output, "--anchor", anchor)
    assert ran.status == 0
    assert anchor in ran.out
    shape = json.loads(run("verify", output, "--json").out)
    assert shape["problems"] == []
    assert shape["head"] == anchor
    (output / "results.csv").write_text("")
    ran = run("verify", output, "--anchor", anchor)
    assert ran.status == 2
    assert "changed: results.csv" in ran.out
    assert run("verify", output, "--anchor", "0" * 64).status == 2
    assert run("verify", output.parent / "gone").status == 2


def test_reports_are_made_and_named(run: Run, finished: tuple[Path, str]) -> None:
    output, anchor = finished
    ran = run("report", output)
    assert (ran.status, ran.out) == (0, f"{output}/report.html\n")
    assert anchor not in ran.err, "the log has a new head"
    ran = run("report", output, "--format", "csv", "--format", "case", "--format", "kdb")
    assert len(ran.out.splitlines()) == 3
    ran = run("report", output, "--format", "vics")
    assert ran.status == 2
    assert "--region" in ran.err
    assert run("report", output, "--format", "vics", "--region", "US").status == 0
    assert run("verify", output, "--anchor", anchor).status == 0


def test_a_run_goes_on_as_it_began(
    run: Run, known_home: Home, finished: tuple[Path, str], evidence: Path, photograph: Photograph
) -> None:
    output, _ = finished
    (evidence / "more.png").write_bytes(photograph("retina.jpg").read_bytes())
    home = ("--home", known_home.path)
    ran = run(*home, "scan", "--resume", "-o", output, "--json", "--isolation", "inline")
    assert ran.status == 1
    assert json.loads(ran.out)["files"] == 3
    assert "name no roots" in run(*home, "scan", evidence, "--resume", "-o", output).err
    assert "holds no run" in run(*home, "scan", "--resume", "-o", evidence).err
    assert "name a ROOT" in run(*home, "scan", "-o", output).err


def test_a_rescan_needs_no_evidence(
    run: Run, known_home: Home, finished: tuple[Path, str], evidence: Path, tmp_path: Path
) -> None:
    output, _ = finished
    for path in evidence.iterdir():
        path.unlink()
    ran = run("--home", known_home.path, "rescan", output, "-o", tmp_path / "again", "--json")
    assert ran.status == 1
    assert json.loads(ran.out)["verdicts"]["match"] == 1
    again, first = (p / "results.jsonl" for p in (tmp_path / "again", output))
    assert again.read_bytes() == first.read_bytes()
    ran = run("--home", known_home.path, "rescan", output, "-o", tmp_path / "text")
    assert "all files" in ran.out
    assert "anchor" in ran.err


def test_hashes_without_files(
    run: Run, known_home: Home, tmp_path: Path, photograph: Photograph
) -> None:
    md5 = hm.hash_file(photograph("rocket.jpg"), ["md5"])["md5"].hex
    (tmp_path / "chat.csv").write_text(f"name,md5\nrocket,{md5}\n")
    home = ("--home", known_home.path)
    ran = run(*home, "scan", "--hashes", tmp_path / "chat.csv", "-o", tmp_path / "case", "--json")
    assert ran.status == 1
    assert json.loads(ran.out)["kinds"] == {"hashes": 1}
    (tmp_path / "values").write_text("0" * 64)
    ran = run(*home, "scan", "--hashes", tmp_path / "values", "-o", tmp_path / "other")
    assert ran.status == 2
    assert "--hash-type" in ran.err


def test_a_report_without_place_for_the_matches_is_told(
    run: Run, known_home: Home, tmp_path: Path, photograph: Photograph
) -> None:
    pdq = hm.hash_file(photograph("coffee.png"), ["pdq"])["pdq"].hex
    (tmp_path / "chat.csv").write_text(f"name,pdq\ncoffee,{pdq}\n")
    case = tmp_path / "case"
    home = ("--home", known_home.path)
    assert run(*home, "scan", "--hashes", tmp_path / "chat.csv", "-o", case).status == 1
    ran = run("report", case, "--format", "kdb", "--format", "html")
    assert ran.status == 2
    assert "kdb: not written: no MD5 in any of 1 matches" in ran.err
    assert ran.out == f"{case}/report.html\n", "the other report is made all the same"
    assert not (case / "matched.kdb").exists()


def test_a_mistake_in_a_hash_table_is_told_before_anything_is_scanned(
    run: Run, known_home: Home, evidence: Path, tmp_path: Path
) -> None:
    (tmp_path / "values").write_text("0" * 64)
    ask = ("--home", known_home.path, "scan", evidence, "--hashes", tmp_path / "values")
    assert "--hash-type" in run(*ask, "-o", tmp_path / "case").err
    assert "'pqd' is not one of" in run(*ask, "--hash-type", "pqd", "-o", tmp_path / "case").err
    assert not (tmp_path / "case").exists()


def test_a_listed_file_that_vanished_has_a_verdict_and_a_typed_one_is_a_mistake(
    run: Run, known_home: Home, evidence: Path, tmp_path: Path
) -> None:
    home = ("--home", known_home.path)
    names = f"{evidence}/known.jpg\n{evidence}/gone.jpg\n".encode()
    ask = (*home, "scan", "-", "-o", tmp_path / "case", "--json", "--isolation", "inline")
    ran = run(*ask, stdin=names)
    counts = json.loads(ran.out)
    assert (ran.status, counts["files"], counts["reasons"]) == (2, 2, {"vanished": 1})
    ran = run(*home, "scan", evidence / "gone.jpg", "-o", tmp_path / "other")
    assert "gone.jpg: no such file" in ran.err
    assert "standard input names no paths" in run(*home, "scan", "-", "-o", tmp_path / "other").err


def test_roots_inside_each_other_are_scanned_once(
    run: Run, known_home: Home, evidence: Path, tmp_path: Path
) -> None:
    ran = run(
        "--home", known_home.path, "scan", evidence / "known.jpg", evidence, "-o",
        tmp_path / "case", "--json", "--isolation", "inline",
    )  # fmt: skip
    assert json.loads(ran.out)["files"] == 2
    assert "1 of 2 roots are named twice or lie inside others" in ran.err


def test_an_unfinished_run_is_not_reported(
    run: Run, finished: tuple[Path, str], tmp_path: Path
) -> None:
    output, _ = finished
    (output / "manifest.json").unlink()
    ran = run("report", output)
    assert ran.status == 2
    assert f"hashmatch scan --resume -o {output}" in ran.err


def test_whoever_stops_a_scan_is_told_how_to_go_on(
    run: Run, known_home: Home, evidence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hashmatch.cli.scan.scan", stopped)
    ran = run("--home", known_home.path, "scan", evidence, "-o", tmp_path / "case")
    assert ran.status == 130
    assert f"hashmatch scan --resume -o {tmp_path / 'case'}" in ran.err


def test_what_the_workers_lack_is_said_aloud(
    run: Run, known_home: Home, evidence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = [sandbox.Protection("landlock", "this kernel has no Landlock")]
    monkeypatch.setattr("hashmatch.cli.scan.capabilities", lambda: lacking)
    ran = run("--home", known_home.path, "scan", evidence, "-o", tmp_path / "case", "-w", "1")
    assert "warning: worker processes lack landlock" in ran.err

    def none() -> list[sandbox.Protection]:
        raise SandboxError("worker processes need Linux")

    monkeypatch.setattr("hashmatch.cli.scan.capabilities", none)
    ran = run("--home", known_home.path, "scan", evidence, "-o", tmp_path / "other")
    assert ran.status == 2
    assert "--isolation inline" in ran.err
    assert not (tmp_path / "other").exists()
