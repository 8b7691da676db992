"""``hashmatch list``: every command's help, its success, and one mistake each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from hashmatch.cli.lists import list_group
from hashmatch.errors import HashmatchError
from hashmatch.home import Home

Run = Callable[..., Result]


def md5(text: object) -> str:
    return hashlib.md5(str(text).encode()).hexdigest()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run ``hashmatch list ...`` on a home of the test's own."""
    home = Home(tmp_path / "home")

    def call(*arguments: object, **options: Any) -> Result:
        return CliRunner().invoke(list_group, [str(a) for a in arguments], obj=home, **options)

    return call


@pytest.fixture
def hotline(tmp_path: Path) -> Path:
    path = tmp_path / "hotline.txt"
    path.write_text("".join(f"{md5(n)}  file {n}\n" for n in range(5)))
    return path


def succeeded(result: Result) -> Result:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result


def refused(result: Result, *words: str) -> None:
    """Hold a mistake to its message, be it click's own or an error the main command prints."""
    assert result.exit_code != 0
    if isinstance(result.exception, HashmatchError):
        message = str(result.exception)
    else:
        assert isinstance(result.exception, SystemExit | click.Abort), repr(result.exception)
        message = result.output
    for word in words:
        assert word in message, message


def test_every_command_has_help(run: Run) -> None:
    for name, command in list_group.commands.items():
        shown = succeeded(run(name, "--help")).output
        assert command.help
        assert command.help.split(".")[0].split("\n")[0][:20] in shown


def test_import(run: Run, hotline: Path) -> None:
    result = succeeded(run("import", "hotline", hotline, "--polarity", "known-bad"))
    assert "version 1: 5 added" in result.stderr
    assert md5(0) not in result.output
    result = succeeded(run("import", "hotline", hotline, "--json"))
    assert json.loads(result.stdout)["unchanged"] == 5


def test_import_reports_rows_by_line(run: Run, hotline: Path) -> None:
    hotline.write_text(hotline.read_text() + "rubbish\n")
    result = succeeded(run("import", "hotline", hotline, "--polarity", "known-bad"))
    assert "1 row(s) could not be used" in result.stderr
    assert f"{hotline}:6: not a line of md5sum" in result.stderr


def test_import_needs_a_polarity(run: Run, hotline: Path) -> None:
    refused(run("import", "hotline", hotline), "--polarity known-bad")


def test_import_takes_thresholds_by_type(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "pdq.txt"
    path.write_text(hashlib.sha256(b"a").hexdigest() + "\n")
    common = ("import", "p", path, "--polarity", "known-bad", "--type", "pdq")
    succeeded(run(*common, "--max-distance", "20", "--min-quality", "pdq=60"))
    shown = json.loads(succeeded(run("show", "p", "--json")).stdout)
    assert shown["thresholds"] == {"pdq": {"max_distance": 20, "min_quality": 60}}
    refused(run(*common, "--max-distance", "300"), "between 0 and 256 bits")
    refused(run(*common, "--max-distance", "pdq=many"), "takes a whole number")


def test_import_of_thresholds_without_type_is_refused(run: Run, hotline: Path) -> None:
    refused(
        run("import", "h", hotline, "--polarity", "known-bad", "--max-distance", "20"),
        "--max-distance pdq=20",
    )


def test_ls(run: Run, hotline: Path) -> None:
    succeeded(run("import", "hotline", hotline, "--polarity", "known-bad"))
    assert "hotline" in succeeded(run("ls")).stdout
    (shown,) = json.loads(succeeded(run("ls", "--json")).stdout)
    assert (shown["name"], shown["entries"]) == ("hotline", 5)


def test_ls_without_catalog(run: Run) -> None:
    refused(run("ls"), "hashmatch list import")


def test_show(run: Run, hotline: Path) -> None:
    succeeded(run("import", "hotline", hotline, "--polarity", "known-bad"))
    result = succeeded(run("show", "hotline", "--entries", "2"))
    assert "file 0" in result.stdout
    assert md5(0) not in result.stdout
    refused(run("show", "other"), "no list 'other'", "hotline")


def test_remove(run: Run, hotline: Path) -> None:
    succeeded(run("import", "hotline", hotline, "--polarity", "known-bad"))
    refused(run("remove", "hotline", input="n\n"), "Abort")
    succeeded(run("remove", "hotline", "--yes"))
    assert json.loads(succeeded(run("ls", "--json")).stdout) == []
    refused(run("remove", "hotline", "--yes"), "no list 'hotline'")
