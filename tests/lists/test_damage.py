"""Damaged files of every format: a typed error or counted rows, no crash, nothing lost unsaid."""

from __future__ import annotations

import json
import random
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
TEXTS = sorted(set(NAMES) - {"nsrl", "kdb", "encase", "nsrl-text"})
LINES = ("text", "pdq-text", "sums", "threatexchange-text", "jsonl")


def attempt(
    tmp_path: Path, data: bytes, name: str, said: dict[str, Any]
) -> tuple[list[Entry], readers.Reading] | ListFormatError:
    """Read damaged data as its format; any other exception is a failure of the test."""
    path = tmp_path / "damaged"
    path.write_bytes(data)
    try:
        reading = readers.read([path], name.removesuffix("-case"), **said)
        return list(reading.entries()), reading
    except ListFormatError as error:
        return error


def said_in(outcome: tuple[list[Entry], readers.Reading] | ListFormatError) -> str:
    if isinstance(outcome, ListFormatError):
        return str(outcome)
    return "\n".join(map(str, outcome[1].problems.shown)) + "\n".join(outcome[1].warnings)


def assert_discreet(text: str, fake: Fake, count: int) -> None:
    """Hold messages to repeating no hash value, not even half of one."""
    folded = text.lower()
    for make in (fake["md5"], fake["sha1"], fake["sha256"]):
        assert not any(make(n)[:12] in folded for n in range(count))
    assert not any(fake["photodna"](n)[:12] in text for n in range(count))


@pytest.mark.parametrize("name", NAMES)
def test_truncated_at_twenty_places(
    tmp_path: Path, samples: Samples, fake: Fake, count: int, name: str
) -> None:
    data, said = samples[name]
    for step in range(20):
        cut = len(data) * step // 20
        outcome = attempt(tmp_path, data[:cut], name, said)
        assert_discreet(said_in(outcome), fake, count)
        if isinstance(outcome, ListFormatError):
            continue
        entries, reading = outcome
        whole = data[:cut].count(b"\n")
        if name in LINES:
            assert len(entries) >= whole
            assert len(entries) + reading.problems.count in (whole, whole + 1)
        assert name not in ("vics", "vics-case", "ncmec", "encase"), "these cannot be cut unseen"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_flipped_bytes(
    tmp_path: Path, samples: Samples, fake: Fake, count: int, name: str, seed: int
) -> None:
    data, said = samples[name]
    source = random.Random(f"{name} {seed}")
    for _ in range(15):
        damaged = bytearray(data)
        place = source.randrange(len(damaged))
        damaged[place] ^= 1 << source.randrange(8)
        outcome = attempt(tmp_path, bytes(damaged), name, said)
        assert_discreet(said_in(outcome), fake, count)
        if isinstance(outcome, ListFormatError) or name not in LINES:
            continue
        entries, reading = outcome
        # a flipped line end joins two rows, the second of which may pass for text of the first
        joined = data[place : place + 1] == b"\n"
        assert len(entries) >= count - (2 if joined else 1)
        comment = damaged[data.rfind(b"\n", 0, place) + 1] == ord("#")
        assert len(entries) >= count or reading.problems.count >= 1 or joined or comment


@pytest.mark.parametrize(
    ("name", "encoding"), [(name, e) for name in TEXTS for e in ("utf-8-sig", "utf-16")]
)
def test_byte_order_marks_change_nothing(
    tmp_path: Path, samples: Samples, name: str, encoding: str
) -> None:
    data, said = samples[name]
    plain = attempt(tmp_path, data, name, said)
    marked = attempt(tmp_path, data.decode().encode(encoding), name, said)
    assert not isinstance(plain, ListFormatError)
    assert not isinstance(marked, ListFormatError)
    assert marked[0] == plain[0]
    path = tmp_path / "marked"
    path.write_bytes(data.decode().encode(encoding))
    assert readers.read([path], **said).format == name.removesuffix("-case")


@pytest.mark.parametrize("name", TEXTS)
def test_line_ends_change_nothing(tmp_path: Path, samples: Samples, name: str) -> None:
    data, said = samples[name]
    plain = attempt(tmp_path, data, name, said)
    windows = attempt(tmp_path, data.replace(b"\n", b"\r\n"), name, said)
    assert not isinstance(plain, ListFormatError)
    assert not isinstance(windows, ListFormatError)
    assert windows[0] == plain[0]
    assert windows[1].problems.count == 0


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"encase"}))
@pytest.mark.parametrize("other", NAMES)
def test_a_file_of_another_format(tmp_path: Path, samples: Samples, name: str, other: str) -> None:
    """Told the wrong format, a reader may find fault or entries, but never fall over."""
    data, said = samples[other]
    attempt(tmp_path, data, name, said)


@pytest.mark.parametrize("name", NAMES)
def test_noise_is_no_list(tmp_path: Path, name: str) -> None:
    noise = random.Random(name).randbytes(5000)
    outcome = attempt(tmp_path, noise, name, {})
    assert isinstance(outcome, ListFormatError) or not outcome[0]
    path = tmp_path / "damaged"
    with pytest.raises(ListFormatError, match="not recognised"):
        readers.read([path])


@pytest.mark.parametrize("name", ["csv", "icse", "threatexchange-csv", "hashdeep", "jsonl", "text"])
def test_a_line_of_ten_megabytes(tmp_path: Path, samples: Samples, count: int, name: str) -> None:
    data, said = samples[name]
    outcome = attempt(tmp_path, data + b"z" * 10_000_000 + b"\n", name, said)
    assert not isinstance(outcome, ListFormatError)
    entries, reading = outcome
    assert (len(entries), reading.problems.count) == (count, 1)


@pytest.mark.parametrize(
    "record",
    [
        {"MD5": ["x"]}, {"MD5": {"a": 1}}, {"MD5": True}, {"MD5": 1.5},
        {"MD5": None, "SHA1": False}, {"AlternativeHashes": "x"}, {"AlternativeHashes": [1, None]},
        {"AlternativeHashes": [{"HashName": 5, "HashValue": []}]}, [], None, "", 7, True,
    ],
    ids=str,
)  # fmt: skip
def test_wrong_types_in_vics_are_counted(tmp_path: Path, fake: Fake, record: object) -> None:
    good = {"MD5": fake["md5"](1)}
    document = json.dumps({"value": [good, record, good]}).encode()
    outcome = attempt(tmp_path, document, "vics", {})
    assert not isinstance(outcome, ListFormatError)
    entries, reading = outcome
    assert len(entries) == 2
    assert reading.problems.count >= 1


@pytest.mark.parametrize(
    "odd",
    [
        {"Category": True}, {"Category": [1]}, {"Category": {"a": 1}}, {"MediaFiles": "x"},
        {"MediaFiles": [1, None, {"MD5": 5}]}, {"MediaSize": "many"}, {"IsDistributed": "perhaps"},
        {"VictimIdentified": 1}, {"Tags": {"a": []}}, {"Series": 5}, {"Exifs": None},
        {"AlternativeHashes": None}, {"\ud800": "\udfff"},
    ],
    ids=lambda odd: next(iter(odd)).encode("ascii", "replace").decode(),
)  # fmt: skip
def test_odd_values_beside_a_hash_keep_the_record(
    tmp_path: Path, fake: Fake, odd: dict[str, object]
) -> None:
    document = json.dumps({"value": [{"MD5": fake["md5"](1), **odd}]}).encode()
    outcome = attempt(tmp_path, document, "vics", {})
    assert not isinstance(outcome, ListFormatError)
    assert len(outcome[0]) == 1


def test_bytes_that_are_no_text_in_json_survive(tmp_path: Path, fake: Fake) -> None:
    data = b'{"value":[{"MD5":"%s","Series":"k\xe4se"}]}' % fake["md5"](1).encode()
    outcome = attempt(tmp_path, data, "vics", {})
    assert not isinstance(outcome, ListFormatError)
    assert outcome[0][0].metadata == {"Series": "k\udce4se"}


def test_deep_json_lines_cost_themselves(tmp_path: Path, samples: Samples, count: int) -> None:
    deep = b'{"id":1,"hashes":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    outcome = attempt(tmp_path, samples["jsonl"][0] + deep, "jsonl", {})
    assert not isinstance(outcome, ListFormatError)
    assert (len(outcome[0]), outcome[1].problems.count) == (count, 1)
