"""Whatever a crash leaves behind opens as the old version or the new one, complete.

Every prefix of the system calls of a publish, of an update and of a merge is replayed. The
everyday run takes some of them, the heavy one all.
"""

from __future__ import annotations

import copy
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hashmatch.errors import SnapshotCorruptError, SnapshotError
from hashmatch.indexes import layout
from hashmatch.indexes.live_writer import LiveWriter
from hashmatch.indexes.merge import merge
from hashmatch.indexes.snapshot import Snapshot, verify

sys.path.insert(0, str(Path(__file__).parent))
import crash_worker
import disk_model

WORKER = [sys.executable, str(Path(crash_worker.__file__))]
strace_only = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")


def ids_in(root: Path) -> set[str]:
    """Return the ids of all entries that are found by their own value; anything odd raises."""
    with Snapshot.open(root, verify="full") as snapshot:
        count = snapshot.entry_count + len(snapshot.live_state().records)
        index, entries = snapshot.index("pdq"), snapshot.entries_of("pdq")
        found = set()
        for number in range(count):
            entry_id = snapshot.entry(number)["id"]
            code = crash_worker.code_of(int(entry_id[1:]))
            for row in index.search_radius(code[None], 0).rows.tolist():
                assert snapshot.entry(int(entries[row]))["id"] == entry_id
                found.add(entry_id)
        return found


def crash_points(
    root: Path, arguments: list[str], scratch: Path, every: int, check: Callable[[Path], None]
) -> int:
    """Check the states after every so many calls of a worker, and return how many there were."""
    disk = disk_model.Disk(root)
    calls = disk_model.record([*WORKER, *arguments], scratch / "strace.log")
    seen: set[int] = set()
    changes = 0

    def look(what: str) -> None:
        for name, state in disk.states():
            key = hash(frozenset(state.items()))
            if key in seen:
                continue
            seen.add(key)
            left = scratch / f"{what} {name}"
            disk_model.lay_out(state, left)
            try:
                check(left)
            except (SnapshotError, AssertionError) as error:
                raise AssertionError(f"after {what}, {name}") from error
            shutil.rmtree(left)

    for call in calls:
        half = disk.half(call)
        if half is not None and changes % every == 0:
            before = copy.deepcopy(disk)
            disk.apply(half)
            look(f"half of change {changes + 1}")
            disk = before
        if disk.apply(call):
            changes += 1
            if changes % every == 0 or call.name in ("rename", "fsync"):
                look(f"change {changes}, a {call.name}")
    really, modelled = disk_model.Disk(root).listing(), disk.listing()
    assert really == modelled, "the model is not what really happened"
    return len(seen)


def entry_ids(version: int, rows: int = 40) -> set[str]:
    return {f"e{version * 1000 + row}" for row in range(rows)}


def publish_points(tmp_path: Path, every: int) -> int:
    root = tmp_path / "root"
    for version in (1, 2):
        crash_worker.publish(root, version)
    old, new = entry_ids(2), entry_ids(3)

    def check(left: Path) -> None:
        assert ids_in(left) in (old, new)
        assert verify(left).sound
        crash_worker.publish(left, 4)  # and the next one goes well
        assert ids_in(left) == entry_ids(4)
        assert len(layout.all_ids(left)) == 2
        assert not [p for p in left.iterdir() if p.name.startswith(layout.BUILDING)]

    return crash_points(root, ["publish", str(root), "3"], tmp_path, every, check)


def first_publish_points(tmp_path: Path, every: int) -> int:
    root = tmp_path / "root"
    root.mkdir()

    def check(left: Path) -> None:
        if layout.current_id(left) is None:
            with pytest.raises(SnapshotError, match="no snapshot"):
                Snapshot.open(left)
        else:
            assert ids_in(left) == entry_ids(1)

    return crash_points(root, ["publish", str(root), "1"], tmp_path, every, check)


def update_points(tmp_path: Path, every: int) -> int:
    root = tmp_path / "root"
    crash_worker.publish(root, 1)
    base = entry_ids(1)
    allowed = [base, base | {"e5000"}, base | {"e5000", "e5001"}]

    def check(left: Path) -> None:
        found = ids_in(left)
        assert found in allowed
        LiveWriter(left).apply([crash_worker.insert(6000)])
        assert ids_in(left) == found | {"e6000"}

    return crash_points(root, ["update", str(root), "5000", "5001"], tmp_path, every, check)


def merge_points(tmp_path: Path, every: int) -> int:
    root = tmp_path / "root"
    crash_worker.publish(root, 1)
    LiveWriter(root).apply([crash_worker.insert(5000)], remove_entries=[3])
    expected = (entry_ids(1) - {"e1003"}) | {"e5000"}

    def check(left: Path) -> None:
        assert ids_in(left) == expected
        merge(left)
        assert ids_in(left) == expected

    return crash_points(root, ["merge", str(root)], tmp_path, every, check)


POINTS = [publish_points, first_publish_points, update_points, merge_points]


@strace_only
@pytest.mark.parametrize("points", POINTS, ids=lambda points: points.__name__)
def test_some_crash_points(tmp_path: Path, points: Callable[[Path, int], int]) -> None:
    assert points(tmp_path, 1 if points is update_points else 12) >= 8


@pytest.mark.heavy
@strace_only
@pytest.mark.parametrize("points", POINTS, ids=lambda points: points.__name__)
def test_every_crash_point(tmp_path: Path, points: Callable[[Path, int], int]) -> None:
    assert points(tmp_path, 1) >= 8


@strace_only
def test_the_model_sees_a_missing_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The replay itself: a publish that does not sync its files must be caught."""
    real = disk_model.record

    def without_syncs(command: list[str], log: Path) -> list[disk_model.Call]:
        return [call for call in real(command, log) if call.name != "fsync"]

    monkeypatch.setattr(disk_model, "record", without_syncs)
    with pytest.raises(AssertionError, match="data lost"):
        publish_points(tmp_path, 1000)


def killed_again_and_again(root: Path, times: int) -> None:
    """Kill a process that updates and merges without end, and look at what it leaves."""
    crash_worker.publish(root, 1)
    acknowledged = entry_ids(1)
    number = 5000
    rng = np.random.default_rng(times)
    for _ in range(times):
        process = subprocess.Popen(
            [*WORKER, "churn", str(root), str(number)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()  # it has begun
        time.sleep(float(rng.random()) * 0.12)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.wait()
        process.stdout.close()
        done = [int(line) for line in (first + rest).split("\n") if line]
        acknowledged |= {f"e{n}" for n in done}
        number = done[-1] + 1
        found = ids_in(root)
        # the update after the last acknowledged one may have been made or not
        assert found in (acknowledged, acknowledged | {f"e{number}"})
        acknowledged = found
        number += 1
        assert verify(root).sound


def test_a_killed_writer_loses_nothing(tmp_path: Path) -> None:
    killed_again_and_again(tmp_path / "root", 4)


@pytest.mark.heavy
def test_a_hundred_killed_writers_lose_nothing(tmp_path: Path) -> None:
    killed_again_and_again(tmp_path / "root", 100)


def refused(root: Path, path: Path) -> None:
    """Check that a damaged snapshot is refused by the name of the file, by every door."""
    with pytest.raises(SnapshotCorruptError) as error:
        Snapshot.open(root, verify="full")
    assert error.value.file == path.name
    with pytest.raises(SnapshotCorruptError) as error:
        use_everything(root)
    assert error.value.file == path.name


def use_everything(root: Path) -> None:
    """Open a snapshot the quick way and read all of it in the course of answering."""
    with Snapshot.open(root) as snapshot:
        snapshot.index("pdq").search_radius(np.zeros((1, 32), np.uint8), 31)
        assert len(snapshot.entries_of("pdq")) == len(snapshot.qualities_of("pdq"))
        snapshot.values("md5").find(np.zeros((1, 16), np.uint8))
        for number in range(snapshot.entry_count):
            snapshot.entry(number)


def damaged_again_and_again(root: Path, flips: int, cuts: int) -> None:
    snapshot_id = crash_worker.publish(root, 1)
    LiveWriter(root).apply([crash_worker.insert(5000)])
    paths = [*sorted((root / snapshot_id).iterdir()), root / f"{snapshot_id}{layout.LIVE_SUFFIX}"]
    rng = np.random.default_rng(flips)
    for turn in range(flips + cuts):
        path = paths[int(rng.integers(len(paths)))]
        whole = path.read_bytes()
        damaged = bytearray(whole)
        position = int(rng.integers(len(whole)))
        if turn < flips:
            damaged[position] ^= 1 << int(rng.integers(8))
        elif path.suffix == layout.LIVE_SUFFIX:
            continue  # a log that ends early is a torn one, see test_live
        else:
            del damaged[position:]
        path.write_bytes(damaged)
        refused(root, path)
        path.write_bytes(whole)
    assert len(ids_in(root)) == 41


def test_some_damage_is_refused(tmp_path: Path) -> None:
    damaged_again_and_again(tmp_path, 60, 20)


@pytest.mark.heavy
def test_a_thousand_flips_and_two_hundred_cuts_are_refused(tmp_path: Path) -> None:
    damaged_again_and_again(tmp_path, 1000, 220)


def in_a_child(action: Callable[[], None]) -> int:
    """Run something in a forked child and return its exit status: 0 if nothing was raised."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:  # noqa: BLE001 - pytest's own outcomes, too, must not leave the child
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_full_disk_is_an_error_and_nothing_is_lost(tmp_path: Path) -> None:
    import resource

    crash_worker.publish(tmp_path, 1)
    LiveWriter(tmp_path).apply([crash_worker.insert(5000)])

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
        with pytest.raises(SnapshotError, match="live snapshot is unchanged"):
            crash_worker.publish(tmp_path, 2, rows=2000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
        with pytest.raises(SnapshotError, match="nothing was changed"):
            LiveWriter(tmp_path).apply([crash_worker.insert(n) for n in range(5001, 5100)])

    assert in_a_child(full) == 0
    assert ids_in(tmp_path) == entry_ids(1) | {"e5000"}
    crash_worker.publish(tmp_path, 2)
    assert ids_in(tmp_path) == entry_ids(2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_read_only_folder_is_read_and_not_written(tmp_path: Path) -> None:
    root = tmp_path / "root"
    crash_worker.publish(root, 1)
    LiveWriter(root).apply([crash_worker.insert(5000)])
    for path in (root, *root.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_mode & 0o001 == 0 and parent.owner() != "root":
            pytest.skip("others cannot reach the temporary folder")

    def read_only() -> None:
        if os.geteuid() == 0:  # root may write anywhere
            for parent in tmp_path.parents:
                if "pytest" in parent.name or parent == tmp_path.parent:
                    parent.chmod(0o755)
            tmp_path.chmod(0o755)
            os.setuid(65534)
        assert len(ids_in(root)) == 41
        with pytest.raises(SnapshotError, match="live snapshot is unchanged"):
            crash_worker.publish(root, 2)
        with pytest.raises(SnapshotError, match="nothing was changed"):
            LiveWriter(root).apply([crash_worker.insert(5001)])

    assert in_a_child(read_only) == 0
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert len(ids_in(root)) == 41
