"""Walking evidence: everything once, in one order, whatever it is called."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from hashmatch.scan import walk
from hashmatch.scan.walking import distinct
from hashmatch.types import Reason

ODD_NAMES = [b"plain", b"caf\xe9", b"new\nline", b"a" * 255, b" ", b"-o", b"\xff\xfe", b"=cmd"]


def names(tmp_path: Path, **options: bool) -> list[str]:
    return [os.path.relpath(found.path, tmp_path) for found in walk([str(tmp_path)], **options)]


def test_names_of_any_bytes_come_once_each_in_byte_order(tmp_path: Path) -> None:
    for name in ODD_NAMES:
        (tmp_path / os.fsdecode(name)).write_bytes(b"")
    assert [os.fsencode(name) for name in names(tmp_path)] == sorted(ODD_NAMES)


def test_folders_are_walked_depth_first(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a", "c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert names(tmp_path) == ["a", "b/1", "b/2", "c"]


def test_links_are_named_but_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = {Path(f.path).name: f.refused for f in walk([str(tmp_path)])}
    assert found == {"real": None, "link": Reason.SYMLINK, "loop": Reason.SYMLINK}


def test_following_links_ends_at_a_loop(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text("")
    (tmp_path / "deep" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "dangling").symlink_to("nowhere")
    found = {
        os.path.relpath(f.path, tmp_path): f.refused
        for f in walk([str(tmp_path)], follow_symlinks=True)
    }
    assert found["deep/file"] is None
    assert found["deep/up"] is Reason.SYMLINK
    assert found["dangling"] is Reason.VANISHED
    assert found["self"] in (Reason.READ_FAILED, Reason.SYMLINK)


def test_a_root_that_is_a_link_was_named_so_it_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("")
    (tmp_path / "link").symlink_to("real")
    (found,) = walk([str(tmp_path / "link")])
    assert (Path(found.path).name, found.refused) == ("file", None)


def test_what_is_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is limited to about 100 bytes
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert {f.refused for f in walk(["."])} == {Reason.SPECIAL_FILE}


def test_a_root_that_is_gone_is_told(tmp_path: Path) -> None:
    (found,) = walk([str(tmp_path / "gone")])
    assert found.refused is Reason.VANISHED
    assert found.message


@pytest.mark.parametrize(("depth", "refused"), [(1200, None), (2500, Reason.READ_FAILED)])
def test_a_tree_deeper_than_the_recursion_limit_and_than_any_path(
    tmp_path: Path, depth: int, refused: Reason | None
) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):  # too long for one path name, so made step by step
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT, dir_fd=here))
    os.close(here)
    try:
        (found,) = walk([str(tmp_path)])
        assert found.refused is refused
        assert refused or found.path.endswith("/d/file")
    finally:  # deeper than shutil.rmtree can follow
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)


def test_what_several_roots_reach_is_walked_once(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").write_text("")
    (tmp_path / "aa").write_text("")
    roots = ["a/b", "aa", "a", "./a/", "a/b/file", "gone", "gone"]
    whole = [str(tmp_path / root) for root in roots]
    assert distinct(whole) == [whole[1], whole[2], whole[5]]
    walked = [os.path.relpath(found.path, tmp_path) for found in walk(whole)]
    assert walked == ["aa", "a/b/file", "gone"]


def test_a_link_that_was_named_is_followed_though_it_lies_inside_another_root(
    tmp_path: Path,
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/file").write_text("")
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence/link").symlink_to(tmp_path / "elsewhere")
    roots = [str(tmp_path / "evidence"), str(tmp_path / "evidence/link/file")]
    assert distinct(roots) == roots
    roots[1] = str(tmp_path / "evidence/link")
    assert distinct(roots) == roots
    found = [(os.path.relpath(f.path, tmp_path), f.refused) for f in walk(roots)]
    assert found == [("evidence/link", Reason.SYMLINK), ("evidence/link/file", None)]
