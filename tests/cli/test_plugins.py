"""Plug-ins as a user of the command line meets them: installed beside hashmatch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hashmatch.hash_types import PLUGIN_GROUP

Photograph = Callable[[str], Path]
Command = Callable[..., subprocess.CompletedProcess[str]]

PLUGIN = """
from hashmatch.hash_types import HashKind, HashType
from hashmatch.hashing import Hasher

def rows(pixels):
    means = pixels.mean(axis=(1, 2) if pixels.ndim == 3 else 1)
    return bytes(int(means[len(means) * i // 8]) for i in range(8)), 80

hasher = Hasher(HashType("acmerows", HashKind.PERCEPTUAL, 64, max_distance=3), rows, "row means")
"""


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Return a function that runs hashmatch in a process that sees two plug-ins, one broken."""
    site = tmp_path / "site"
    info = site / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "acme_rows.py").write_text(PLUGIN)
    (site / "acme_broken.py").write_text("import a_library_nobody_has\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{PLUGIN_GROUP}]\nacmerows = acme_rows:hasher\nbroken = acme_broken:hasher\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(site), "HASHMATCH_HOME": str(tmp_path / "home")}

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hashmatch", *arguments],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    "words",
    [("hash",), ("match",), ("scan",), ("list", "import")],
    ids=" ".join,
)
def test_the_help_names_the_type(command: Command, words: tuple[str, ...]) -> None:
    ran = command(*words, "-h")
    assert ran.returncode == 0
    assert "acmerows" in ran.stdout.replace("\n", "").replace(" ", "")


def test_its_values_are_computed_imported_and_matched(
    command: Command, tmp_path: Path, photograph: Photograph
) -> None:
    picture = photograph("coffee.png")
    ran = command("hash", "--type", "acmerows", "--format", "json", picture)
    assert ran.returncode == 0, ran.stderr
    value = json.loads(ran.stdout)["hashes"]["acmerows"]["hex"]
    (tmp_path / "list.txt").write_text(f"{value}\n")
    said = ("--type", "acmerows", "--polarity", "known-bad")
    ran = command("list", "import", "acme", tmp_path / "list.txt", *said)
    assert ran.returncode == 0, ran.stderr
    assert command("index", "build").returncode == 0
    for asked in (["--hash", "acmerows", value], [str(picture)]):
        ran = command("match", "--json", *asked)
        assert ran.returncode == 1, ran.stderr
        assert json.loads(ran.stdout)["hits"][0]["hash_type"] == "acmerows"


def test_the_doctor_names_what_works_and_what_does_not(command: Command) -> None:
    ran = command("doctor", "--json")
    found = {finding["what"]: finding for finding in json.loads(ran.stdout)}
    assert ran.returncode == 2
    assert found["plug-ins"]["state"] == "good"
    assert "acmerows" in found["plug-ins"]["message"]
    assert found["plug-in broken"]["state"] == "bad"
    assert "a_library_nobody_has" in found["plug-in broken"]["message"]
    assert "uninstall" in found["plug-in broken"]["message"]
