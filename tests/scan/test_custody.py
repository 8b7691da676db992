"""Whatever is done to a finished run afterwards is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import hashmatch as hm
from hashmatch.errors import OutputError
from hashmatch.scan import custody, head_of, scan, verify
from hashmatch.scan.report.rebuild import rebuild


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, matcher: hm.Matcher, many: Path) -> Path:
    output = tmp_path_factory.mktemp("finished") / "run"
    scan(matcher, [str(many / "3")], output)
    return output


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def edit(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def test_an_untouched_run_is_sound(run: Path) -> None:
    checked = verify(run, head_of(run))
    assert checked.problems == []
    assert checked.notes == []
    assert checked.files == 6
    assert "anchor" in verify(run).notes[0]


FILES = ["results.jsonl", "results.csv", "journal.jsonl", "summary.json", "manifest.json",
         "run.json", "custody.jsonl"]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("tampering", ["edit", "delete", "reorder", "truncate"])
def test_tampering_shows(run: Path, name: str, tampering: str) -> None:
    anchor = head_of(run)
    changes: dict[str, Callable[[list[bytes]], list[bytes]]] = {
        "edit": lambda lines: [line.replace(b"e", b"f", 1) for line in lines],
        "delete": lambda lines: lines[1:],
        "reorder": lambda lines: lines[::-1] if len(lines) > 1 else [lines[0][::-1]],
        "truncate": lambda lines: [*lines[:-1], lines[-1][: len(lines[-1]) // 2]],
    }
    edit(run / name, changes[tampering])
    assert verify(run, anchor).problems
    assert verify(run).problems


@pytest.mark.parametrize("name", FILES)
def test_a_missing_or_foreign_file_shows(run: Path, name: str) -> None:
    (run / name).rename(run / "elsewhere")
    problems = " ".join(verify(run).problems)
    assert "elsewhere" in problems or name in problems


def test_an_older_log_put_back_shows_by_the_anchor(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "older")
    rebuild(run, "html")
    anchor = head_of(run)
    assert verify(run, anchor).problems == []
    shutil.rmtree(run)
    shutil.copytree(tmp_path / "older", run)
    assert verify(run).problems == [], "the control: without the anchor it cannot show"
    assert any("anchor" in problem for problem in verify(run, anchor).problems)


def test_a_log_cut_at_a_record_shows(run: Path) -> None:
    rebuild(run, "html")
    anchor = head_of(run)
    edit(run / "custody.jsonl", lambda lines: lines[:-1])
    assert verify(run, anchor).problems
    assert any("report.html" in problem for problem in verify(run).problems)


def test_a_rewritten_run_shows_by_the_anchor(run: Path, matcher: hm.Matcher) -> None:
    """Whoever can write everything can make a consistent run; the anchor still tells."""
    anchor = head_of(run)
    edit(run / "results.jsonl", lambda lines: lines[1:])
    manifest = json.loads((run / "manifest.json").read_text())
    data = (run / "results.jsonl").read_bytes()
    manifest["outputs"]["results.jsonl"] = {
        "bytes": len(data),
        "sha256": custody.file_hash(run / "results.jsonl"),
    }
    (run / "manifest.json").write_text(json.dumps(manifest))
    records = custody.read(run / "custody.jsonl").records
    (run / "custody.jsonl").unlink()
    for record in records:
        detail = record["detail"]
        if record["event"] == "finished":
            detail["manifest_sha256"] = custody.file_hash(run / "manifest.json")
        custody.append(run / "custody.jsonl", record["event"], detail)
    assert verify(run).problems == [], "the control: it is consistent in itself"
    assert verify(run, anchor).problems


def test_records_after_the_anchor_are_fine(run: Path) -> None:
    anchor = head_of(run)
    rebuild(run, "csv")
    checked = verify(run, anchor.upper())
    assert checked.problems == []
    assert "1 record" in checked.notes[0]


def test_a_chain_is_read_up_to_its_damage(tmp_path: Path) -> None:
    log = tmp_path / "log"
    heads = [custody.append(log, "event", {"number": n}) for n in range(5)]
    assert custody.read(log).heads == heads
    edit(log, lambda lines: [*lines[:3], lines[4], lines[3]])
    chain = custody.read(log)
    assert chain.heads == heads[:3]
    assert chain.problem == "record 3 was changed, moved or put in"
    with pytest.raises(OutputError, match="damaged log"):
        custody.append(log, "event", {})


def test_a_half_written_record_is_cut_off_when_resuming(tmp_path: Path) -> None:
    log = tmp_path / "log"
    head = custody.append(log, "event", {})
    with log.open("ab") as stream:
        stream.write(b'{"number":1,"ti')
    assert custody.read(log).problem
    assert custody.repair(log) is True
    assert custody.read(log).head == head
    assert custody.repair(log) is False


def test_the_manifest_names_what_made_the_run(finished: Path, matcher: hm.Matcher) -> None:
    manifest = json.loads((finished / "manifest.json").read_text())
    assert manifest["snapshot"] == matcher.snapshot.id
    assert {"numpy", "pillow"} <= set(manifest["libraries"])
    assert manifest["codecs"]
    assert [listed["name"] for listed in manifest["lists"]] == ["files", "photos", "system"]
    assert manifest["parameters"]["options"]["archives"]["depth"] == 4
    for name, stated in manifest["outputs"].items():
        assert stated["bytes"] == (finished / name).stat().st_size
