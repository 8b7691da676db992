"""The machinery of the suites, without timing anything: fits, workers, counting, planting."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import growth, peers, proofs, run
from bench.conftest import slowed
from bench.environments import Environment, PeerUnavailableError
from bench.harness import document, measured


def test_the_exponent_of_a_power_law_is_found() -> None:
    x = [1e4, 1e5, 1e6, 1e7]
    assert growth.exponent(x, [3 * n**0.37 for n in x]) == pytest.approx(0.37)
    curve = growth.Curve()
    for n in x:
        curve.add(n, [n, 2 * n**0.5])  # two rounds, of other laws
    assert curve.slopes(1e6) == pytest.approx([1.0, 0.5])
    assert curve.slopes(1e7) == pytest.approx([1.0, 0.5])  # too few points: all of them
    assert curve.series("s").low == (200.0, 2 * 1e5**0.5, 2000.0, 2 * 1e7**0.5)


def test_growth_stops_where_memory_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "_free", lambda: 3 * growth.BYTES_A_HASH * 1_000_000 // 2)
    assert growth.affordable(10**8)[-1] == 1_000_000
    assert growth.affordable(50_000) == [10_000, 30_000]


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    return peers.inputs(tmp_path, 400, 6)


def test_a_worker_prepares_answers_and_times(given: dict[str, Any]) -> None:
    worker = peers.Worker.start("hashmatch", Path(sys.executable))
    try:
        assert worker.version
        found = worker.ask(do="prepare", case="search", given=given)["result"]
        batch = worker.ask(do="prepare", case="batch", given=given)["result"]
        assert found == batch
        assert sum(len(rows) for rows in found) >= 3  # half of the queries are planted
        assert worker.ask(do="time", case="search", repeats=2)["seconds"] > 0
        with pytest.raises(PeerUnavailableError, match="KeyError"):
            worker.ask(do="prepare", case="nonsense", given=given)
    finally:
        worker.stop()


def test_a_worker_that_cannot_load_its_peer_says_why() -> None:
    with pytest.raises(PeerUnavailableError, match=r"ModuleNotFoundError|KeyError"):
        peers.Worker.start("no such peer", Path(sys.executable))
    with pytest.raises(PeerUnavailableError, match="status"):
        peers.Worker.start("hashmatch", Path("/bin/false"))


def test_a_peer_that_cannot_be_had_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(environment: Environment) -> Path:
        raise PeerUnavailableError(f"no wheel of {environment.name} for this machine")

    monkeypatch.setattr(peers, "python_of", refuse)
    monkeypatch.setattr(peers, "CASES", {"batch": peers.CASES["batch"]})
    found = peers.run(["faiss"], rows=300, asked=4, rounds=1)
    assert found.unavailable == {"faiss": "no wheel of faiss for this machine"}
    assert found.figures == []
    assert found.recall == {"batch: hashmatch": 1.0}


def test_every_case_of_a_peer_exists_in_the_worker() -> None:
    source = peers.WORKER.read_text()
    for case in peers.CASES.values():
        for peer, way, _ in case.theirs:
            assert peer in peers.PEERS
            assert f'"{way}"' in source or way.endswith("-file")


def test_outcomes_of_tests_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "outcome.xml"
    path.write_text(
        "<testsuites><testsuite><testcase/><testcase/><testcase><failure/></testcase>"
        "<testcase><error/></testcase><testcase><skipped/></testcase></testsuite></testsuites>"
    )
    assert proofs.counted(path) == proofs.Count(passed=2, failed=2, skipped=1)


def test_tests_that_are_not_there_prove_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(proofs.PROOFS, "search.damage", ("tests/none.py",))
    assert proofs.prove("search.damage", tmp_path, "not heavy") == (
        "tests/none.py is not in this checkout"
    )


def test_a_planted_slowdown_changes_time_and_nothing_else() -> None:
    calls = []

    def kernel(a: int, *, b: int) -> int:
        calls.append((a, b))
        return a + b

    assert slowed(kernel, 1.2)(1, b=2) == 3
    assert calls == [(1, 2)]


def answer(text: str, status: int = 0) -> Any:
    def started(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[-1] == "--json"
        return subprocess.CompletedProcess(command, status, text)

    return started


def test_results_of_a_suite_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = document("t", [measured("f", [np.float64(3).item()], "ms", name="f")], {"seed": 1})
    monkeypatch.setattr(subprocess, "run", answer(json.dumps(shape)))
    path = tmp_path / "made" / "x.json"
    found = run.run("quick", output=path)
    assert [figure.value for figure in found.figures] == [3.0]
    assert json.loads(path.read_text())["notes"] == {"seed": 1}


@pytest.mark.parametrize("printed", ["", "Traceback", "[1]", '{"figures": []}'])
def test_a_suite_that_prints_no_results_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    monkeypatch.setattr(subprocess, "run", answer(printed, 1))
    with pytest.raises(run.SuiteError, match="quick"):
        run.run("quick", output=tmp_path / "x.json")
    assert not (tmp_path / "x.json").exists()
