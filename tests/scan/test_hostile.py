"""What broke decoders before: everything ends in a verdict, in bounded time and memory."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hashmatch as hm
from hashmatch.scan import ScanOptions, scan, verify

# two of the files are not hostile but large: 33 megapixels as HEIF, in several pictures
LARGE = {"test_data_Sony.HIF"}


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the measuring of ``bench/hostile.py``, whose goals are this test's limits."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2]))
    return importlib.import_module("bench.hostile")


def fetched(hostile: Any) -> list[Path]:
    found: list[Path]
    found = hostile.files()
    if len(found) < 2000:
        pytest.skip("fetch the files with tests/scan/corpus.py and tests/media/corpus.py")
    return found


@pytest.mark.heavy
def test_hostile_files_cost_little_and_kill_nothing(hostile: Any) -> None:
    toll = hostile.run(
        (str(path), path.read_bytes()) for path in fetched(hostile) if path.name not in LARGE
    )
    assert toll.files >= 2000
    assert toll.without_verdict == 0
    assert toll.slowest[0] < hostile.SLOWEST_SECONDS, toll.slowest
    assert toll.largest[0] < hostile.LARGEST_MEGABYTES, toll.largest
    assert not toll.lost


@pytest.mark.heavy
def test_ten_thousand_mutants_cost_little(hostile: Any) -> None:
    fetched(hostile)
    toll = hostile.run((str(n), data) for n, data in enumerate(hostile.mutants(10_000)))
    assert toll.files == 10_000
    assert toll.without_verdict == 0
    assert toll.slowest[0] < hostile.SLOWEST_SECONDS, toll.slowest
    assert toll.largest[0] < hostile.LARGEST_MEGABYTES, toll.largest


@pytest.mark.heavy
def test_a_scan_of_the_hostile_files_accounts_for_each(
    hostile: Any, matcher: hm.Matcher, tmp_path: Path,
    read_records: Callable[[Path], list[dict[str, Any]]],
) -> None:  # fmt: skip
    evidence = tmp_path / "evidence"
    for number, path in enumerate(fetched(hostile)):
        target = evidence / f"{number % 50:02}" / f"{number:05}-{path.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    options = ScanOptions(isolation="workers", workers=2, timeout=30)
    summary = scan(matcher, [str(evidence)], tmp_path / "run", options)
    found = read_records(tmp_path / "run")
    files = {record["path"] for record in found if record["kind"] == "file"}
    assert files == {str(path) for path in evidence.rglob("*") if path.is_file()}
    assert summary.files == len(found) == sum(summary.verdicts.values())
    for record in found:
        assert (record["verdict"] in ("match", "no_match")) or record["reason"]
        assert record["verdict"] != "error"
    workers = json.loads((tmp_path / "run/manifest.json").read_text())["workers"]
    assert workers["lost"] == {}
    assert verify(tmp_path / "run").problems == []
