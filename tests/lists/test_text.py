"""Lists of one hash a line: what is read, what is refused, what is counted."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from hashmatch.errors import ListFormatError
from hashmatch.lists import readers
from hashmatch.types import Entry


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read(
    tmp_path: Path, content: str | bytes, **options: Any
) -> tuple[readers.Reading, list[Entry]]:
    path = tmp_path / "list.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    reading = readers.read([path], **options)
    return reading, list(reading.entries())


def values(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(value.hash_type, value.hex) for entry in entries for value in entry.hashes]


def test_one_value_a_line(tmp_path: Path) -> None:
    reading, entries = read(tmp_path, f"{md5('a')}\n{md5('b').upper()}\n")
    assert reading.format == "text"
    assert values(entries) == [("md5", md5("a")), ("md5", md5("b"))]
    assert reading.problems.count == 0


def test_comments_blank_lines_and_padding_are_no_problem(tmp_path: Path) -> None:
    reading, entries = read(tmp_path, f"# exported\n\n  {md5('a')}  \r\n{md5('b')}\r\n")
    assert sorted(values(entries)) == sorted([("md5", md5("a")), ("md5", md5("b"))])
    assert reading.problems.count == 0


def test_the_last_line_may_lack_its_end(tmp_path: Path) -> None:
    _, entries = read(tmp_path, f"{md5('a')}\n{md5('b')}")
    assert len(entries) == 2


def test_types_are_told_by_length_line_by_line(tmp_path: Path) -> None:
    _, entries = read(tmp_path, f"{md5('a')}\n{sha1('b')}\n{'0f' * 144}\n")
    assert {value.hash_type for entry in entries for value in entry.hashes} == {
        "md5",
        "sha1",
        "photodna",
    }


@pytest.mark.parametrize("hash_type", ["pdq", "sha256"])
def test_64_digits_need_a_type(tmp_path: Path, hash_type: str) -> None:
    content = f"{md5('a')}\n{sha256('a')}\n"
    with pytest.raises(ListFormatError, match="--type pdq or --type sha256") as caught:
        read(tmp_path, content)
    assert caught.value.line == 2
    assert sha256("a") not in str(caught.value)
    reading, entries = read(tmp_path, content, hash_type=hash_type)
    assert values(entries) == [(hash_type, sha256("a"))]
    assert [(p.place, p.reason) for p in reading.problems.shown] == [
        (1, f"a {hash_type} value has 64 hexadecimal digits, not 32")
    ]


def test_16_digits_need_a_type(tmp_path: Path) -> None:
    with pytest.raises(ListFormatError, match="phash, dhash, ahash or whash"):
        read(tmp_path, "0123456789abcdef\n")
    _, entries = read(tmp_path, "0123456789abcdef\n", hash_type="phash")
    assert values(entries) == [("phash", "0123456789abcdef")]


def test_rows_that_cannot_be_used_are_named_by_line(tmp_path: Path) -> None:
    secret = "deadbeef" * 5
    reading, entries = read(
        tmp_path,
        f"{md5('a')}\nnot a hash\n{md5('b')[:-1]}z\n{secret[:-1]}\n{md5('c')}\n{'ab' * 64}\n",
    )
    assert len(entries) == 2
    assert [p.place for p in reading.problems.shown] == [2, 3, 4, 6]
    assert reading.problems.count == 4
    assert all(
        secret[:8] not in str(p) and md5("b")[:8] not in str(p) for p in reading.problems.shown
    )


def test_pdq_text(tmp_path: Path) -> None:
    reading, entries = read(
        tmp_path,
        f"{sha256('a')},first, with comma\nhash={sha256('b')},x\n{sha256('c')}\n",
        hash_type="pdq",
    )
    assert reading.format == "pdq-text"
    found = {entry.hashes[0].hex: entry.metadata for entry in entries}
    assert found == {
        sha256("a"): {"note": "first, with comma"},
        sha256("b"): {"note": "x"},
        sha256("c"): {},
    }


@pytest.mark.parametrize("mark", [" ", "*"], ids=["text", "binary"])
def test_md5sum(tmp_path: Path, mark: str) -> None:
    reading, entries = read(
        tmp_path, f"{md5('a')} {mark}a b.jpg\n\\{md5('b')} {mark}new\\nline\\\\.jpg\n"
    )
    assert reading.format == "sums"
    assert [(e.hashes[0].hex, e.metadata["file_name"]) for e in entries] == [
        (md5("a"), "a b.jpg"),
        (md5("b"), "new\nline\\.jpg"),
    ]


def test_sha1sum_and_sha256sum(tmp_path: Path) -> None:
    _, entries = read(tmp_path, f"{sha1('a')}  a\n")
    assert values(entries) == [("sha1", sha1("a"))]
    with pytest.raises(ListFormatError, match="--type"):
        read(tmp_path, f"{sha256('a')}  a\n")
    _, entries = read(tmp_path, f"{sha256('a')}  a\n", hash_type="sha256")
    assert values(entries) == [("sha256", sha256("a"))]


def test_bsd_style_names_its_type(tmp_path: Path) -> None:
    reading, entries = read(
        tmp_path,
        f"MD5 (a (1).jpg) = {md5('a')}\nSHA256 (b) = {sha256('b')}\nSHA512 (c) = {'ab' * 64}\n",
    )
    assert reading.format == "sums"
    assert values(entries) == [("md5", md5("a")), ("sha256", sha256("b"))]
    assert entries[0].metadata == {"file_name": "a (1).jpg"}
    assert [p.place for p in reading.problems.shown] == [3]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_byte_order_marks(tmp_path: Path, encoding: str) -> None:
    text = f"{md5('a')}  käse.jpg\r\n{md5('b')}  b.jpg\r\n"
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    _, entries = read(tmp_path, mark + text.encode(encoding))
    assert [e.metadata["file_name"] for e in entries] == ["käse.jpg", "b.jpg"]


def test_bytes_that_are_no_text_are_kept_as_escapes(tmp_path: Path) -> None:
    _, entries = read(tmp_path, md5("a").encode() + b"  k\xe4se.jpg\n")
    assert entries[0].metadata == {"file_name": "k\\xe4se.jpg"}


def test_a_line_of_ten_megabytes_costs_only_itself(tmp_path: Path) -> None:
    long = b"x" * 10_000_000
    reading, entries = read(
        tmp_path, md5("a").encode() + b"\n" + long + b"\n" + md5("b").encode() + b"\n"
    )
    assert values(entries) == [("md5", md5("a")), ("md5", md5("b"))]
    assert [p.place for p in reading.problems.shown] == [2]


def test_line_numbers_hold_across_chunks(tmp_path: Path) -> None:
    rows = 200_000
    lines = [md5(str(n)) for n in range(rows)]
    lines[rows - 2] = "oops"
    reading, entries = read(tmp_path, "\n".join(lines) + "\n")
    assert len(entries) == rows - 1
    assert [p.place for p in reading.problems.shown] == [rows - 1]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListFormatError, match="empty"):
        read(tmp_path, "")


def test_prose_is_not_recognised(tmp_path: Path) -> None:
    with pytest.raises(ListFormatError, match="--format"):
        read(tmp_path, "Dear all,\nplease find the list attached.\n")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ListFormatError, match=r"gone\.txt: cannot be read"):
        readers.read([tmp_path / "gone.txt"])


def test_files_of_different_formats_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"{md5('a')}\n")
    (tmp_path / "b").write_text(f"{md5('a')}  name\n")
    with pytest.raises(ListFormatError, match="one by one"):
        readers.read([tmp_path / "a", tmp_path / "b"])


def test_problems_are_counted_beyond_those_shown(tmp_path: Path) -> None:
    reading, entries = read(tmp_path, "bad\n" * 500 + f"{md5('a')}\n", format="text")
    assert len(entries) == 1
    assert reading.problems.count == 500
    assert len(reading.problems.shown) == 100
