"""Updates to a snapshot: seen at once, by everyone, durable, and merged without losing any."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from hashmatch import indexes
from hashmatch.errors import IndexArgumentError, SnapshotCorruptError, SnapshotError
from hashmatch.indexes import layout, live_log
from hashmatch.indexes.live_writer import Insert, LiveWriter
from hashmatch.indexes.merge import merge
from hashmatch.indexes.snapshot import Snapshot, SnapshotWriter, verify
from hashmatch.reference import hamming
from hashmatch.types import HashValue

ROWS = 300
RNG = np.random.default_rng(9)
CODES = RNG.integers(0, 256, (ROWS, 32), np.uint8)
DIGESTS = RNG.integers(0, 256, (ROWS, 16), np.uint8)
MORE = RNG.integers(0, 256, (50, 32), np.uint8)
MORE_DIGESTS = RNG.integers(0, 256, (50, 16), np.uint8)
LISTS = [
    {"name": "alpha", "version": 1, "entries": 200, "values": {"pdq": 200, "md5": 200}},
    {"name": "beta", "version": 1, "entries": 100, "values": {"pdq": 100, "md5": 100}},
]


def record_of(number: int) -> dict[str, object]:
    return {"list": int(number >= 200), "id": f"e{number}"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path)
    return tmp_path


def write(root: Path, kind: str = "auto") -> str:
    numbers = np.arange(ROWS, dtype=np.uint32)
    with SnapshotWriter(root, LISTS, {"who": "test"}) as writer:
        writer.add_entries(json.dumps(record_of(n)).encode() for n in range(ROWS))
        writer.add_values("md5", DIGESTS, numbers)
        index = indexes.create(kind, bits=256, codes=CODES, radius=31)
        writer.add_index("pdq", index, numbers, np.full(ROWS, 80, np.uint8))
        return writer.publish()


def insert(number: int, place: int = 1) -> Insert:
    values = (
        HashValue("pdq", MORE[number].tobytes(), 90),
        HashValue("md5", MORE_DIGESTS[number].tobytes()),
    )
    return Insert({"list": place, "id": f"new {number}"}, values)


def ids_near(snapshot: Snapshot, query: np.ndarray, radius: int = 0) -> list[str]:
    """Return the ids found for one value, the way the Matcher reads them."""
    found = snapshot.index("pdq").search_radius(query[None], radius)
    entries, qualities = snapshot.entries_of("pdq"), snapshot.qualities_of("pdq")
    for row in found.rows.tolist():
        assert qualities[row] in (80, 90, 255)
    return [snapshot.entry(int(entries[row]))["id"] for row in found.rows.tolist()]


def ids_equal(snapshot: Snapshot, digest: np.ndarray) -> list[str]:
    _, entries = snapshot.values("md5").find(digest[None])
    return [snapshot.entry(int(entry))["id"] for entry in entries]


def test_what_is_added_is_found_by_the_next_query(root: Path) -> None:
    with Snapshot.open(root) as snapshot:
        assert ids_near(snapshot, MORE[0]) == []
        assert LiveWriter(root).apply([insert(0), insert(1)]) == [ROWS, ROWS + 1]
        assert ids_near(snapshot, MORE[0]) == ["new 0"]
        assert ids_equal(snapshot, MORE_DIGESTS[1]) == ["new 1"]
        assert ids_near(snapshot, CODES[5]) == ["e5"]
        assert snapshot.qualities_of("pdq")[ROWS] == 90
        entries = snapshot.entries_of("pdq")
        assert np.array(entries).tolist() == list(range(ROWS + 2))
        assert entries[np.array([[0, ROWS]])].tolist() == [[0, ROWS]]
        assert LiveWriter(root).apply([insert(2)]) == [ROWS + 2]
        assert ids_near(snapshot, MORE[2]) == ["new 2"]
        with pytest.raises(IndexArgumentError):
            snapshot.entry(ROWS + 3)
    with Snapshot.open(root) as again:
        assert ids_near(again, MORE[1]) == ["new 1"]


def test_what_is_removed_is_not_found_any_more(root: Path) -> None:
    writer = LiveWriter(root)
    writer.apply([insert(0), insert(1)])
    with Snapshot.open(root) as snapshot:
        writer.apply(remove_entries=[7, ROWS])
        writer.apply(remove_ids=[(0, "e9"), (1, "new 1"), (1, "e9"), (0, "nobody")])
        for gone in (CODES[7], CODES[9], MORE[0], MORE[1]):
            assert ids_near(snapshot, gone) == []
        for gone in (DIGESTS[7], DIGESTS[9], MORE_DIGESTS[0]):
            assert ids_equal(snapshot, gone) == []
        assert ids_near(snapshot, CODES[8]) == ["e8"]
        assert snapshot.entry(7)["id"] == "e7", "a removed entry can still be read"


def test_an_entry_is_replaced_in_one_update(root: Path) -> None:
    with Snapshot.open(root) as snapshot:
        new = Insert(record_of(4), (HashValue("pdq", MORE[4].tobytes()),))
        LiveWriter(root).apply([new], remove_ids=[(0, "e4")])
        assert ids_near(snapshot, CODES[4]) == []
        assert ids_near(snapshot, MORE[4]) == ["e4"]


@pytest.mark.parametrize("kind", ["auto", "mih", "scan", "faiss:BFlat"])
def test_updates_and_base_answer_as_one(tmp_path: Path, kind: str) -> None:
    write(tmp_path, kind)
    LiveWriter(tmp_path).apply([insert(n) for n in range(50)])
    LiveWriter(tmp_path).apply(remove_entries=[0, 3, ROWS + 2])
    removed = np.isin(np.arange(ROWS + 50), [0, 3, ROWS + 2])
    codes = np.concatenate([CODES, MORE])
    queries = np.concatenate([codes[[0, 3, 5, ROWS + 2, ROWS + 3]], RNG.integers(0, 256, (3, 32))])
    queries = queries.astype(np.uint8)
    with Snapshot.open(tmp_path) as snapshot:
        index = snapshot.index("pdq")
        for radius in (0, 31, 110, 256):
            found = index.search_radius(queries, radius)
            offsets, rows, distances = hamming.search_radius(codes, queries, radius, removed)
            np.testing.assert_array_equal(found.offsets, offsets)
            np.testing.assert_array_equal(found.rows, rows)
            np.testing.assert_array_equal(found.distances, distances)
        for k in (1, 3, 400):
            nearest = index.search_nearest(queries, k)
            rows, distances = hamming.search_nearest(codes, queries, k, removed)
            np.testing.assert_array_equal(nearest.rows, rows)
            np.testing.assert_array_equal(nearest.distances, distances)


def test_what_does_not_fit_is_refused_and_nothing_is_done(root: Path) -> None:
    writer = LiveWriter(root)
    good = insert(0)
    for wrong in (
        Insert({"list": 2, "id": "x"}, good.values),
        Insert({"list": 0}, good.values),
        Insert({"list": 0, "id": "x"}, (HashValue("phash", bytes(8)),)),
        Insert({"list": 0, "id": "x"}, (HashValue("pdq", bytes(8)),)),
    ):
        with pytest.raises(IndexArgumentError):
            writer.apply([good, wrong])
    for numbers in ([ROWS], [-1]):
        with pytest.raises(IndexArgumentError):
            writer.apply(remove_entries=numbers)
    with pytest.raises(IndexArgumentError):
        writer.apply(remove_ids=[(5, "e1")])
    with Snapshot.open(root) as snapshot:
        assert snapshot.live_state().number == 0
        assert ids_near(snapshot, MORE[0]) == []


def test_updating_without_a_snapshot_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="no snapshot"):
        LiveWriter(tmp_path).apply([insert(0)])


def log_of(root: Path) -> Path:
    (path,) = root.glob(f"*{layout.LIVE_SUFFIX}")
    return path


def test_a_torn_tail_is_cut_off_and_reported(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    writer = LiveWriter(root)
    writer.apply([insert(0)])
    whole = log_of(root).read_bytes()
    writer.apply([insert(1)])
    longer = log_of(root).read_bytes()
    rest = len(longer) - len(whole)
    for cut in (1, live_log.FRAME - 1, live_log.FRAME, live_log.FRAME + 1, rest - 1):
        log_of(root).write_bytes(longer[: len(whole) + cut])
        with Snapshot.open(root) as snapshot:
            assert ids_near(snapshot, MORE[0]) == ["new 0"]
            assert ids_near(snapshot, MORE[1]) == []
            report = verify(root)
            assert report.sound
            assert [file.note for file in report.files if file.note] == [
                f"ends with {cut} bytes of an unfinished update"
            ]
            with caplog.at_level(logging.WARNING, logger="hashmatch"):
                LiveWriter(root).apply([insert(2)])
            assert "never finished" in caplog.text
            assert ids_near(snapshot, MORE[2]) == ["new 2"]
            assert ids_near(snapshot, MORE[1]) == []


def test_data_that_never_reached_the_disk_is_a_torn_tail(root: Path) -> None:
    writer = LiveWriter(root)
    writer.apply([insert(0)])
    whole = log_of(root).read_bytes()
    writer.apply([insert(n) for n in range(1, 40)])
    longer = bytearray(log_of(root).read_bytes())
    end = len(longer)
    assert end > 6000
    for start, stop in ((len(whole), end), (2048, 4096), (4096, end), (5632, end)):
        lost = bytearray(longer)
        lost[start:stop] = bytes(stop - start)
        log_of(root).write_bytes(lost)
        with Snapshot.open(root) as snapshot:
            assert ids_near(snapshot, MORE[0]) == ["new 0"]
            assert ids_near(snapshot, MORE[1]) == []


def test_a_flipped_bit_in_the_log_is_refused(root: Path) -> None:
    writer = LiveWriter(root)
    for number in range(4):
        writer.apply([insert(number)])
    whole = log_of(root).read_bytes()
    rng = np.random.default_rng(1)
    for position in [*range(0, 110, 3), *rng.integers(0, len(whole), 40).tolist()]:
        flipped = bytearray(whole)
        flipped[position] ^= 1 << int(rng.integers(8))
        log_of(root).write_bytes(flipped)
        with pytest.raises(SnapshotCorruptError) as refused:
            Snapshot.open(root)
        assert refused.value.file == log_of(root).name
        assert [file.name for file in verify(root).files if file.problem] == [log_of(root).name]
        with pytest.raises(SnapshotCorruptError):
            LiveWriter(root).apply([insert(5)])


def test_a_log_of_another_snapshot_is_refused(root: Path) -> None:
    LiveWriter(root).apply([insert(0)])
    log = log_of(root).read_bytes()
    new = write(root)
    (root / f"{new}{layout.LIVE_SUFFIX}").write_bytes(log)
    with pytest.raises(SnapshotCorruptError):
        Snapshot.open(root)


def test_a_full_disk_leaves_the_log_as_it_was(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    writer = LiveWriter(root)
    writer.apply([insert(0)])
    whole = log_of(root).read_bytes()

    def half(handle: int, data: bytes) -> int:
        return real(handle, data[: len(data) // 2])

    def failing(_: int) -> None:
        raise OSError(5, "Input/output error")

    real = os.write
    for name, broken in (("write", half), ("fsync", failing)):
        monkeypatch.setattr(f"hashmatch.indexes.live_writer.os.{name}", broken)
        with pytest.raises(SnapshotError, match="nothing was changed"):
            writer.apply([insert(1)])
        monkeypatch.undo()
        assert log_of(root).read_bytes() == whole
    writer.apply([insert(2)])
    with Snapshot.open(root) as snapshot:
        assert ids_near(snapshot, MORE[2]) == ["new 2"]
        assert ids_near(snapshot, MORE[1]) == []


def test_merging_keeps_everything_and_nothing_else(root: Path) -> None:
    writer = LiveWriter(root)
    writer.apply([insert(0), insert(1, 0), insert(2)], remove_entries=[10, 250])
    writer.apply(remove_ids=[(1, "new 2"), (0, "e11")])
    with Snapshot.open(root) as before:
        new_id = merge(root)
        assert new_id != before.id
        assert before.superseded
        assert ids_near(before, MORE[0]) == ["new 0"], "a reader keeps its version"
    assert verify(root).sound
    with Snapshot.open(root) as snapshot:
        assert not snapshot.superseded
        assert snapshot.live_state().number == 0
        assert snapshot.entry_count == ROWS + 2 - 3
        assert snapshot.manifest["about"]["who"] == "test"
        for number in range(ROWS):
            expected = [] if number in (10, 11, 250) else [f"e{number}"]
            assert ids_near(snapshot, CODES[number]) == expected
            assert ids_equal(snapshot, DIGESTS[number]) == expected
        assert [ids_near(snapshot, MORE[n]) for n in range(3)] == [["new 0"], ["new 1"], []]
        alpha, beta = snapshot.lists
        assert (alpha["entries"], beta["entries"]) == (199, 100)
        assert alpha["values"] == {"pdq": 199, "md5": 199}
        assert beta["values"] == {"pdq": 100, "md5": 100}
    assert merge(root) == new_id, "there is nothing to merge"


def test_updates_made_during_a_merge_are_carried_over(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = LiveWriter(root)
    writer.apply([insert(0), insert(1)], remove_entries=[5])
    prepare = SnapshotWriter.prepare

    def meanwhile(self: SnapshotWriter) -> None:
        prepare(self)
        LiveWriter(root).apply([insert(2)], remove_entries=[20, 5, ROWS + 1])
        LiveWriter(root).apply([insert(3)], remove_entries=[ROWS + 2])

    monkeypatch.setattr(SnapshotWriter, "prepare", meanwhile)
    merge(root)
    monkeypatch.undo()
    with Snapshot.open(root) as snapshot:
        assert snapshot.live_state().number == 2
        found = [ids_near(snapshot, MORE[n]) for n in range(4)]
        assert found == [["new 0"], [], [], ["new 3"]]
        assert ids_near(snapshot, CODES[20]) == ids_near(snapshot, CODES[5]) == []
        assert ids_near(snapshot, CODES[21]) == ["e21"]
        writer.apply([insert(4)])  # a writer that was opened before goes on with the new one
        assert ids_near(snapshot, MORE[4]) == ["new 4"]


def test_many_threads_add_while_others_search_and_one_merges(root: Path) -> None:
    added: list[int] = []
    wrong: list[str] = []
    done = threading.Event()

    def add(numbers: range) -> None:
        writer = LiveWriter(root)
        for number in numbers:
            writer.apply([insert(number)])
            added.append(number)

    def search() -> None:
        snapshot = Snapshot.open(root)
        while not done.is_set():
            if snapshot.superseded:
                snapshot = Snapshot.open(root)
            known = list(added)
            if snapshot.superseded:
                continue
            for number in known:
                if (
                    ids_near(snapshot, MORE[number]) != [f"new {number}"]
                    and not snapshot.superseded
                ):
                    wrong.append(f"{number} in {snapshot.id}")
            if ids_near(snapshot, CODES[1]) != ["e1"]:
                wrong.append("e1")

    adders = [threading.Thread(target=add, args=(range(n, 50, 2),)) for n in range(2)]
    searchers = [threading.Thread(target=search) for _ in range(2)]
    for thread in (*searchers, *adders):
        thread.start()
    while any(thread.is_alive() for thread in adders):
        merge(root)
    done.set()
    for thread in (*searchers, *adders):
        thread.join()
    assert not wrong
    with Snapshot.open(root) as snapshot:
        assert [ids_near(snapshot, MORE[n]) for n in range(50)] == [[f"new {n}"] for n in range(50)]


def test_an_update_by_another_process_is_seen(root: Path) -> None:
    program = f"""
from pathlib import Path
from hashmatch.indexes.live_writer import Insert, LiveWriter
from hashmatch.types import HashValue
value = HashValue("pdq", bytes.fromhex({MORE[0].tobytes().hex()!r}), 80)
LiveWriter(Path({str(root)!r})).apply([Insert({{"list": 0, "id": "new 0"}}, (value,))])
"""
    with Snapshot.open(root) as snapshot:
        assert ids_near(snapshot, MORE[0]) == []
        subprocess.run([sys.executable, "-c", program], check=True)
        assert ids_near(snapshot, MORE[0]) == ["new 0"]


def test_a_publish_from_elsewhere_ends_the_updates_of_the_old(root: Path) -> None:
    LiveWriter(root).apply([insert(0)])
    old = log_of(root)
    with Snapshot.open(root) as before:
        write(root)
        assert ids_near(before, MORE[0]) == ["new 0"]
    with Snapshot.open(root) as after:
        assert ids_near(after, MORE[0]) == []
    assert old.exists(), "it belongs to the version that is kept"
    write(root)
    assert not old.exists()
