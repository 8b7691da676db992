"""Imports killed at random moments, and readers beside a writer: before or after, never between."""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hashmatch.errors import CatalogError
from hashmatch.lists import database, readers
from hashmatch.lists.catalog import Catalog
from hashmatch.types import Polarity

ROWS = 60_000
SCRIPT = Path(__file__).with_name("crash_import.py")


def md5(number: int) -> str:
    return hashlib.md5(b"%d" % number).hexdigest()


def write(path: Path, first: int, note: str) -> Path:
    path.write_text("".join(f"{md5(n)}  {note} {n}\n" for n in range(first, first + ROWS)))
    return path


def bring(catalog: Catalog, source: Path) -> None:
    reading = readers.read([source])
    catalog.import_list(
        "list",
        reading,
        source_files=[source],
        format=reading.format,
        polarity=Polarity.KNOWN_BAD,
    )


def digest(catalog: Catalog) -> tuple[str, list[int]]:
    """Return what identifies the whole state of a catalog."""
    found = hashlib.sha256()
    for entry in catalog.entries("list"):
        found.update(entry.hashes[0].bytes + str(entry.metadata).encode())
    return found.hexdigest(), [version.entries for version in catalog.versions("list")]


def start(path: Path, source: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, SCRIPT, path, source], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begin\n"
    return process


def kill_at_random_moments(tmp_path: Path, times: int) -> None:
    base, old, new = tmp_path / "base.db", tmp_path / "old.txt", tmp_path / "new.txt"
    write(old, 0, "old")
    write(new, ROWS // 2, "new")
    with Catalog.open(base) as catalog:
        bring(catalog, old)
        before = digest(catalog)
    whole = tmp_path / "whole.db"
    shutil.copy2(base, whole)
    process = start(whole, new)
    begin = time.perf_counter()
    process.communicate()
    span = time.perf_counter() - begin
    with Catalog.open(whole) as catalog:
        after = digest(catalog)
    assert before != after
    source = random.Random(times)
    killed = 0
    for number in range(times):
        path = tmp_path / f"killed{number}.db"
        shutil.copy2(base, path)
        process = start(path, new)
        time.sleep(source.uniform(0, span))
        process.kill()
        output, _ = process.communicate()
        if "end" in output:  # too late: the first import ran while the machine was busier
            span /= 2
        else:
            killed += 1
        with Catalog.open(path) as catalog:
            found = digest(catalog)
            assert found in (before, after)
            assert found == after or "end" not in output, "what was reported done is done"
            if number % 5 == 0:
                bring(catalog, new)
                assert digest(catalog)[0] == after[0], "the import can be run again"
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        for leftover in tmp_path.glob(f"{path.name}*"):
            leftover.unlink()
    assert killed, "no import was interrupted: the moments are all too late"


def test_killed_at_a_few_random_moments(tmp_path: Path) -> None:
    kill_at_random_moments(tmp_path, 5)


@pytest.mark.heavy
def test_killed_at_fifty_random_moments(tmp_path: Path) -> None:
    kill_at_random_moments(tmp_path, 50)


def test_readers_see_before_or_after_while_an_import_runs(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    old, new = write(tmp_path / "old.txt", 0, "old"), write(tmp_path / "new.txt", ROWS, "new")
    with Catalog.open(path) as catalog:
        bring(catalog, old)
    seen: set[tuple[int, int]] = set()
    done = threading.Event()
    failures: list[BaseException] = []

    def look() -> None:
        try:
            while not done.is_set():
                with Catalog.open(path, create=False) as reader, reader.export() as export:
                    records = sum(len(batch.records) for batch in export)
                    seen.add((export.lists[0].version, records))
        except BaseException as error:  # noqa: BLE001 - told by the test itself
            failures.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    with Catalog.open(path) as catalog:
        bring(catalog, new)
        bring(catalog, old)
    done.set()
    thread.join()
    assert not failures
    assert seen
    assert all(records == ROWS for _, records in seen)


def test_a_second_writer_is_told_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_PATIENCE", 0.1)
    path = tmp_path / "catalog.db"
    source = tmp_path / "list.txt"
    source.write_text(f"{md5(1)}  x\n")
    with Catalog.open(path) as first, Catalog.open(path) as second:

        def try_too(done: int) -> None:
            with pytest.raises(CatalogError, match="in use by another import"):
                bring(second, source)

        reading = readers.read([source])
        first.import_list(
            "list",
            reading,
            source_files=[source],
            format="sums",
            polarity=Polarity.KNOWN_BAD,
            progress=try_too,
        )
        bring(second, source)
        assert [v.version for v in first.versions("list")] == [1, 2]
