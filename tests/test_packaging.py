"""What is installed is what the tree holds, and importing it stays cheap."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import hashmatch

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("click", "faiss", "PIL", "numpy", "rich", "sqlite3", "imagehash", "scipy")


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def packages_of_the_tree() -> set[str]:
    found = set()
    for top, name in (
        ("hashmatch", "hashmatch"),
        ("cli", "hashmatch.cli"),
        ("indexes", "hashmatch.indexes"),
    ):
        for init in (ROOT / top).rglob("__init__.py"):
            found.add(".".join([name, *init.parent.relative_to(ROOT / top).parts]))
    return found


def test_every_package_of_the_tree_is_installed() -> None:
    assert set(project()["tool"]["setuptools"]["packages"]) == packages_of_the_tree()


def test_every_compiled_module_has_a_stub() -> None:
    modules = {path.stem for path in (ROOT / "src_ext").glob("_*.pyx")}
    stubs = {path.stem for path in (ROOT / "hashmatch" / "_ext").glob("*.pyi")}
    assert modules == stubs


def loaded_after(statement: str) -> set[str]:
    program = f"import sys, json\n{statement}\njson.dump(sorted(sys.modules), sys.stdout)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(run.stdout))


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_after("import hashmatch") & set(HEAVY)


def test_a_command_loads_only_what_it_needs() -> None:
    loaded = loaded_after(
        "from click.testing import CliRunner\nfrom hashmatch.cli.main import cli\n"
        "assert CliRunner().invoke(cli, ['list', '-h']).exit_code == 0"
    )
    assert not loaded & {"faiss", "PIL", "imagehash", "scipy"}


@pytest.mark.parametrize("name", sorted(hashmatch.__all__))
def test_every_public_name_loads(name: str) -> None:
    assert getattr(hashmatch, name) is not None


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'mismatch'"):
        _ = hashmatch.mismatch
