"""The quick run and the command around it, at sizes that take no time. No time is judged here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import codes, quick
from bench.figures import find
from hashmatch.cli import bench as command
from hashmatch.cli import main as entry

TINY = quick.Size(side=96, rows=2000, listed=300, photographs=3, rounds=2, least=1e-4)


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enlarging a photograph to 12 MP takes a second; these tests need only some picture."""
    from bench.corpus import photographs, rgb

    picture = rgb(photographs()["rocket.jpg"])
    monkeypatch.setattr(quick, "twelve_megapixels", lambda: picture)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "Size", lambda: TINY)


def test_it_prints_the_figures_it_declares_and_tells_how_far_it_is() -> None:
    told: list[tuple[str, int, int]] = []
    figures = quick.run(TINY, lambda *step: told.append(step))
    assert [figure.name for figure in figures] == list(quick.FIGURES)
    assert [step[0] for step in told] == [*quick.STEPS, "done"]
    assert [step[1] for step in told] == list(range(len(quick.STEPS) + 1))
    for figure in figures:
        promise = find(figure.name)
        assert figure.goal == (promise.must if promise else None)
        assert figure.low <= figure.value <= figure.high
    by_name = {figure.name: figure for figure in figures}
    assert by_name["search.differences"].value == 0
    assert by_name["hash.conformance"].value == 100


@pytest.mark.usefixtures("tiny")
def test_the_command_gives_a_verdict_for_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "--quick") == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert len(lines) == len(quick.FIGURES)
    assert all(line.split()[0] in ("reached", "MISSED", "-") for line in lines)
    assert "goals reached, at small sizes" in said.err


@pytest.mark.usefixtures("tiny")
def test_the_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "--quick", "--json") == 0
    shape = json.loads(capsys.readouterr().out)
    assert [figure["name"] for figure in shape["figures"]] == list(quick.FIGURES)
    assert shape["machine"]["cores"] >= 1


def test_a_wheel_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ROOT", tmp_path)
    assert run("bench", "--quick") == 2
    error = capsys.readouterr().err
    assert "come with the source code" in error
    assert "make setup" in error


def test_unknown_suites_and_files_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("bench", "run", "nonsense") == 2
    assert "there is no suite 'nonsense'" in capsys.readouterr().err
    assert run("bench", "compare", tmp_path / "none.json", tmp_path / "none.json") == 2
    assert "none.json" in capsys.readouterr().err


@pytest.mark.parametrize("shape", codes.SHAPES)
def test_planted_queries_lie_within_the_radius_and_others_do_not(shape: str) -> None:
    known = codes.codes(3000, shape)
    asked = codes.queries(known, 40, 31)
    nearest = [min(int(np.bitwise_count(known ^ q).sum(axis=1).min()), 256) for q in asked]
    assert sum(distance <= 31 for distance in nearest) == 20
    assert sum(distance > 60 for distance in nearest) == 20
    assert np.array_equal(known, codes.codes(3000, shape))


def test_clusters_are_near_and_bits_are_skewed() -> None:
    clustered = codes.codes(5000, "clustered")
    inside = np.bitwise_count(clustered[0] ^ clustered[1 : codes.CLUSTER]).sum(axis=1)
    assert inside.max() <= 4 * codes.NEAR
    shares = np.unpackbits(codes.codes(5000, "skewed"), axis=1).mean(axis=0)
    assert shares.min() < 0.25
    assert shares.max() > 0.75


def run(*arguments: Any) -> int:
    with pytest.raises(SystemExit) as left:
        entry.main([str(argument) for argument in arguments])
    assert isinstance(left.value.code, int)
    return left.value.code
