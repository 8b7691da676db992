"""The machinery of the suites, without timing anything: fits, workers, counting, planting."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import growth, harness, hostile, peers, proofs, run
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
        "<testcase><error/></testcase><testcase><skipped message='needs strace'/></testcase>"
        "</testsuite></testsuites>"
    )
    found = proofs.counted(path)
    assert found == proofs.Count(passed=2, failed=2, skipped=1, reasons=("needs strace",))
    figure = proofs.figure_of("search.damage", found)
    assert (figure.value, figure.goal, figure.reached) == (2, 0, False)
    assert figure.note == "2 tests passed, 1 skipped: needs strace"


PASSES, FAILS, BREAKS = "def test_a(): pass", "def test_a(): assert 0", "import no_such_module"
SKIPS = "import pytest\ndef test_a(): pytest.skip('needs strace')"
DIES = "import os\ndef test_a(): pass\ndef test_b(): os._exit(0)"


@pytest.mark.parametrize(
    ("source", "failed"),
    [(PASSES, 0), (FAILS, 1), (BREAKS, None), (SKIPS, None), (DIES, None), ("", None)],
    ids=["passes", "fails", "cannot be imported", "skips", "dies", "empty"],
)
def test_only_tests_that_ran_to_their_end_are_a_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, failed: int | None
) -> None:
    """What did not run must never read as 0 failures."""
    (tmp_path / "test_proof.py").write_text(source)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = heavy: long\n")
    monkeypatch.setattr(proofs, "ROOT", tmp_path)
    monkeypatch.setitem(proofs.PROOFS, "search.damage", ("test_proof.py",))
    found = proofs.prove("search.damage", tmp_path / "out", proofs.EVERYTHING)
    if failed is None:
        assert isinstance(found, str)
        assert "status" in found or "skipped: needs strace" in found
    else:
        assert isinstance(found, proofs.Count)
        assert found.failed == failed


@pytest.mark.parametrize("name", proofs.PROOFS)
def test_every_proof_names_tests_that_exist(name: str) -> None:
    for path in proofs.PROOFS[name]:
        file, _, test = path.partition("::")
        assert f"def {test or 'test_'}" in (harness.ROOT / file).read_text(), path


def test_tests_that_are_not_there_prove_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(proofs.PROOFS, "search.damage", ("tests/none.py",))
    assert proofs.prove("search.damage", tmp_path, "not heavy") == (
        "tests/none.py is not in this checkout"
    )


def test_a_toll_of_few_files_is_not_the_promised_one() -> None:
    lost = {"a": "timeout: no answer", "b": "decoder_crashed: signal 9"}
    few = hostile.Toll(files=1999, without_verdict=1, lost=lost)
    assert few.figures("hostile")[0].name == "hostile.few-hostile"
    enough = hostile.Toll(files=2000, without_verdict=1, lost=lost)
    assert [f.name for f in enough.figures("hostile")] == list(hostile.FIGURES[:3])
    assert enough.figures("hostile")[0].value == 2  # one hang, one without a verdict


def test_a_planted_slowdown_changes_time_and_nothing_else() -> None:
    calls = []

    def kernel(a: int, *, b: int) -> int:
        calls.append((a, b))
        return a + b

    assert slowed(kernel, 1.2)(1, b=2) == 3
    assert calls == [(1, 2)]


def answer(text: str, status: int = 0) -> Any:
    started_for_real = subprocess.run

    def started(command: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        if command[0] == "git":
            return started_for_real(command, **given)
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


def test_results_know_their_source_and_what_else_the_machine_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [{"commit": "abc", "dirty": False}, {"commit": "abc", "dirty": True}]
    monkeypatch.setattr(run, "source", lambda: states.pop(0))
    shape = document("t", [measured("f", [3.0], "ms", name="f")], {})
    monkeypatch.setattr(subprocess, "run", answer(json.dumps(shape)))
    found = run.run("quick", output=tmp_path / "x.json")
    assert (found.machine["commit"], found.machine["dirty"]) == ("abc", False)
    assert found.notes["CAUTION"] == "the source changed while this ran"
    assert found.machine["seconds"] >= 0
    assert found.machine["other_cores"] >= 0


def test_work_of_others_is_what_the_machine_did_beyond_our_own() -> None:
    spent = run.Spent(110.0, 55.0, 31.0) - run.Spent(100.0, 40.0, 20.0)
    assert spent == run.Spent(10.0, 15.0, 11.0)
    assert spent.other_cores == pytest.approx(0.4)
    assert (run.Spent(1.0, 0.0, 3.0)).other_cores == 0  # a system that does not count
    assert (run.Spent.so_far() - run.Spent.so_far()).busy <= 0


def test_results_and_their_page_do_not_make_the_source_look_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "ROOT", tmp_path)
    assert harness.source() == {"commit": "unknown", "dirty": None}
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "bench" / "results").mkdir(parents=True)
    (tmp_path / "bench" / "run.py").write_text("1")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    (tmp_path / "bench" / "results" / "x.json").write_text("{}")
    assert harness.source()["dirty"] is False
    (tmp_path / "bench" / "run.py").write_text("2")
    assert harness.source()["dirty"] is True


def test_a_group_runs_its_suites_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def fail(name: str, extra: Any) -> None:
        started.append(name)
        raise run.SuiteError(f"{name}: no")

    monkeypatch.setattr(run, "run", fail)
    for group in ("timed", "counted"):
        told = list(run.run_all((), group))
        assert all(isinstance(found, run.SuiteError) for _, found, _ in told)
    assert sorted(started) == sorted(run.SUITES)
    assert started.index("selftest") < started.index("proofs")


@pytest.mark.parametrize("printed", ["", "Traceback", "[1]", '{"figures": []}'])
def test_a_suite_that_prints_no_results_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    monkeypatch.setattr(subprocess, "run", answer(printed, 1))
    with pytest.raises(run.SuiteError, match="quick"):
        run.run("quick", output=tmp_path / "x.json")
    assert not (tmp_path / "x.json").exists()
