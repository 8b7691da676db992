"""Versions: compared, brought back, and stored by what they changed."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hashmatch.errors import CatalogError
from hashmatch.lists import readers, settle
from hashmatch.lists.catalog import Catalog
from hashmatch.lists.info import ImportReport, Mode
from hashmatch.types import Polarity


def md5(number: int) -> str:
    return hashlib.md5(b"%d" % number).hexdigest()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.open(tmp_path / "catalog.db") as opened:
        yield opened


def add(catalog: Catalog, lines: Sequence[str], **options: Any) -> ImportReport:
    path = catalog.path.parent / "source.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    reading = readers.read([path])
    return catalog.import_list(
        "list", reading, source_files=[path], format="sums", polarity=Polarity.KNOWN_BAD, **options
    )


def state(catalog: Catalog, version: int | None = None) -> set[tuple[str, str]]:
    return {
        (e.hashes[0].hex, e.metadata["file_name"]) for e in catalog.entries("list", version=version)
    }


def test_diff_names_what_changed(catalog: Catalog) -> None:
    add(catalog, [f"{md5(n)}  {n}" for n in range(6)])
    ids = {e.metadata["file_name"]: e.entry_id for e in catalog.entries("list")}
    add(catalog, [f"{md5(n)}  {n}" for n in (1, 2, 3)] + [f"{md5(4)}  new", f"{md5(9)}  9"])
    changes = catalog.diff("list", limit=10)
    assert (changes.added, changes.changed, changes.removed, changes.unchanged) == (1, 1, 2, 3)
    assert changes.entry_ids["changed"] == [ids["4"]]
    assert set(changes.entry_ids["removed"]) == {ids["0"], ids["5"]}
    assert len(changes.entry_ids["added"]) == 1
    back = catalog.diff("list", 2, 1)
    assert (back.added, back.changed, back.removed) == (2, 1, 1)
    assert catalog.diff("list", 2, 2).unchanged == 5


def test_diff_of_a_version_that_is_not_there(catalog: Catalog) -> None:
    add(catalog, [f"{md5(1)}  1"])
    with pytest.raises(CatalogError, match="no version 7"):
        catalog.diff("list", 1, 7)


def test_an_earlier_version_comes_back_as_a_new_one(catalog: Catalog) -> None:
    add(catalog, [f"{md5(n)}  {n}" for n in range(6)])
    first = state(catalog)
    add(catalog, [f"{md5(n)}  {n}" for n in range(4, 9)])
    generation = catalog.generation
    made = catalog.roll_back("list", 1)
    assert (made.version, made.live, made.mode, made.entries) == (3, True, Mode.ROLLBACK, 6)
    assert (made.added, made.removed, made.unchanged) == (4, 3, 2)
    assert state(catalog) == first
    assert catalog.generation > generation
    assert [v.live for v in catalog.versions("list")] == [False, False, True]
    report = add(catalog, [f"{md5(n)}  {n}" for n in range(6)])
    assert (report.version, report.unchanged) == (4, 6)


def test_the_live_version_cannot_come_back(catalog: Catalog) -> None:
    add(catalog, [f"{md5(1)}  1"])
    with pytest.raises(CatalogError, match="live one already"):
        catalog.roll_back("list", 1)


def test_a_new_version_stores_what_it_changes(catalog: Catalog) -> None:
    lines = [f"{md5(n)}  {n}" for n in range(5000)]
    add(catalog, lines)
    add(catalog, [*lines[:-1], f"{md5(9999)}  9999"])
    connection = sqlite3.connect(catalog.path)
    counts = [row[0] for row in connection.execute("SELECT count FROM blocks ORDER BY block_id")]
    connection.close()
    assert counts == [5000, 1]


@pytest.mark.parametrize("seed", range(12))
def test_versions_agree_with_a_plain_model(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Random imports against a set of (value, note) pairs; shares of identities kept tiny."""
    monkeypatch.setattr(settle, "SHARE", 7)
    source = random.Random(seed)
    model: set[tuple[int, str]] = set()
    history: list[set[tuple[int, str]]] = []
    for _ in range(6):
        if history and source.random() < 0.2:
            number = source.randrange(len(history)) + 1
            live = next(v.version for v in catalog.versions("list") if v.live)
            if number != live:
                catalog.roll_back("list", number)
                model = history[number - 1]
                history.append(model)
                continue
        rows = [
            (source.randrange(40), source.choice("abc")) for _ in range(source.randrange(1, 60))
        ]
        mode = source.choice([Mode.FULL, Mode.DELTA])
        before = model
        brought = set(rows)
        if mode is Mode.FULL:
            model = brought
        else:
            replaced = {value for value, note in brought - before}
            model = {(v, note) for v, note in before if v not in replaced} | brought
        report = add(catalog, [f"{md5(v)}  {note}" for v, note in rows], mode=mode)
        history.append(model)
        assert state(catalog) == {(md5(v), note) for v, note in model}
        assert report.added + report.changed == len(model - before)
        assert report.removed + report.changed == len(before - model)
        assert report.unchanged == len(before & model)
        assert report.left_out.get("duplicate", 0) == len(rows) - len(brought)
        assert catalog.list_info("list").entries == len(model)
        assert catalog.list_info("list").values == {"md5": len(model)}
    for number, expected in enumerate(history, 1):
        assert state(catalog, number) == {(md5(v), note) for v, note in expected}
    for a in range(len(history)):
        changes = catalog.diff("list", a + 1, len(history))
        assert changes.unchanged == len(history[a] & history[-1])
        assert changes.added + changes.changed == len(history[-1] - history[a])
