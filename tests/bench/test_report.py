"""The page made from result files: what it opens with, its verdicts, its plots."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from bench import figures, report
from bench.figures import PROMISES
from bench.harness import Figure, document, measured
from bench.plots import KINDS, Plot, Series, draw, svg
from bench.results import ResultsError, load
from hashmatch.cli import main as entry

SVG = "{http://www.w3.org/2000/svg}"
LINES = Plot("lines", "Time & <size>", "rows", "us", "log-log",
             (Series("ours", (1.0, 10.0), (2.0, 3.0), (1.0, 2.0), (4.0, 5.0)),
              Series("theirs", (1.0, 10.0), (9.0, 99.0))))  # fmt: skip


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    made = [
        measured("PDQ of 12 MP | RGB", [50.0, 48.0, 60.0], "x", 40, below=False,
                 name="hash.pdq-rgb"),
        Figure("grey", 70, 69, 71, 80, 0.01, 0.7, name="hash.pdq-grey"),
    ]  # fmt: skip
    shape = document("Hashing <pixels>", made, {"seed": 7}, [LINES])
    (folder / "hashing_vs_peers.json").write_text(json.dumps(shape))
    return folder


def written(results: Path, tmp_path: Path) -> tuple[str, str]:
    docs, page = tmp_path / "docs", tmp_path / "page.html"
    assert report.write(results, docs, page) == [docs / "benchmarks.md", page]
    return (docs / "benchmarks.md").read_text(), page.read_text()


def test_the_page_opens_with_machine_versions_commands_and_caveats(
    results: Path, tmp_path: Path
) -> None:
    text, _ = written(results, tmp_path)
    opening = text[: text.index("## Promised figures")]
    machine = load(results / "hashing_vs_peers.json").machine
    for said in (machine["processor"], machine["python"], machine["versions"]["numpy"],
                 "hashmatch bench --quick", "Read ratios, not milliseconds"):  # fmt: skip
        assert said in opening


def test_every_promise_is_listed_with_its_verdict(results: Path, tmp_path: Path) -> None:
    text, _ = written(results, tmp_path)
    lines = {line.split(" | ")[0].lstrip("| "): line for line in text.splitlines()}
    for promise in PROMISES:
        assert promise.what in lines
    reached = lines["PDQ of decoded 12 MP RGB, against pdqhash"]
    assert "50x" in reached
    assert "48 - 60" in reached
    assert "| reached |" in reached
    assert "**MISSED**" in lines["PDQ of decoded 12 MP grey, against pdqhash"]
    assert "not measured" in lines[PROMISES[2].what]
    assert f"**1 of {len(PROMISES)} promised figures are reached**, 1 are missed" in text
    assert "seed" in text


def test_plots_are_files_beside_markdown_and_inside_html(results: Path, tmp_path: Path) -> None:
    text, page = written(results, tmp_path)
    assert "![Time & <size>](benchmarks/lines.svg)" in text
    ET.parse(tmp_path / "docs" / "benchmarks" / "lines.svg")
    assert page.count("<svg") == 1
    assert "src=" not in page
    assert "http-equiv" not in page


def test_text_from_results_is_escaped(results: Path, tmp_path: Path) -> None:
    text, page = written(results, tmp_path)
    assert "PDQ of 12 MP \\| RGB" in text
    assert "Hashing &lt;pixels&gt;" in page
    assert "Hashing <pixels>" not in page


def test_a_small_run_fills_no_promise(results: Path) -> None:
    path = results / "hashing_vs_peers.json"
    shape = json.loads(path.read_text())
    for options in ("--quick", "--rounds 1", "--size=5"):
        command = f"python -m bench.hashing_vs_peers {options}"
        path.write_text(json.dumps(shape | {"command": command}))
        assert figures.measured_figures({"hashing_vs_peers": load(path)}) == {}
    path.write_text(json.dumps(shape | {"command": "python -m bench.hashing_vs_peers --only a"}))
    assert figures.measured_figures({"hashing_vs_peers": load(path)})


def changed(results: Path, **facts: Any) -> None:
    path = results / "hashing_vs_peers.json"
    shape = json.loads(path.read_text())
    shape["machine"] |= facts
    path.write_text(json.dumps(shape))


@pytest.mark.parametrize(
    ("facts", "warned"),
    [
        ({"other_cores": 0.1, "load": 9.0}, False),
        ({"other_cores": 0.7, "load": 0.0}, True),
        ({"cores": 2, "load": 1.9}, False),  # a result that knows only the load
        ({"cores": 2, "load": 9.0}, True),
    ],
)
def test_other_work_on_the_machine_is_told(
    results: Path, tmp_path: Path, facts: dict[str, Any], warned: bool
) -> None:
    changed(results, **facts)
    text, _ = written(results, tmp_path)
    assert ("the machine had other work" in text) == warned


def test_the_source_of_every_suite_is_told(results: Path, tmp_path: Path) -> None:
    changed(results, commit="abc1234", dirty=True, seconds=75.0, other_cores=0.0)
    text, _ = written(results, tmp_path)
    assert "Source: all suites, commit abc1234 with uncommitted changes." in text
    assert "in 75 s beside 0 cores of other work" in text
    shape = json.loads((results / "hashing_vs_peers.json").read_text())
    shape["machine"] |= {"commit": "def5678", "dirty": False}
    (results / "files.json").write_text(json.dumps(shape))
    text, _ = written(results, tmp_path)
    assert "not all suites ran on the same one" in text
    assert "files: commit def5678" in text


def test_a_plot_that_cannot_be_drawn_leaves_the_old_page_alone(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = written(results, tmp_path)
    old = sorted((tmp_path / "docs" / "benchmarks").iterdir())

    def fail(_: Plot) -> str:
        raise ModuleNotFoundError("no matplotlib")

    monkeypatch.setattr(report, "svg", fail)
    with pytest.raises(ModuleNotFoundError):
        report.write(results, tmp_path / "docs", tmp_path / "page.html")
    assert sorted((tmp_path / "docs" / "benchmarks").iterdir()) == old
    assert (tmp_path / "docs" / "benchmarks.md").read_text() == before[0]
    assert {path.name for path in (tmp_path / "docs").iterdir()} == {"benchmarks", "benchmarks.md"}


def test_plots_of_suites_that_are_gone_are_removed(results: Path, tmp_path: Path) -> None:
    written(results, tmp_path)
    old = tmp_path / "docs" / "benchmarks" / "old.svg"
    old.write_text("<svg/>")
    written(results, tmp_path)
    assert not old.exists()


def test_no_results_are_no_page(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no results to report"):
        report.write(tmp_path, tmp_path / "docs", tmp_path / "page.html")


def test_the_command_says_what_it_wrote(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments: list[Any] = ["bench", "report", "--results", results, "--docs", tmp_path / "d",
                            "--html", tmp_path / "p.html"]  # fmt: skip
    with pytest.raises(SystemExit) as left:
        entry.main([str(argument) for argument in arguments])
    assert left.value.code == 0
    assert "benchmarks.md" in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_plot_is_drawn_the_same_every_time(kind: str) -> None:
    bars = kind.endswith("bars")
    x: tuple[float | str, ...] = ("a", "b") if bars else (1.0, 2.0)
    series = tuple(Series(name, x, (3.0, 4.0), (2.0, 3.0), (5.0, 6.0)) for name in ("s", "t"))
    plot = Plot("p", "title", "x axis", "y axis", kind, series, (1.0,))
    text = svg(plot)
    assert text == svg(plot)
    words = {"".join(e.itertext()).strip() for e in ET.fromstring(text).iter(f"{SVG}text")}
    assert {"title", "x axis", "s", "t"} <= words
    assert draw(plot, "png").startswith(b"\x89PNG")


def test_plots_survive_json() -> None:
    assert Plot.from_json(json.loads(json.dumps(LINES.to_json()))) == LINES
