"""Where hashmatch keeps its files, and that only their owner can read them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hashmatch.errors import OutputError
from hashmatch.home import ENVIRONMENT_VARIABLE, Home


def test_the_argument_comes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "env"))
    assert Home.find(tmp_path / "said").path == tmp_path / "said"
    assert Home.find().path == tmp_path / "env"


def test_without_either_it_is_the_users_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Home.find().path.name == "hashmatch"


def test_the_folder_is_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "new" / "home")
    home.ensure()
    home.ensure()
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    assert home.catalog.parent == home.snapshots.parent == home.path


def test_a_home_that_cannot_be_made_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=f"--home or {ENVIRONMENT_VARIABLE}"):
        Home(tmp_path / "file" / "home").ensure()
