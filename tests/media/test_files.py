"""Reading bytes: every way a path can fail has its reason, and nothing hangs."""

from __future__ import annotations

import errno
import io
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from hashmatch import media
from hashmatch.errors import MediaError
from hashmatch.types import Reason

NEVER_THERE = "no file of this name"


def reason_of(action: Callable[[], object]) -> Reason:
    with pytest.raises(MediaError) as caught:
        action()
    return caught.value.reason


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    content = os.urandom(3 * 2**20 + 7)
    path = tmp_path / "file"
    path.write_bytes(content)
    for name in (path, str(path), os.fsencode(path)):
        assert media.read_bytes(name) == content


@pytest.mark.parametrize(
    "name", [b"caf\xe9", b"line\nbreak", b"\xff\xfe", b"x" * 255, b" ", "日本".encode()]
)
def test_odd_names_are_read(tmp_path: Path, name: bytes) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    try:
        with open(path, "wb") as stream:  # noqa: PTH123 - a Path cannot hold bytes
            stream.write(b"content")
    except OSError as error:
        pytest.skip(f"this file system refuses the name: {error}")
    assert media.read_bytes(path) == b"content"
    assert media.read_bytes(os.fsdecode(path)) == b"content"


def test_the_message_names_the_path_in_printable_characters(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        media.read_bytes(os.fsencode(tmp_path) + b"/new\nline\xe9\x1b[31m")
    message = str(caught.value)
    assert message.isprintable()
    assert r"new\nline\xe9\x1b[31m" in message
    assert "name a file that exists" in message


def test_reasons_of_paths_that_are_no_readable_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "empty").touch()
    (tmp_path / "dangling").symlink_to(NEVER_THERE)
    (tmp_path / "to folder").symlink_to(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        expected = {
            NEVER_THERE: Reason.VANISHED,
            "file/below": Reason.VANISHED,
            "dangling": Reason.VANISHED,
            "": Reason.DIRECTORY,
            "to folder": Reason.DIRECTORY,
            "pipe": Reason.SPECIAL_FILE,
            "socket": Reason.SPECIAL_FILE,
            "/dev/null": Reason.SPECIAL_FILE,
            "loop": Reason.SYMLINK,
            "empty": Reason.EMPTY,
            "x" * 256: Reason.READ_FAILED,
            "nul\0inside": Reason.READ_FAILED,
        }
        found = {}
        for name in expected:
            path = os.path.join(tmp_path, name)  # noqa: PTH118 - keeps the NUL
            found[name] = reason_of(lambda path=path: media.read_bytes(path))  # type: ignore[misc]
    assert found == expected


def test_links_are_followed_only_if_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    link = tmp_path / "link"
    link.symlink_to("file")
    assert media.read_bytes(link) == b"content"
    refused = reason_of(lambda: media.read_bytes(link, media.DEFAULT_LIMITS, follow_symlinks=False))
    assert refused is Reason.SYMLINK


def test_a_file_without_permission_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read anything, so the refusal is made, not found."""
    path = tmp_path / "file"
    path.write_bytes(b"content")

    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("hashmatch.media.files.os.open", refuse)
    assert reason_of(lambda: media.read_bytes(path)) is Reason.PERMISSION_DENIED


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads anything")
def test_a_file_without_permission_bits_says_so(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    path.chmod(0)
    assert reason_of(lambda: media.read_bytes(path)) is Reason.PERMISSION_DENIED


def test_another_owners_file_is_read_though_its_access_time_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    real = os.open

    def only_owner_keeps_time(name: Any, flags: int) -> int:
        if flags & os.O_NOATIME:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return real(name, flags)

    monkeypatch.setattr("hashmatch.media.files.os.open", only_owner_keeps_time)
    assert media.read_bytes(path) == b"content"


def test_the_access_time_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    os.utime(path, (1000, 2000))
    media.read_bytes(path)
    assert path.stat().st_atime == 1000


def test_the_byte_limit_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    assert len(media.read_bytes(path, media.Limits(max_bytes=100))) == 100
    small = media.Limits(max_bytes=99)
    assert reason_of(lambda: media.read_bytes(path, small)) is Reason.TOO_MANY_BYTES
    assert len(media.read_stream(io.BytesIO(bytes(100)), media.Limits(max_bytes=100))) == 100
    too_long = reason_of(lambda: media.read_stream(io.BytesIO(bytes(100)), small))
    assert too_long is Reason.TOO_MANY_BYTES


def test_a_huge_sparse_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as stream:
        stream.truncate(2**40)
    assert reason_of(lambda: media.read_bytes(path)) is Reason.TOO_MANY_BYTES


class Growing(io.RawIOBase):
    """A file that never ends."""

    taken = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self.taken += size
        return bytes(size)


def test_a_file_that_grows_while_read_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(10))
    real = os.fstat

    def earlier(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        with path.open("ab") as stream:  # it grows once its size was looked at
            stream.write(bytes(5000))
        return status

    monkeypatch.setattr("hashmatch.media.files.os.fstat", earlier)
    grown = media.read_bytes(path, media.Limits(max_bytes=20_000))
    assert len(grown) > 10
    limits = media.Limits(max_bytes=1000)
    assert reason_of(lambda: media.read_bytes(path, limits)) is Reason.TOO_MANY_BYTES


def test_a_stream_is_read_no_further_than_the_limit() -> None:
    endless = Growing()
    limits = media.Limits(max_bytes=5_000_000)
    assert (
        reason_of(lambda: media.read_stream(cast(BinaryIO, endless), limits))
        is Reason.TOO_MANY_BYTES
    )
    assert endless.taken == 5_000_001


def test_a_stream_in_small_pieces_is_put_together() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 3))

    assert media.read_stream(Trickle(b"0123456789")) == b"0123456789"


def test_streams_that_fail_have_a_reason() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    class NotReady(io.RawIOBase):
        def read(self, size: int = -1) -> bytes | None:
            return None

    assert reason_of(lambda: media.read_stream(cast(BinaryIO, Broken()))) is Reason.READ_FAILED
    assert reason_of(lambda: media.read_stream(cast(BinaryIO, NotReady()))) is Reason.READ_FAILED
    assert reason_of(lambda: media.read_stream(io.BytesIO())) is Reason.EMPTY
    with pytest.raises(TypeError, match="binary"):
        media.read_stream(io.StringIO("text"))  # type: ignore[arg-type]


def test_a_read_error_half_way_has_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("hashmatch.media.files._drain", broken)
    assert reason_of(lambda: media.read_bytes(path)) is Reason.READ_FAILED


def test_reading_leaves_no_descriptor_open(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    (tmp_path / "empty").touch()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("file", "empty", ".", "gone"):
        for _ in range(20):
            try:
                media.read_bytes(tmp_path / name)
            except MediaError:
                continue
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_errors_of_the_system_have_reasons() -> None:
    assert media.reason_for(OSError(errno.ENOENT, "")) is Reason.VANISHED
    assert media.reason_for(OSError(errno.EACCES, "")) is Reason.PERMISSION_DENIED
    assert media.reason_for(OSError(errno.EIO, "")) is Reason.READ_FAILED
    assert media.reason_for(OSError()) is Reason.READ_FAILED


def test_nothing_is_opened_for_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags_seen: list[int] = []
    real = os.open

    def watch(name: Any, flags: int) -> int:
        flags_seen.append(flags)
        return real(name, flags)

    path = tmp_path / "file"
    path.write_bytes(b"content")
    path.chmod(stat.S_IRUSR)
    monkeypatch.setattr("hashmatch.media.files.os.open", watch)
    media.read_bytes(path)
    assert flags_seen
    assert not any(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) for flags in flags_seen)
