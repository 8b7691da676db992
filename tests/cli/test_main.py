"""The command as a whole: help, version, and what a failure looks like."""

from __future__ import annotations

import errno
import importlib.util
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from hashmatch.cli.main import DEBUG_VARIABLE
from hashmatch.home import Home

Run = Callable[..., Any]
COMMAND = Path(sysconfig.get_path("scripts")) / "hashmatch"


def reference() -> ModuleType:
    """Load the script that writes docs/commands.md, which stands beside this file."""
    spec = importlib.util.spec_from_file_location(
        "reference", Path(__file__).parent / "reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = reference()
ALL = {tuple(c.command_path.split()[1:]): c.command for c in REFERENCE.contexts() if c.parent}


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...], run: Run) -> None:
    ran = run(*path, "-h")
    assert ran.status == 0
    assert ALL[path].help
    for parameter in ALL[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{' '.join(path)}: {parameter.opts} has no help"


def test_the_command_reference_is_up_to_date() -> None:
    assert REFERENCE.PAGE.read_text(encoding="utf-8") == REFERENCE.page(), "run `make docs`"


def test_the_version(run: Run) -> None:
    assert run("--version").out.startswith("hashmatch ")


def test_a_misspelt_command_is_a_usage_error(run: Run) -> None:
    ran = run("scna")
    assert (ran.status, ran.out) == (2, "")
    assert "No such command 'scna'" in ran.err


def test_no_snapshot_is_one_line_with_the_remedy(run: Run, tmp_path: Path) -> None:
    ran = run("--home", tmp_path, "match", __file__)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert "hashmatch index build" in ran.err


def test_a_full_disk_is_one_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Home) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Home, "ensure", full)
    source = tmp_path / "list.txt"
    source.write_text("0" * 31 + "1\n")
    ran = run("--home", tmp_path, "list", "import", "l", source, "--polarity", "known-bad")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "disk is full" in ran.err


def test_a_fault_of_ours_is_one_line_without_its_message(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(_: Home) -> None:
        raise RuntimeError("secret-file-content")

    monkeypatch.setattr(Home, "ensure", broken)
    monkeypatch.delenv(DEBUG_VARIABLE, raising=False)
    source = tmp_path / "list.txt"
    source.write_text("")
    ran = run("--home", tmp_path, "list", "import", "l", source, "--polarity", "known-bad")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "RuntimeError" in ran.err
    assert "secret" not in ran.err


def test_a_reader_that_goes_away_is_not_a_traceback(known_home: Home, tmp_path: Path) -> None:
    pictures = [__file__] * 400
    first = subprocess.Popen(
        [COMMAND, "--home", known_home.path, "match", "--json", *pictures],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert first.stdout is not None
    first.stdout.readline()
    first.stdout.close()
    assert first.stderr is not None
    complaint = first.stderr.read()
    first.stderr.close()
    first.wait()
    assert b"Traceback" not in complaint


def test_the_package_runs_as_a_module() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "hashmatch", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("hashmatch ")
