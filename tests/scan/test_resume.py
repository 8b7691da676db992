"""A run that was killed goes on and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hashmatch as hm
from hashmatch.errors import OutputError
from hashmatch.home import Home
from hashmatch.scan import REPORTED_TYPES, ScanOptions, resume, scan, verify

WORKERS = ScanOptions(isolation="workers", workers=2)
SAME = ("results.jsonl", "results.csv", "journal.jsonl")


INLINE = ScanOptions(workers=1)


def command(home: Home, evidence: Path, output: Path, how: ScanOptions) -> list[str]:
    return [
        sys.executable, "-m", "hashmatch", "--home", str(home.path), "scan", str(evidence),
        "-o", str(output), "--quiet", "--json",
        "--workers", str(how.workers), "--isolation", how.isolation,
    ]  # fmt: skip


def kill_and_resume(
    matcher: hm.Matcher,
    home: Home,
    evidence: Path,
    output: Path,
    after_files: int,
    how: ScanOptions,
) -> int:
    """Kill a scan once it has journaled so many files; return how many were read again after."""
    process = subprocess.Popen(
        command(home, evidence, output, how), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    journal = output / "journal.jsonl"
    while process.poll() is None:
        if journal.exists() and journal.read_bytes().count(b"\n") >= after_files:
            break
        time.sleep(0.001)
    process.kill()
    process.wait()
    resume(matcher, output, how)
    log = [json.loads(line) for line in (output / "custody.jsonl").read_text().splitlines()]
    known = next(r["detail"]["files_known"] for r in reversed(log) if r["event"] == "resumed")
    read = json.loads((output / "manifest.json").read_text())["workers"]["files_read"]
    total = json.loads((output / "summary.json").read_text())["counts"]["files"]
    assert known >= min(after_files, total)
    assert read == total - known, "nothing that was journaled is read again"
    assert verify(output).problems == []
    return int(read)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, matcher: hm.Matcher, many: Path) -> Path:
    output = tmp_path_factory.mktemp("whole") / "run"
    scan(matcher, [str(many)], output, WORKERS)
    return output


@pytest.mark.parametrize(("after_files", "how"), [(1, INLINE), (70, WORKERS)])
def test_a_killed_scan_ends_as_an_undisturbed_one(
    matcher: hm.Matcher, known_home: Home, many: Path, whole: Path, tmp_path: Path,
    after_files: int, how: ScanOptions,
) -> None:  # fmt: skip
    kill_and_resume(matcher, known_home, many, tmp_path / "run", after_files, how)
    for name in SAME:
        assert (tmp_path / "run" / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.heavy
def test_thirty_kills_of_five_thousand_files(
    matcher: hm.Matcher, known_home: Home, many: Path, tmp_path: Path
) -> None:
    evidence = tmp_path / "evidence"
    for number in range(42):  # 42 x 120 files
        shutil.copytree(many, evidence / f"{number:02}")
    scan(matcher, [str(evidence)], tmp_path / "whole", WORKERS)
    expected = {name: (tmp_path / "whole" / name).read_bytes() for name in SAME}
    rng = random.Random(5000)
    for number in range(30):
        output = tmp_path / f"run{number}"
        kill_and_resume(matcher, known_home, evidence, output, rng.randrange(5000), WORKERS)
        for name in SAME:
            assert (output / name).read_bytes() == expected[name], (number, name)
        shutil.rmtree(output)


def test_a_second_kill_while_resuming_changes_nothing(
    matcher: hm.Matcher, known_home: Home, many: Path, whole: Path, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    for after_files in (30, 80):
        arguments = command(known_home, many, output, INLINE)
        if output.exists():
            arguments = [a for a in arguments if a != str(many)] + ["--resume"]
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        journal = output / "journal.jsonl"
        while process.poll() is None:
            if journal.exists() and journal.read_bytes().count(b"\n") >= after_files:
                process.send_signal(signal.SIGKILL)
            time.sleep(0.001)
        assert process.returncode == -signal.SIGKILL
    resume(matcher, output, INLINE)
    for name in SAME:
        assert (output / name).read_bytes() == (whole / name).read_bytes(), name


def test_what_was_done_to_the_evidence_meanwhile_is_seen(
    matcher: hm.Matcher, many: Path, tmp_path: Path
) -> None:
    evidence = tmp_path / "evidence"
    shutil.copytree(many, evidence)
    scan(matcher, [str(evidence)], tmp_path / "run", INLINE)
    first = sorted((evidence / "3").iterdir())
    first[0].unlink()
    first[1].write_bytes(b"something else")
    (evidence / "0" / "0000-new.jpg").write_bytes(first[2].read_bytes())
    resume(matcher, tmp_path / "run", INLINE)
    assert json.loads((tmp_path / "run/manifest.json").read_text())["workers"]["files_read"] == 2
    scan(matcher, [str(evidence)], tmp_path / "fresh", INLINE)
    for name in SAME:
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes()


def test_content_changed_behind_the_clock_is_seen_when_asked(
    matcher: hm.Matcher, many: Path, tmp_path: Path, read_records: Callable[[Path], list[Any]]
) -> None:
    evidence = tmp_path / "evidence"
    shutil.copytree(many / "0", evidence)
    scan(matcher, [str(evidence)], tmp_path / "run")
    path = sorted(evidence.iterdir())[1]
    before = path.stat()
    with path.open("r+b") as stream:
        stream.write(b"X")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    resume(matcher, tmp_path / "run")
    old = {r["path"]: r["hashes"] for r in read_records(tmp_path / "run")}
    resume(matcher, tmp_path / "run", ScanOptions(verify_content=True))
    new = {r["path"]: r["hashes"] for r in read_records(tmp_path / "run")}
    assert {name for name in old if old[name] != new[name]} == {str(path)}


def test_a_run_of_other_types_is_not_gone_on_with(
    matcher: hm.Matcher, known_home: Home, many: Path, tmp_path: Path
) -> None:
    scan(matcher, [str(many / "0")], tmp_path / "run")
    with (
        hm.Matcher.open(known_home.path, also_compute=[*REPORTED_TYPES, "phash"]) as other,
        pytest.raises(OutputError, match="start a new scan"),
    ):
        resume(other, tmp_path / "run")
    with pytest.raises(OutputError, match="holds no run"):
        resume(matcher, tmp_path)


def test_the_index_of_a_large_journal_is_small(matcher: hm.Matcher, whole: Path) -> None:
    from hashmatch.scan.journal import JournalIndex

    index = JournalIndex(whole / "journal.jsonl")
    assert len(index) == 120
    assert index._keys.nbytes + index._starts.nbytes == 16 * 120
    index.close()
