"""Catalog to snapshot: complete, atomic, and told as it happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import hashmatch as hm
from hashmatch.errors import CatalogError, SnapshotError
from hashmatch.home import Home
from hashmatch.indexes.snapshot import SnapshotWriter, current_id
from hashmatch.lists.catalog import Catalog
from hashmatch.publish import publish

ImportText = Callable[..., None]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.ensure()
    return made


def test_every_list_and_value_is_in_the_report(home: Home, import_text: ImportText) -> None:
    pictures = "".join(f"{3 ** (150 + n):064x}\n" for n in range(5))
    import_text(home, "pictures", pictures, "pdq")
    import_text(home, "files", "".join(f"{n + 1:032x}\n" for n in range(3)))
    told: list[tuple[str, int, int]] = []
    report = publish(home, progress=lambda *step: told.append(step))
    assert (report.lists, report.entries) == (2, 8)
    assert report.values["md5"] == 3
    assert report.values.get("pdq", 0) + sum(report.left_out.values()) == 5
    assert current_id(home.snapshots) == report.snapshot_id
    assert told[-1][1] == told[-1][2]
    assert report.to_json()["snapshot"] == report.snapshot_id


def test_nothing_to_publish_is_an_error(home: Home) -> None:
    with pytest.raises(CatalogError):
        publish(home)
    Catalog.open(home.catalog).close()
    with pytest.raises(CatalogError, match="list import"):
        publish(home)
    assert current_id(home.snapshots) is None


def test_a_failure_leaves_the_live_snapshot(
    home: Home, monkeypatch: pytest.MonkeyPatch, import_text: ImportText
) -> None:
    import_text(home, "files", f"{1:032x}\n")
    before = publish(home).snapshot_id
    import_text(home, "more", f"{2:032x}\n")

    def broken(self: SnapshotWriter) -> None:
        raise SnapshotError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(SnapshotWriter, "prepare", broken)
        with pytest.raises(SnapshotError):
            publish(home)
    assert current_id(home.snapshots) == before
    with hm.Matcher.open(home.path) as matcher:
        assert matcher.match_hash("md5", f"{1:032x}").verdict is hm.Verdict.MATCH
        assert matcher.match_hash("md5", f"{2:032x}").verdict is hm.Verdict.NO_MATCH
    assert publish(home).lists == 2
