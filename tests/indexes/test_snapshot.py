"""Snapshots: what is written is read, what is damaged is refused, and one is always live."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hashmatch import indexes
from hashmatch.errors import IndexArgumentError, SnapshotCorruptError, SnapshotError
from hashmatch.indexes import layout
from hashmatch.indexes.snapshot import Snapshot, SnapshotWriter, current_id, verify

LISTS = [{"name": "alpha", "version": 3, "polarity": "known-bad", "entries": 400}]


def records(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield json.dumps({"list": 0, "id": f"entry {number} ☃"}).encode()


def write(root: Path, *, seed: int = 0, rows: int = 400, kind: str = "auto") -> str:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (rows, 32), np.uint8)
    digests = rng.integers(0, 256, (rows, 16), np.uint8)
    numbers = np.arange(rows, dtype=np.uint32)
    with SnapshotWriter(root, LISTS, {"seed": seed}) as writer:
        writer.add_entries(records(rows))
        writer.add_values(
            "md5", np.concatenate([digests, digests[:5]]), np.r_[numbers, numbers[5:10]]
        )
        index = indexes.create(kind, bits=256, codes=codes, radius=31)
        writer.add_index("pdq", index, numbers[::-1], np.full(rows, 255, np.uint8))
        return writer.publish()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    snapshot_id = write(tmp_path)
    assert current_id(tmp_path) == snapshot_id
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (400, 32), np.uint8)
    digests = rng.integers(0, 256, (400, 16), np.uint8)
    with Snapshot.open(tmp_path) as snapshot:
        assert snapshot.id == snapshot_id
        assert snapshot.lists == LISTS
        assert snapshot.hash_types == ("md5", "pdq")
        assert snapshot.manifest["about"] == {"seed": 0}
        assert snapshot.manifest["hash_types"]["pdq"]["kind"] == "auto"
        assert snapshot.manifest["hash_types"]["md5"]["count"] == 405
        assert snapshot.entry(399) == {"list": 0, "id": "entry 399 ☃"}
        found = snapshot.index("pdq").search_radius(codes[7:9], 0)
        assert found.rows.tolist() == [7, 8]
        assert snapshot.entries_of("pdq")[7] == 392
        assert set(np.array(snapshot.qualities_of("pdq")).tolist()) == {255}
        offsets, entries = snapshot.values("md5").find(
            np.concatenate([digests[:1], digests[9:10], digests[:1] ^ 1])
        )
        assert offsets.tolist() == [0, 2, 3, 3]
        assert entries.tolist() == [0, 5, 9]
        with pytest.raises(IndexArgumentError):
            snapshot.entry(400)
        with pytest.raises(SnapshotError, match="pdq"):
            snapshot.index("phash")
        with pytest.raises(SnapshotError):
            snapshot.index("md5")
        with pytest.raises(SnapshotError):
            snapshot.values("pdq")
    assert verify(tmp_path).sound


def test_an_empty_snapshot_is_one(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path, [], {}) as writer:
        writer.add_values("sha1", np.empty((0, 20), np.uint8), np.empty(0, np.uint32))
        index = indexes.create("auto", bits=64, codes=np.empty((0, 8), np.uint8), radius=4)
        writer.add_index("phash", index, np.empty(0, np.uint32), np.empty(0, np.uint8))
        writer.publish()
    with Snapshot.open(tmp_path, verify="full") as snapshot:
        offsets, entries = snapshot.values("sha1").find(np.zeros((2, 20), np.uint8))
        assert offsets.tolist() == [0, 0, 0]
        assert not len(entries)
        assert not len(snapshot.index("phash").search_radius(np.zeros((1, 8), np.uint8), 64).rows)


def test_no_snapshot_is_an_error(tmp_path: Path) -> None:
    assert current_id(tmp_path / "nowhere") is None
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(SnapshotError, match="no snapshot"):
            Snapshot.open(root)
        with pytest.raises(SnapshotError, match="no snapshot"):
            verify(root)
    write(tmp_path)
    for wrong in ("00000009-0123456789abcdef", "../elsewhere", ""):
        with pytest.raises(SnapshotError, match="no snapshot"):
            Snapshot.open(tmp_path, wrong)


def test_the_last_two_versions_are_kept(tmp_path: Path) -> None:
    ids = [write(tmp_path, seed=seed) for seed in range(4)]
    assert layout.all_ids(tmp_path) == [ids[3], ids[2]]
    with Snapshot.open(tmp_path, ids[2]) as older:
        assert older.manifest["about"] == {"seed": 2}


def test_a_damaged_version_does_not_count_as_kept(tmp_path: Path) -> None:
    first, second = write(tmp_path, seed=1), write(tmp_path, seed=2)
    (tmp_path / second / "pdq.codes.arr").unlink()
    third = write(tmp_path, seed=3)
    assert layout.all_ids(tmp_path) == [third, first]


def test_an_open_snapshot_outlives_its_files(tmp_path: Path) -> None:
    write(tmp_path, seed=1)
    with Snapshot.open(tmp_path) as held:
        for seed in range(2, 5):
            write(tmp_path, seed=seed)
        assert held.entry(3)["id"] == "entry 3 ☃"
        assert len(held.index("pdq")) == 400


def test_a_snapshot_that_is_replaced_while_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(tmp_path)
    read = layout.read_manifest
    done: list[str] = []

    def overtaken(folder: Path) -> dict[str, object]:
        if not done:
            done.extend(write(tmp_path, seed=seed) for seed in range(2))
            assert not folder.exists()
        return read(folder)

    monkeypatch.setattr(layout, "read_manifest", overtaken)
    with Snapshot.open(tmp_path) as snapshot:
        assert snapshot.id == done[-1]
    with pytest.raises(SnapshotError):
        Snapshot.open(tmp_path, first)


def test_an_old_snapshot_that_cannot_be_deleted_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for seed in range(2):
        write(tmp_path, seed=seed)

    def failing(*_: object, **__: object) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr("hashmatch.indexes.writer.shutil.rmtree", failing)
    with caplog.at_level(logging.WARNING, logger="hashmatch"):
        published = write(tmp_path, seed=2)
    assert "could not be deleted" in caplog.text
    assert current_id(tmp_path) == published
    monkeypatch.undo()
    write(tmp_path, seed=3)
    assert len(layout.all_ids(tmp_path)) == 2
    assert not list(tmp_path.glob(f"{layout.DISCARDED}*"))


def test_a_writer_that_fails_leaves_what_was_live(tmp_path: Path) -> None:
    before = write(tmp_path)
    with pytest.raises(ZeroDivisionError), SnapshotWriter(tmp_path, [], {}) as writer:
        writer.add_entries(1 // 0 for _ in range(3))  # type: ignore[misc]
    assert current_id(tmp_path) == before
    assert not list(tmp_path.glob(f"{layout.BUILDING}*"))


def test_remains_of_a_killed_writer_are_cleared(tmp_path: Path) -> None:
    write(tmp_path)
    for name in (f"{layout.BUILDING}1", f"{layout.DISCARDED}2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part.arr").write_bytes(b"part")
    write(tmp_path, seed=1)
    assert not list(tmp_path.glob(f"{layout.BUILDING}*"))
    assert not list(tmp_path.glob(f"{layout.DISCARDED}*"))


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path, [], {}), pytest.raises(SnapshotError, match="another process"):
        SnapshotWriter(tmp_path, [], {}).__enter__()
    write(tmp_path)


def test_files_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "snapshots" / write(tmp_path / "snapshots")
    for path in (folder.parent, folder, *folder.iterdir(), folder.parent / layout.CURRENT):
        assert path.stat().st_mode & 0o077 == 0, path


def test_every_file_that_is_damaged_is_named(tmp_path: Path) -> None:
    folder = tmp_path / write(tmp_path)
    rng = np.random.default_rng(4)
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for position in rng.integers(0, len(whole), 6).tolist():
            flipped = bytearray(whole)
            flipped[position] ^= 1 << int(rng.integers(8))
            path.write_bytes(flipped)
            with pytest.raises(SnapshotCorruptError) as refused:
                Snapshot.open(tmp_path, verify="full")
            assert refused.value.file == path.name
            report = verify(tmp_path)
            assert [file.name for file in report.files if file.problem] == [path.name]
            assert report.to_json()["sound"] is False
        for length in {0, 1, len(whole) // 2, len(whole) - 1}:
            path.write_bytes(whole[:length])
            with pytest.raises(SnapshotCorruptError):
                Snapshot.open(tmp_path)
        path.unlink()
        with pytest.raises(SnapshotCorruptError):
            Snapshot.open(tmp_path)
        path.write_bytes(whole)
    assert verify(tmp_path).sound


def test_damage_is_met_before_an_answer_is_given(tmp_path: Path) -> None:
    """What opening does not read is refused when it is first read."""
    folder = tmp_path / write(tmp_path)
    uses: dict[str, Callable[[Snapshot], object]] = {
        "pdq.codes.arr": lambda s: s.index("pdq"),
        "pdq.row_entries.arr": lambda s: s.entries_of("pdq"),
        "pdq.row_qualities.arr": lambda s: s.qualities_of("pdq"),
        "md5.values.arr": lambda s: s.values("md5"),
        "md5.entries.arr": lambda s: s.values("md5"),
        "md5.prefixes.arr": lambda s: s.values("md5"),
        "entries.records.arr": lambda s: s.entry(0),
        "entries.offsets.arr": lambda s: s.entry(0),
    }
    for name, use in uses.items():
        whole = (folder / name).read_bytes()
        flipped = bytearray(whole)
        flipped[4096 + 100] ^= 4
        (folder / name).write_bytes(flipped)
        with Snapshot.open(tmp_path) as snapshot:
            for _ in range(2):
                with pytest.raises(SnapshotCorruptError) as refused:
                    use(snapshot)
                assert refused.value.file == name
        (folder / name).write_bytes(whole)


def test_exchanged_and_rolled_back_files_are_refused(tmp_path: Path) -> None:
    old = tmp_path / write(tmp_path, seed=1)
    new = tmp_path / write(tmp_path, seed=2)
    for name in ("pdq.codes.arr", layout.MANIFEST):
        own = (new / name).read_bytes()
        (new / name).write_bytes((old / name).read_bytes())
        with pytest.raises(SnapshotCorruptError) as refused:
            Snapshot.open(tmp_path)
        assert refused.value.file == name
        (new / name).write_bytes(own)
    (new / "stray.arr").write_bytes(b"stray")
    assert not verify(tmp_path).sound


@pytest.mark.parametrize("text", [b"", b"\n", b"00000001", b"00000001-0123456789abcdeg\n"])
def test_a_damaged_current_is_refused(tmp_path: Path, text: bytes) -> None:
    write(tmp_path)
    (tmp_path / layout.CURRENT).write_bytes(text)
    with pytest.raises(SnapshotCorruptError) as refused:
        Snapshot.open(tmp_path)
    assert refused.value.file == layout.CURRENT
    write(tmp_path, seed=1)  # and is mended by the next publish
    assert verify(tmp_path).sound


def test_columns_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    index = indexes.create("scan", bits=64, codes=np.zeros((3, 8), np.uint8), radius=1)
    numbers, qualities = np.zeros(3, np.uint32), np.zeros(3, np.uint8)
    with SnapshotWriter(tmp_path, [], {}) as writer:
        with pytest.raises(IndexArgumentError):
            writer.add_index("phash", index, numbers[:2], qualities)
        with pytest.raises(IndexArgumentError):
            writer.add_index("../phash", index, numbers, qualities)
        with pytest.raises(IndexArgumentError):
            writer.add_values("md5", np.zeros((3, 16), np.uint8), numbers[:2])
        writer.add_index("phash", index, numbers, qualities)
        with pytest.raises(IndexArgumentError):
            writer.add_index("phash", index, numbers, qualities)


def test_threads_share_a_snapshot(tmp_path: Path) -> None:
    write(tmp_path)
    codes = np.random.default_rng(0).integers(0, 256, (400, 32), np.uint8)
    answers: list[list[int]] = []
    with Snapshot.open(tmp_path) as snapshot:
        threads = [
            threading.Thread(
                target=lambda: answers.append(
                    snapshot.index("pdq").search_radius(codes, 0).rows.tolist()
                )
            )
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [list(range(400))] * 6


def test_a_later_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "FORMAT", "hashmatch.snapshot/2")
    write(tmp_path)
    monkeypatch.undo()
    with pytest.raises(SnapshotError, match="snapshot/2"):
        Snapshot.open(tmp_path)
