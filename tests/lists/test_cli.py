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
from hashmatch.cli.main import cli
from hashmatch.errors import HashmatchError
from hashmatch.home import Home
from hashmatch.lists import check

Run = Callable[..., Result]


def md5(text: object) -> str:
    return hashlib.md5(str(text).encode()).hexdigest()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run ``hashmatch list ...`` on a home of the test's own."""
    home = Home(tmp_path / "home")

    def call(*arguments: object, **options: Any) -> Result:
        # click keeps the help option a command first had, and other tests ask for -h, too
        settings = {**cli.context_settings, **options}
        return CliRunner().invoke(list_group, [str(a) for a in arguments], obj=home, **settings)

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


def test_one_half_of_a_threshold_said_anew_leaves_the_other_half(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "pdq.txt"
    path.write_text(hashlib.sha256(b"picture").hexdigest() + "\n")
    common = ("import", "p", path, "--polarity", "known-bad", "--type", "pdq")
    succeeded(run(*common, "--max-distance", "40", "--max-distance", "2:pdq=16"))
    succeeded(run(*common, "--min-quality", "30", "--min-quality", "2:pdq=70"))
    shown = json.loads(run("show", "p", "--json").stdout)
    assert shown["thresholds"] == {"pdq": {"max_distance": 40, "min_quality": 30}}
    assert shown["category_thresholds"] == {"2": {"pdq": {"max_distance": 16, "min_quality": 70}}}
    succeeded(run(*common, "--max-distance", "24", "--max-distance", "3:pdq=20"))
    shown = json.loads(run("show", "p", "--json").stdout)
    assert shown["thresholds"] == {"pdq": {"max_distance": 24, "min_quality": 30}}
    assert shown["category_thresholds"]["3"] == {"pdq": {"max_distance": 20, "min_quality": 30}}


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


@pytest.fixture
def imported(run: Run, hotline: Path) -> Run:
    """Return the runner of a home that has the list ``hotline`` in two versions."""
    succeeded(run("import", "hotline", hotline, "--polarity", "known-bad"))
    hotline.write_text("".join(f"{md5(n)}  file {n}\n" for n in range(1, 7)))
    succeeded(run("import", "hotline", hotline))
    return run


def test_import_takes_file_names_from_standard_input(run: Run, hotline: Path) -> None:
    succeeded(run("import", "h", "-", "--polarity", "known-bad", input=f"{hotline}\n"))
    assert json.loads(succeeded(run("ls", "--json")).stdout)[0]["entries"] == 5


def test_import_dry_run(imported: Run, hotline: Path) -> None:
    hotline.write_text(f"{md5(1)}  file 1\n")
    result = succeeded(imported("import", "hotline", hotline, "--dry-run"))
    assert "dry run, nothing is changed" in result.stderr
    assert json.loads(imported("show", "hotline", "--json").stdout)["version"] == 2


def test_import_delta(imported: Run, hotline: Path) -> None:
    hotline.write_text(f"{md5(50)}  file 50\n")
    result = succeeded(imported("import", "hotline", hotline, "--mode", "delta", "--json"))
    assert json.loads(result.stdout)["unchanged"] == 6


def test_import_with_a_column_map(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(f"sum;grade\n{md5(1)};A\n")
    common = ("import", "odd", path, "--polarity", "known-bad", "--delimiter", ";")
    succeeded(run(*common, "--map", "sum=md5", "--map", "grade=category", "--scheme", "us"))
    shown = json.loads(run("show", "odd", "--entries", "1", "--json").stdout)
    assert shown["first_entries"][0]["category"]["code"] == "A"
    refused(run(*common, "--map", "sum"), "--map checksum=md5")
    refused(run(*common, "--map", "sum=md6"), "'md6' is no field")
    file = tmp_path / "map.toml"
    file.write_text('[columns]\nsum = "md5"\n[fixed]\ncategory = "7"\n')
    succeeded(run(*common, "--map-file", file))


def test_import_with_a_scheme_map_and_category_rules(run: Run, tmp_path: Path) -> None:
    path, scheme = tmp_path / "list.csv", tmp_path / "scheme.json"
    path.write_text(f"pdq,category\n{'0f' * 32},9\n{'f0' * 32},1\n")
    scheme.write_text('{"name": "desk", "labels": {"1": "one", "9": "nine"}}')
    common = ("import", "s", path, "--polarity", "known-bad", "--scheme-map", scheme)
    result = succeeded(
        run(
            *common, "--hold-category", "9", "--max-distance", "1:pdq=12", "--min-quality", "pdq=60"
        )
    )
    assert "warning" not in result.stderr
    shown = json.loads(run("show", "s", "--entries", "1", "--json").stdout)
    assert shown["scheme"] == "desk"
    assert shown["held_categories"] == ["9"]
    assert shown["thresholds"] == {"pdq": {"max_distance": 31, "min_quality": 60}}
    assert shown["category_thresholds"] == {"1": {"pdq": {"max_distance": 12, "min_quality": 50}}}
    assert shown["first_entries"][0]["category"]["label"] == "nine"
    succeeded(run(*common, "--hold-category", "none"))
    assert json.loads(run("show", "s", "--json").stdout)["held_categories"] == []
    scheme.write_text("[]")
    refused(run(*common), "a scheme has a 'name'")


def test_diff(imported: Run, hotline: Path) -> None:
    result = succeeded(imported("diff", "hotline"))
    assert result.stdout.startswith("2 added, 0 changed, 1 removed, 4 unchanged")
    shape = json.loads(
        succeeded(imported("diff", "hotline", "--from", 2, "--to", 1, "--json")).stdout
    )
    assert (shape["added"], shape["removed"]) == (1, 2)
    assert len(shape["entry_ids"]["removed"]) == 2
    refused(imported("diff", "hotline", "--to", 9), "no version 9")


def test_diff_with_a_file(imported: Run, hotline: Path) -> None:
    hotline.write_text(f"{md5(1)}  file 1\n{md5(9)}  file 9\nrubbish\n")
    result = succeeded(imported("diff", "hotline", hotline, "--json"))
    shape = json.loads(result.stdout)
    assert (shape["added"], shape["removed"], shape["problem_count"]) == (1, 5, 1)
    assert "dry run" in succeeded(imported("diff", "hotline", hotline)).stderr
    refused(imported("diff", "hotline", hotline, "--from", 1), "not both")


def test_rollback(imported: Run) -> None:
    result = succeeded(imported("rollback", "hotline", 1))
    assert "hotline version 3 is version 1 again" in result.stderr
    refused(imported("rollback", "hotline", 3), "live one already")


def test_export(imported: Run, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    succeeded(imported("export", "hotline", "--format", "vics-2.0", "--region", "US", "-o", target))
    assert len(json.loads(target.read_text())["value"]) == 6
    result = succeeded(imported("export", "hotline", "--format", "text", "-o", "-"))
    assert sorted(result.stdout.split()) == sorted(md5(n) for n in range(1, 7))
    refused(imported("export", "hotline", "--format", "vics-2.0", "-o", target), "--region")


def test_check(imported: Run, hotline: Path) -> None:
    assert "sound" in succeeded(imported("check", "hotline")).stderr
    hotline.write_text(f"{md5(1)}  file 1\nrubbish\n")
    result = imported("check", "hotline", hotline)
    assert result.exit_code == 2
    assert f"{hotline}:2: not a line of md5sum" in result.stdout
    assert json.loads(imported("show", "hotline", "--json").stdout)["version"] == 2
    refused(imported("check", "other"), "no list 'other'")


def test_check_before_anything_was_imported(run: Run, hotline: Path) -> None:
    result = succeeded(run("check", "hotline", hotline, "--json"))
    assert json.loads(result.stdout)["entries"] == 5


def test_quarantine(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "pdq.txt"
    path.write_text("00" * 32 + "\n" + "00" * 31 + "01" + "\n" + "0f1e2d3c" * 8 + "\n")
    succeeded(run("import", "p", path, "--polarity", "known-bad", "--type", "pdq"))
    result = run("check", "p", "--quarantine", "unbalanced", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["quarantined"] == {"unbalanced": 1}, (
        "one was held by the import"
    )
    held = json.loads(succeeded(run("quarantine", "ls", "--json")).stdout)
    assert len(held) == 2
    assert "PDQ value with far from half" in succeeded(run("quarantine", "ls", "p")).stdout
    refused(run("quarantine", "release", "p"), "--all")
    succeeded(run("quarantine", "release", "p", held[0]["entry_id"]))
    succeeded(run("quarantine", "release", "p", "--all"))
    assert json.loads(run("quarantine", "ls", "--json").stdout) == []
    assert len(json.loads(run("quarantine", "ls", "--released", "--json").stdout)) == 2
    refused(run("quarantine", "ls", "other"), "no list 'other'")


def test_check_across_polarities_through_an_index(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "MOST_PAIRS", 0)  # a comparison of every pair would be refused
    values = [hashlib.sha256(b"%d" % n).hexdigest() for n in range(40)]
    near = f"{int(values[4], 16) ^ (2**31 - 1):064x}"
    far = f"{int(values[5], 16) ^ (2**32 - 1):064x}"
    for name, listed in (("known-bad", values[:30]), ("known-good", [values[3], near, far])):
        path = tmp_path / f"{name}.txt"
        path.write_text("".join(f"{value}\n" for value in listed))
        succeeded(run("import", name, path, "--polarity", name, "--type", "pdq"))

    result = run("check", "known-bad", "--quarantine", "across-polarities", "--json")
    assert result.exit_code == 2
    shape = json.loads(result.stdout)
    findings = {finding["kind"]: finding for finding in shape["findings"]}
    assert set(findings) == {"known-good", "across-polarities"}
    assert findings["known-good"]["count"] == 1, "the same hash"
    assert findings["across-polarities"]["count"] == 2, "the same hash, and the one 31 bits off"
    assert set(findings["known-good"]["entry_ids"]) < set(
        findings["across-polarities"]["entry_ids"]
    )
    assert shape["quarantined"] == {"across-polarities": 2}
    held = json.loads(succeeded(run("quarantine", "ls", "known-bad", "--json")).stdout)
    assert {x["entry_id"] for x in held} == set(findings["across-polarities"]["entry_ids"])

    other = json.loads(run("check", "known-good", "--json").stdout)["findings"]
    assert [(f["kind"], f["count"]) for f in other] == [("across-polarities", 2)]


def test_a_shared_catalog_needs_the_override(
    imported: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HASHMATCH_ALLOW_SHARED_CATALOG", "")
    (tmp_path / "home" / "catalog.db").chmod(0o644)
    refused(imported("ls"), "chmod 600")
    succeeded(imported("--allow-shared", "ls"))
