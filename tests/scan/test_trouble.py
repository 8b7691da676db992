"""Evidence that misbehaves: growing, vanishing, failing disks, swarms of empty files."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hashmatch as hm
from hashmatch.home import Home
from hashmatch.scan import ScanOptions, scan, walk

ReadRecords = Callable[[Path], list[dict[str, Any]]]
Photograph = Callable[[str], Path]
INLINE = ScanOptions(workers=1)
WORKERS = ScanOptions(isolation="workers", workers=1)


@pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")
def test_a_failing_disk_is_a_reason_for_that_file_alone(
    known_home: Home, tmp_path: Path, read_records: ReadRecords
) -> None:
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
    shim = tmp_path / "shim.so"
    source = Path(__file__).with_name("failing_read.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "a.txt").write_text("only text")
    (evidence / "b.jpg").write_bytes(b"FAILING-DISK" + bytes(500))
    (evidence / "c.txt").write_text("only text")
    for isolation in ("inline", "workers"):
        command = [
            sys.executable, "-m", "hashmatch", "--home", str(known_home.path), "scan",
            str(evidence), "-q", "-o", str(tmp_path / isolation), "--isolation", isolation,
            "--workers", "1",
        ]  # fmt: skip
        environment = os.environ | {"LD_PRELOAD": str(shim)}
        ran = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert ran.returncode == 2, ran.stderr
        found = read_records(tmp_path / isolation)
        assert [r["reason"] for r in found] == ["not_an_image", "read_failed", "not_an_image"]
        assert found[1]["verdict"] == "unscannable"
        assert "Input/output error" in found[1]["message"]


@pytest.mark.parametrize("options", [INLINE, WORKERS], ids=["inline", "workers"])
def test_a_file_that_grows_while_it_is_read_is_never_clean(
    matcher: hm.Matcher, tmp_path: Path, photograph: Photograph, read_records: ReadRecords,
    options: ScanOptions,
) -> None:  # fmt: skip
    path = tmp_path / "growing.png"
    whole = photograph("ihc.png").read_bytes()
    path.write_bytes(whole)
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set():
            with path.open("ab") as stream:
                stream.write(b"more")
            time.sleep(0.0005)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        scan(matcher, [str(path)], tmp_path / "run", options)
    finally:
        stop.set()
        thread.join()
    (record,) = read_records(tmp_path / "run")
    assert (record["verdict"], record["reason"]) == ("partial", "changed")


def test_a_file_that_shrinks_while_it_is_read_has_a_verdict(
    matcher: hm.Matcher, tmp_path: Path, read_records: ReadRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shrinking.bin"
    path.write_bytes(bytes(100_000))
    real = os.readv

    def cut(descriptor: int, buffers: Any) -> int:
        os.truncate(path, 10)
        return real(descriptor, buffers)

    monkeypatch.setattr("hashmatch.matching.source.os.readv", cut)
    scan(matcher, [str(path)], tmp_path / "run", INLINE)
    (record,) = read_records(tmp_path / "run")
    assert (record["verdict"], record["reason"]) == ("unscannable", "changed")


def test_a_file_without_permission_has_a_verdict(
    matcher: hm.Matcher, tmp_path: Path, read_records: ReadRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "locked.bin"
    path.write_bytes(b"content")
    real = os.open

    def refuse(name: Any, flags: int, *rest: Any, **named: Any) -> int:
        if os.fspath(name) == str(path):
            raise PermissionError(13, "Permission denied")
        return real(name, flags, *rest, **named)

    monkeypatch.setattr("hashmatch.media.files.os.open", refuse)
    scan(matcher, [str(path)], tmp_path / "run", INLINE)
    (record,) = read_records(tmp_path / "run")
    assert (record["verdict"], record["reason"]) == ("unscannable", "permission_denied")


def test_a_file_replaced_between_walk_and_reading_is_not_taken_for_it(
    matcher: hm.Matcher, tmp_path: Path, read_records: ReadRecords
) -> None:
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    secret = tmp_path / "elsewhere.bin"
    secret.write_bytes(b"not evidence")
    path = evidence / "b.bin"
    path.write_bytes(b"content")

    def replace_it(found: Any) -> Any:
        for item in found:
            path.unlink(missing_ok=True)
            path.symlink_to(secret)
            yield item

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hashmatch.scan.inputs.walk", lambda *a, **n: replace_it(walk(*a, **n)))
        scan(matcher, [str(evidence)], tmp_path / "run", INLINE)
    (record,) = read_records(tmp_path / "run")
    assert (record["verdict"], record["reason"]) == ("unscannable", "changed")
    assert record["hashes"] == {}


def make_empty(folder: Path, count: int) -> None:
    for number in range(count):
        if number % 1000 == 0:
            here = folder / f"{number // 1000:04}"
            here.mkdir(parents=True)
        os.close(os.open(here / f"{number:07}", os.O_CREAT | os.O_WRONLY))


def swarm(known_home: Home, evidence: Path, output: Path) -> tuple[dict[str, Any], float]:
    """Scan in a process of its own; return the counts and its largest size in MB."""
    code = (
        "import json,resource,sys; from pathlib import Path; import hashmatch as hm;"
        "from hashmatch.scan import scan, ScanOptions;"
        "m = hm.Matcher.open(sys.argv[1]);"
        "s = scan(m, [sys.argv[2]], Path(sys.argv[3]), ScanOptions(workers=2));"
        "size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024;"
        "print(json.dumps([s.to_json(), size]))"
    )
    command = [sys.executable, "-c", code, str(known_home.path), str(evidence), str(output)]
    ran = subprocess.run(command, capture_output=True, check=True)
    counts, megabytes = json.loads(ran.stdout)
    return counts, megabytes


def test_empty_files_do_not_pile_up_in_memory(known_home: Home, tmp_path: Path) -> None:
    make_empty(tmp_path / "few", 100)
    make_empty(tmp_path / "many", 6000)
    _, few = swarm(known_home, tmp_path / "few", tmp_path / "run-few")
    counts, many = swarm(known_home, tmp_path / "many", tmp_path / "run-many")
    assert counts["reasons"] == {"empty": 6000}
    assert many < few + 12


@pytest.mark.heavy
def test_a_million_empty_files(known_home: Home, tmp_path: Path) -> None:
    make_empty(tmp_path / "few", 100)
    make_empty(tmp_path / "many", 1_000_000)
    try:
        _, few = swarm(known_home, tmp_path / "few", tmp_path / "run-few")
        counts, many = swarm(known_home, tmp_path / "many", tmp_path / "run-many")
    finally:
        shutil.rmtree(tmp_path / "many")
    assert counts["files"] == 1_000_000
    assert counts["reasons"] == {"empty": 1_000_000}
    assert many < few + 60


def test_the_limits_of_this_process_are_untouched() -> None:
    assert resource.getrlimit(resource.RLIMIT_CORE) is not None
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
