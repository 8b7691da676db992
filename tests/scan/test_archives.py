"""Archives: everything inside has a verdict, and a bomb ends in one."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libarchive
import pytest
from PIL import Image

import hashmatch as hm
from hashmatch.scan import ArchiveLimits, ScanOptions, archives, scan

Photograph = Callable[[str], Path]
ReadRecords = Callable[[Path], list[dict[str, Any]]]
Scanned = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture(params=["inline", "workers"])
def scanned(
    request: pytest.FixtureRequest, matcher: hm.Matcher, tmp_path: Path, read_records: ReadRecords
) -> Scanned:
    """Return a function that scans files by name and content, and returns records by path."""

    def run(files: dict[str, bytes], **options: Any) -> dict[str, dict[str, Any]]:
        evidence = tmp_path / "evidence"
        evidence.mkdir()
        for name, data in files.items():
            (evidence / name).write_bytes(data)
        how = ScanOptions(isolation=request.param, workers=1, **options)
        scan(matcher, [str(evidence)], tmp_path / "run", how)
        found = read_records(tmp_path / "run")
        return {record["path"].removeprefix(f"{evidence}/"): record for record in found}

    return run


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as opened:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def packed(form: str, files: dict[str, bytes]) -> bytes:
    """Return an archive written by libarchive."""
    parts: list[bytes] = []

    def take(data: bytes) -> int:
        parts.append(bytes(data))
        return len(data)

    with libarchive.custom_writer(take, form) as out:
        for name, data in files.items():
            out.add_file_from_memory(name, len(data), data)
    return b"".join(parts)


@pytest.fixture
def known(photograph: Photograph) -> bytes:
    """Return a picture that is on a list, in a copy that is not on the known-good one."""
    buffer = io.BytesIO()
    with Image.open(photograph("coffee.png")) as opened:
        opened.convert("RGB").save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def test_every_kind_of_archive_is_gone_into(scanned: Scanned, known: bytes) -> None:
    files = {"b/known.jpg": known, "text.txt": b"only text"}
    made = {
        "a.zip": zipped(files),
        "stored.zip": zipped(files, zipfile.ZIP_STORED),
        "lzma.zip": zipped(files, zipfile.ZIP_LZMA),
        "a.tar": tarred(files),
        "a.tar.gz": tarred(files, "w:gz"),
        "a.tar.bz2": tarred(files, "w:bz2"),
        "a.tar.xz": tarred(files, "w:xz"),
        "a.7z": packed("7zip", files),
    }
    found = scanned(made)
    for name in made:
        assert found[f"{name}!/b/known.jpg"]["verdict"] == "match", name
        assert found[f"{name}!/b/known.jpg"]["kind"] == "member"
        assert found[f"{name}!/text.txt"]["reason"] == "not_an_image", name
        assert (found[name]["verdict"], found[name]["reason"]) == ("no_match", None), name
        assert found[name]["kind"] == "file"
        assert set(found[name]["hashes"]) >= {"md5", "sha1", "sha256"}
    assert len(found) == 3 * len(made)


def test_compressed_single_files(scanned: Scanned, known: bytes) -> None:
    found = scanned(
        {
            "known.jpg.gz": gzip.compress(known),
            "known.jpg.bz2": bz2.compress(known),
            "odd": lzma.compress(known),
        }
    )
    for name in ("known.jpg.gz!/content", "known.jpg.bz2!/content", "odd!/content"):
        assert found[name]["verdict"] == "match"


def test_archives_in_archives_up_to_the_depth(scanned: Scanned, known: bytes) -> None:
    data = zipped({"known.jpg": known})
    for depth in range(4, 0, -1):
        data = zipped({f"{depth}.zip": data})
    found = scanned({"0.zip": data})
    deepest = "0.zip!/1.zip!/2.zip!/3.zip!/4.zip"
    assert f"{deepest}!/known.jpg" not in found
    assert (found[deepest]["verdict"], found[deepest]["reason"]) == ("unscannable", "archive_limit")
    assert "unpack" in found[deepest]["message"]


def test_one_less_is_gone_into(scanned: Scanned, known: bytes) -> None:
    inner = zipped({"known.jpg": known})
    found = scanned({"0.zip": zipped({"1.tar.gz": tarred({"2.zip": inner}, "w:gz")})})
    assert found["0.zip!/1.tar.gz!/2.zip!/known.jpg"]["verdict"] == "match"


def test_names_that_leave_the_folder_are_only_names(scanned: Scanned, known: bytes) -> None:
    names = ["../../../tmp/out.jpg", "/etc/passwd", "C:\\Windows\\x.jpg", "a\nb.jpg", "\u202ex"]
    found = scanned({"a.zip": zipped(dict.fromkeys(names, known))})
    assert found["a.zip!/../../../tmp/out.jpg"]["verdict"] == "match"
    assert found["a.zip!//etc/passwd"]["verdict"] == "match"
    assert found["a.zip!/a\\nb.jpg"]["path_hex"]
    assert len(found) == 6
    assert not Path("/tmp/out.jpg").exists()


def test_what_cannot_be_opened_has_its_reason(scanned: Scanned, known: bytes) -> None:
    whole = zipped({"known.jpg": known, "b.txt": b"text"})
    locked = bytearray(whole)
    for place in (locked.find(b"PK\x03\x04") + 6, locked.find(b"PK\x01\x02") + 8):
        locked[place] |= 1  # the flag of encryption
    broken = bytearray(zipped({"known.jpg": known}, zipfile.ZIP_STORED))
    broken[-200] ^= 0xFF  # a byte of the content: the checksum no longer fits
    found = scanned(
        {
            "locked.zip": bytes(locked),
            "cut.zip": whole[: len(whole) // 2],
            "cut.tar.gz": tarred({"known.jpg": known, "z": os.urandom(9000)}, "w:gz")[:-3000],
            "broken.zip": bytes(broken),
        }
    )
    assert found["locked.zip!/known.jpg"]["reason"] == "archive_encrypted"
    assert found["cut.zip"]["reason"] == "archive_damaged"
    assert found["cut.zip"]["verdict"] == "unscannable"
    assert found["cut.tar.gz!/known.jpg"]["verdict"] == "match"
    assert (found["cut.tar.gz"]["verdict"], found["cut.tar.gz"]["reason"]) == (
        "partial",
        "archive_damaged",
    )
    assert found["broken.zip!/known.jpg"]["verdict"] in ("match", "partial")
    assert found["broken.zip!/known.jpg"]["reason"] == "archive_damaged"


def test_links_and_devices_in_a_tar(scanned: Scanned) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as opened:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE),
                           ("pipe", tarfile.FIFOTYPE), ("folder", tarfile.DIRTYPE)):  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            opened.addfile(info)
    found = scanned({"a.tar": buffer.getvalue()})
    assert {name: record["reason"] for name, record in found.items()} == {
        "a.tar": None,
        "a.tar!/link": "symlink",
        "a.tar!/hard": "symlink",
        "a.tar!/pipe": "special_file",
    }


def test_a_zip_behind_a_picture_is_found(
    scanned: Scanned, known: bytes, photograph: Photograph
) -> None:
    found = scanned({"photo.png": photograph("ihc.png").read_bytes() + zipped({"k.jpg": known})})
    assert found["photo.png!/k.jpg"]["verdict"] == "match"
    assert found["photo.png"]["media"]["format"] == "PNG"


BOMBS: dict[str, Callable[[], bytes]] = {
    "zeros.zip": lambda: zipped({"zeros": bytes(300 << 20)}),
    "zeros.gz": lambda: gzip.compress(bytes(300 << 20)),
    "zeros.tar.bz2": lambda: tarred({"zeros": bytes(120 << 20)}, "w:bz2"),
    "many.zip": lambda: zipped({f"{n}": bytes(4 << 20) for n in range(40)}),
    "nested.zip": lambda: zipped({f"{n}.zip": zipped({"z": bytes(30 << 20)}) for n in range(9)}),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_ends_in_a_verdict(scanned: Scanned, bomb: str) -> None:
    found = scanned({bomb: BOMBS[bomb](), "after.txt": b"text"})
    assert found[bomb]["reason"] == "archive_limit"
    assert found[bomb]["verdict"] in ("partial", "unscannable")
    assert found["after.txt"]["reason"] == "not_an_image"


def test_overlapping_members_are_a_bomb(scanned: Scanned) -> None:
    """Many entries that share one compressed block (Fifield 2019), made by repeating the index."""
    once = zipped({"z": bytes(20 << 20)})
    start = once.find(b"PK\x01\x02")
    end = once.find(b"PK\x05\x06")
    entry = once[start:end]
    count = 500
    tail = bytearray(once[end:])
    tail[8:10] = tail[10:12] = count.to_bytes(2, "little")
    tail[12:16] = (len(entry) * count).to_bytes(4, "little")
    found = scanned({"a.zip": once[:start] + entry * count + bytes(tail)})
    assert found["a.zip"]["reason"] in ("archive_limit", "archive_damaged")


def test_too_many_members(matcher: hm.Matcher, tmp_path: Path, read_records: ReadRecords) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({f"{n}": b"x" for n in range(20)}))
    options = ScanOptions(archives=ArchiveLimits(members=10))
    scan(matcher, [str(tmp_path / "a.zip")], tmp_path / "run", options)
    found = read_records(tmp_path / "run")
    assert len(found) == 11
    assert (found[-1]["reason"], found[-1]["verdict"]) == ("archive_limit", "partial")


def test_a_member_too_large_to_hold_is_still_hashed(
    known_home: Any, tmp_path: Path, read_records: ReadRecords, photograph: Photograph
) -> None:
    rocket = photograph("rocket.jpg").read_bytes()
    (tmp_path / "a.zip").write_bytes(zipped({"rocket.jpg": rocket, "x": os.urandom(9000)}))
    limits = hm.Limits(max_bytes=5000)
    with hm.Matcher.open(known_home.path, limits=limits) as matcher:
        scan(matcher, [str(tmp_path / "a.zip")], tmp_path / "run")
    found = read_records(tmp_path / "run")
    assert [(r["verdict"], r["reason"]) for r in found] == [
        ("match", "too_many_bytes"),
        ("unscannable", "too_many_bytes"),
        ("no_match", None),
    ]
    assert found[0]["size"] == len(rocket)


def test_archives_are_left_alone_when_asked(scanned: Scanned, known: bytes) -> None:
    found = scanned({"a.zip": zipped({"known.jpg": known})}, archives=None)
    assert {name: r["reason"] for name, r in found.items()} == {"a.zip": "not_an_image"}


def test_without_libarchive_it_is_said(
    matcher: hm.Matcher, tmp_path: Path, read_records: ReadRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashmatch.scan.foreign_archives.load", lambda: None)
    (tmp_path / "a.7z").write_bytes(packed("7zip", {"a": b"text"}))
    (tmp_path / "a.rar").write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(50))
    for name in ("a.7z", "a.rar"):
        scan(matcher, [str(tmp_path / name)], tmp_path / f"run-{name}")
        (record,) = read_records(tmp_path / f"run-{name}")
        assert (record["verdict"], record["reason"]) == ("unscannable", "archive_unsupported")
        assert "pip install 'hashmatch[archives]'" in record["message"]


@pytest.mark.parametrize("seed", range(3))
def test_damaged_archives_never_stop_a_scan(scanned: Scanned, known: bytes, seed: int) -> None:
    import random

    rng = random.Random(seed)
    files = {"known.jpg": known[:3000], "text.txt": b"only text" * 100}
    wholes = [zipped(files), tarred(files), tarred(files, "w:gz"), packed("7zip", files)]
    mutants = {}
    for number in range(60):
        data = bytearray(wholes[number % len(wholes)])
        for _ in range(rng.randrange(1, 12)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        mutants[f"{number:03}"] = bytes(data)
    found = scanned(mutants)
    assert set(mutants) <= set(found)


def test_sniffing_does_not_believe_stray_bytes() -> None:
    assert archives.sniff(b"\xff\xd8\xff" + bytes(600), b"PK\x05\x06" + bytes(400)) is None
    assert archives.sniff(b"\xff\xd8\xff", b"PK\x05\x06" + bytes(18)) == "zip"
    assert archives.sniff(b"") is None
