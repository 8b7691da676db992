"""A snapshot written once, in format 1, that every later version must read and answer alike.

``golden/snapshot-1.zip`` was written by this file, run as a program, and is never written again: a
new format gets a golden snapshot of its own beside it.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hashmatch import indexes
from hashmatch.indexes.live_writer import Insert, LiveWriter
from hashmatch.indexes.snapshot import Snapshot, SnapshotWriter, verify
from hashmatch.reference import hamming
from hashmatch.types import HashValue

GOLDEN = Path(__file__).parent / "golden"
KINDS = {"pdq": ("scan", 256), "phash": ("mih", 64), "phash16": ("faiss:BFlat", 256)}
ROWS = 24


def column(name: str, bits: int, rows: int = ROWS + 1) -> np.ndarray:
    """Return synthetic values that need no generator to be stable."""
    seed = sum(name.encode())
    grid = np.arange(rows * bits // 8, dtype=np.uint64) + np.uint64(seed * 1_000_003)
    mixed = grid * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(56)).astype(np.uint8).reshape(rows, bits // 8)


def write(root: Path) -> None:
    """Write the golden snapshot, and one update to it."""
    numbers = np.arange(ROWS, dtype=np.uint32)
    lists = [{"name": "golden", "version": 1, "polarity": "known-bad", "entries": ROWS}]
    with SnapshotWriter(root, lists, {"purpose": "golden"}) as writer:
        writer.add_entries(
            json.dumps({"list": 0, "id": f"entry {n}", "meta": {"n": n}}).encode()
            for n in range(ROWS)
        )
        writer.add_values("sha1", column("sha1", 160)[:ROWS], numbers)
        for name, (kind, bits) in KINDS.items():
            index = indexes.create(kind, bits=bits, codes=column(name, bits)[:ROWS], radius=4)
            qualities = (numbers * 4).astype(np.uint8)
            writer.add_index(name, index, numbers, qualities)
        writer.publish()
    values = [
        HashValue(name, column(name, bits)[ROWS].tobytes(), 70) for name, (_, bits) in KINDS.items()
    ]
    values.append(HashValue("sha1", column("sha1", 160)[ROWS].tobytes()))
    LiveWriter(root).apply(
        [Insert({"list": 0, "id": "added"}, values)], remove_ids=[(0, "entry 3")]
    )


@pytest.mark.parametrize("archive", sorted(GOLDEN.glob("*.zip")), ids=lambda path: path.stem)
def test_a_golden_snapshot_is_read(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(tmp_path)
    assert verify(tmp_path).sound
    names = {n: f"entry {n}" for n in range(ROWS)} | {ROWS: "added"}
    removed = np.arange(ROWS + 1) == 3
    with Snapshot.open(tmp_path, verify="full") as snapshot:
        assert snapshot.lists[0]["name"] == "golden"
        assert snapshot.hash_types == ("sha1", *KINDS)
        for name, (kind, bits) in KINDS.items():
            codes = column(name, bits)
            assert snapshot.manifest["hash_types"][name]["kind"] == kind
            for radius in (0, bits // 2, bits):
                found = snapshot.index(name).search_radius(codes, radius)
                offsets, rows, distances = hamming.search_radius(codes, codes, radius, removed)
                np.testing.assert_array_equal(found.offsets, offsets)
                np.testing.assert_array_equal(found.rows, rows)
                np.testing.assert_array_equal(found.distances, distances)
            entries = snapshot.entries_of(name)
            assert [snapshot.entry(int(entries[n]))["id"] for n in names] == list(names.values())
            assert [int(snapshot.qualities_of(name)[n]) for n in (0, 5, ROWS)] == [0, 20, 70]
        offsets, found_entries = snapshot.values("sha1").find(column("sha1", 160))
        assert found_entries.tolist() == [n for n in names if n != 3]
        assert snapshot.entry(7)["meta"] == {"n": 7}


def test_there_is_a_golden_snapshot() -> None:
    assert (GOLDEN / "snapshot-1.zip").stat().st_size < 20_000


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write(folder)
    with zipfile.ZipFile(
        GOLDEN / "snapshot-1.zip", "x", zipfile.ZIP_DEFLATED, compresslevel=9
    ) as out:
        for path in sorted(folder.rglob("*")):
            if path.name not in ("LOCK", "LIVE.LOCK"):
                out.write(path, path.relative_to(folder))
