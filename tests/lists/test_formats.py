"""Every format: recognised by content, read in full, said in full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hashmatch.errors import ListFormatError
from hashmatch.lists import readers
from hashmatch.types import Entry

Samples = dict[str, tuple[bytes, dict[str, Any]]]
Fake = dict[str, Callable[[int], str]]

NAMES = sorted([*readers.formats(), "vics-case"])


def read(tmp_path: Path, samples: Samples, name: str) -> tuple[readers.Reading, list[Entry]]:
    data, said = samples[name]
    path = tmp_path / "list"
    path.write_bytes(data)
    reading = readers.read([path], **said)
    return reading, list(reading.entries())


def hexes(entries: list[Entry], hash_type: str) -> set[str]:
    return {v.hex for e in entries for v in e.hashes if v.hash_type == hash_type}


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_recognised_and_read_whole(
    tmp_path: Path, samples: Samples, count: int, name: str
) -> None:
    reading, entries = read(tmp_path, samples, name)
    assert reading.format == name.removesuffix("-case")
    assert len(entries) == count
    assert reading.problems.count == 0, reading.problems.shown
    assert all(entry.hashes for entry in entries)


def test_every_format_has_a_sample(samples: Samples) -> None:
    assert set(samples) - {"vics-case"} == set(readers.formats())


def test_hashdeep_file_names_may_hold_commas(tmp_path: Path, samples: Samples, fake: Fake) -> None:
    _, entries = read(tmp_path, samples, "hashdeep")
    assert entries[3].metadata == {"file_size": 3, "file_name": "/a, b/3.jpg"}
    assert [v.hash_type for v in entries[3].hashes] == ["md5", "sha256"]
    assert entries[3].hashes[1].hex == fake["sha256"](3)


def test_icse(tmp_path: Path, samples: Samples, fake: Fake) -> None:
    _, entries = read(tmp_path, samples, "icse")
    entry = entries[4]
    assert entry.entry_id == "4"
    assert {v.hash_type for v in entry.hashes} == {"md5", "sha1", "photodna"}
    facts = entry.metadata
    assert (facts["Is distributed"], facts["Victim identified"]) == (True, False)
    assert (facts["Baseline"], facts["Offender identified"]) == (True, False)
    assert (facts["Series name"], facts["Agency"]) == ("s", "x")


def test_threatexchange_csv(tmp_path: Path, samples: Samples) -> None:
    reading, entries = read(tmp_path, samples, "threatexchange-csv")
    assert reading.scheme == "threatexchange"
    category = entries[0].category
    assert category is not None
    assert (category.scheme, category.code) == ("threatexchange", "POSITIVE_CLASS")
    assert entries[0].metadata == {"collab": "c", "tags": "a b"}


def test_threatexchange_signals_that_are_no_hashes_are_counted(tmp_path: Path, fake: Fake) -> None:
    path = tmp_path / "signals"
    path.write_text(f"pdq {fake['pdq'](1)}\nraw_text hello world\nvideo_md5 {fake['md5'](1)}\n")
    reading = readers.read([path])
    entries = list(reading.entries())
    assert [e.hashes[0].hash_type for e in entries] == ["pdq", "md5"]
    assert [p.place for p in reading.problems.shown] == [2]


def test_nsrl_text_is_latin_1(tmp_path: Path, samples: Samples) -> None:
    _, entries = read(tmp_path, samples, "nsrl-text")
    assert entries[0].metadata["FileName"] == "k\u00e4se.txt"
    assert {v.hash_type for v in entries[0].hashes} == {"sha1", "md5"}


def test_nsrl_rows_that_lack_a_hash(tmp_path: Path, samples: Samples, fake: Fake) -> None:
    import sqlite3

    data, _ = samples["nsrl"]
    path = tmp_path / "rds.db"
    path.write_bytes(data)
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO METADATA VALUES (NULL, '', ?, 'x')", (fake["md5"](99),))
    connection.execute("INSERT INTO METADATA VALUES (NULL, NULL, NULL, 'x')")
    connection.execute("INSERT INTO METADATA VALUES ('abc', NULL, 5, 'x')")
    connection.execute(
        "INSERT INTO METADATA VALUES (?, NULL, NULL, 'x')", (bytes.fromhex(fake["sha256"](98)),)
    )
    connection.commit()
    connection.close()
    reading = readers.read([path])
    entries = list(reading.entries())
    assert fake["md5"](99) in hexes(entries, "md5")
    assert fake["sha256"](98) in hexes(entries, "sha256")
    assert reading.left_out == {"row without any hash": 1}
    assert {p.place for p in reading.problems.shown} == {"METADATA row 15"}


def test_nsrl_is_opened_without_a_trace(tmp_path: Path, samples: Samples) -> None:
    read(tmp_path, samples, "nsrl")
    assert [p.name for p in tmp_path.iterdir()] == ["list"]


def test_kdb_names_and_comments(tmp_path: Path, samples: Samples) -> None:
    _, entries = read(tmp_path, samples, "kdb")
    assert entries[0].metadata == {"file_names": ["0.jpg"], "comments": ["seen"]}
    assert entries[1].metadata == {"file_names": ["1.jpg"]}
    assert {v.hash_type for v in entries[0].hashes} == {"md5", "sha1"}


def test_encase_keeps_the_name_of_the_set(tmp_path: Path, samples: Samples) -> None:
    reading, _ = read(tmp_path, samples, "encase")
    assert reading.envelope == {"set_names": ["my set"]}


def test_an_encase_file_of_odd_length_is_refused(tmp_path: Path, samples: Samples) -> None:
    path = tmp_path / "list"
    path.write_bytes(samples["encase"][0][:-1])
    with pytest.raises(ListFormatError, match="truncated"):
        list(readers.read([path]))


def test_hashkeeper(tmp_path: Path, samples: Samples, fake: Fake) -> None:
    _, entries = read(tmp_path, samples, "hashkeeper")
    assert hexes(entries, "md5") >= {fake["md5"](0), fake["md5"](11)}
    assert entries[2].metadata["file_name"] == "f2"


def test_photodna_spellings_give_the_same_bytes(tmp_path: Path, fake: Fake) -> None:
    import base64

    raw = base64.b64decode(fake["photodna"](1))
    spelt = [fake["photodna"](1), raw.hex(), raw.hex().upper(), ",".join(map(str, raw))]
    path = tmp_path / "list.csv"
    path.write_text(
        "md5;photodna\n" + "".join(f"{fake['md5'](i)};{s}\n" for i, s in enumerate(spelt))
    )
    reading = readers.read([path])
    entries = list(reading.entries())
    assert reading.problems.count == 0
    assert {v.bytes for e in entries for v in e.hashes if v.hash_type == "photodna"} == {raw}


def test_jsonl_rows_that_cannot_be_used(tmp_path: Path, fake: Fake) -> None:
    good = fake["md5"](1)
    path = tmp_path / "list.jsonl"
    path.write_text(
        f'{{"hashes":[{{"type":"md5","hex":"{good}"}}]}}\n'
        "{\n"
        '{"hashes":[]}\n'
        '{"hashes":[{"type":"md6","hex":"00"}]}\n'
        f'{{"hashes":[{{"type":"md5","hex":"{good}","quality":true}}]}}\n'
        f'{{"id":"a","id":"b","hashes":[{{"type":"md5","hex":"{good}"}}]}}\n'
    )
    reading = readers.read([path])
    assert len(list(reading.entries())) == 1
    assert [p.place for p in reading.problems.shown] == [2, 3, 4, 5, 6]
