"""The journal: what is written is found again, and damage ends where it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from hashmatch.scan.journal import Entry, Identity, Journal, JournalIndex, groups

IDENTITY = Identity(5, 10**18, 77, 2049)


def entries(path: str, members: int = 0) -> list[Entry]:
    inside = [Entry(path, f"!/{n}", b'{"n":%d}' % n) for n in range(members)]
    return [*inside, Entry(path, "", b'{"found":",\\"found\\":"}', IDENTITY)]


def written(path: Path, names: list[tuple[str, int]]) -> Path:
    journal = Journal(path)
    for name, members in names:
        for entry in entries(name, members):
            journal.append(entry)
    journal.close()
    return path


def test_a_line_is_read_as_it_was_written() -> None:
    for entry in entries("caf\udce9\n\u2028.jpg", 2):
        line = entry.to_line()
        assert line.count(b"\n") == 1
        assert Entry.from_line(line) == entry


def test_groups_and_the_index_agree(tmp_path: Path) -> None:
    names = [("a", 0), ("z.zip", 3), ("\udcff", 0), ("b", 1)]
    path = written(tmp_path / "journal", names)
    found = [group for _, group in groups(path)]
    assert [(group[-1].path, len(group) - 1) for group in found] == names
    index = JournalIndex(path)
    for (name, members), group in zip(names, found, strict=True):
        assert index.find(name) == group == entries(name, members)
    assert index.find("c") is None
    assert index.sound_bytes == path.stat().st_size
    index.close()


def test_a_later_record_replaces_an_earlier_one(tmp_path: Path) -> None:
    path = written(tmp_path / "journal", [("a", 0), ("b", 0), ("a", 2)])
    index = JournalIndex(path)
    assert index.find("a") == entries("a", 2)
    index.close()


@pytest.mark.parametrize("damage", ["cut", "flip", "garbage", "open group"])
def test_what_follows_damage_does_not_count(tmp_path: Path, damage: str) -> None:
    path = written(tmp_path / "journal", [("a", 0), ("b", 0)])
    sound = path.stat().st_size
    written(path, [("c.zip", 2), ("d", 0)])
    data = bytearray(path.read_bytes())
    if damage == "cut":
        del data[sound + 20 :]
    elif damage == "flip":
        data[sound + 40] ^= 1
    elif damage == "garbage":
        data[sound:] = bytes(500)
    else:  # the archive's own record is missing, so its members are not all of them
        lines = bytes(data).splitlines(keepends=True)
        data = bytearray(b"".join(lines[:4]))
    path.write_bytes(data)
    index = JournalIndex(path)
    assert (len(index), index.sound_bytes) == (2, sound)
    assert index.find("b") == entries("b")
    assert index.find("d") is None
    index.close()
    again = Journal(path, index.sound_bytes)
    again.append(entries("e")[0])
    again.close()
    assert [group[-1].path for _, group in groups(path)] == ["a", "b", "e"]


def test_a_colliding_key_does_not_mix_files_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashmatch.scan.journal._key", lambda path: 1)
    path = written(tmp_path / "journal", [("a", 0), ("b", 1), ("c", 0)])
    index = JournalIndex(path)
    assert index.find("b") == entries("b", 1)
    assert index.find("a") == entries("a")
    assert index.find("d") is None
    index.close()
