"""Reading an input's bytes, read-only and bounded, with a typed reason for every way it fails."""

from __future__ import annotations

import errno
import os
import stat
from typing import Any, BinaryIO

from hashmatch.errors import MediaError
from hashmatch.media.limits import DEFAULT_LIMITS, Limits
from hashmatch.types import Reason

_REASONS = {
    errno.ENOENT: Reason.VANISHED,
    errno.ENOTDIR: Reason.VANISHED,
    errno.ESTALE: Reason.VANISHED,
    errno.EACCES: Reason.PERMISSION_DENIED,
    errno.EPERM: Reason.PERMISSION_DENIED,
    errno.ELOOP: Reason.SYMLINK,
    errno.EISDIR: Reason.DIRECTORY,
    errno.ENXIO: Reason.SPECIAL_FILE,
    errno.ENODEV: Reason.SPECIAL_FILE,
}
_REMEDIES = {
    Reason.VANISHED: "it was removed or renamed; name a file that exists",
    Reason.PERMISSION_DENIED: "run as a user who may read it",
    Reason.SYMLINK: "name the file it leads to",
    Reason.DIRECTORY: "it is a folder; name a file, or scan the folder",
    Reason.SPECIAL_FILE: "it is a device, pipe or socket; name a regular file",
}
# O_NONBLOCK: opening a pipe that nobody writes to must not wait; regular files ignore it.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
)
_NO_ATIME: int = getattr(os, "O_NOATIME", 0)
_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_CHUNK = 2**20


def reason_for(error: OSError) -> Reason:
    """Return the reason an operating system error stands for."""
    return _REASONS.get(error.errno or 0, Reason.READ_FAILED)


def read_bytes(
    path: str | bytes | os.PathLike[Any],
    limits: Limits = DEFAULT_LIMITS,
    follow_symlinks: bool = True,
) -> bytes:
    """Read a regular file, which is opened read-only and, where allowed, keeps its access time.

    Parameters
    ----------
    path : path
        The file; a name that is not UTF-8 may be given as bytes or with surrogate escapes.
    limits : Limits
        ``max_bytes`` bounds what is read, also of a file that grows meanwhile.
    follow_symlinks : bool
        Whether a path whose last part is a symbolic link is followed.

    Returns
    -------
    bytes
        The content as far as the end the file had when that end was reached.

    Raises
    ------
    MediaError
        If it is empty, too large, not a regular file, or cannot be read.
    """
    name = _shown(path)
    descriptor = open_file(path, follow_symlinks)
    try:
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            status = os.fstat(stream.fileno())
            if status.st_size > limits.max_bytes:
                raise _too_large(name, limits)
            return _drain(stream, status.st_size, limits, name)
    except OSError as error:
        raise _failed(name, error) from error


def open_file(path: str | bytes | os.PathLike[Any], follow_symlinks: bool = True) -> int:
    """Open a regular file read-only and, where allowed, so that its access time stays.

    Parameters
    ----------
    path, follow_symlinks
        As for :func:`read_bytes`.

    Returns
    -------
    int
        A descriptor, which the caller closes.

    Raises
    ------
    MediaError
        If it is not a regular file, or cannot be opened.
    """
    name = _shown(path)
    try:
        descriptor = _open(path, follow_symlinks)
    except OSError as error:
        raise _failed(name, error) from error
    except ValueError as error:  # a NUL inside the path
        raise MediaError(Reason.READ_FAILED, f"{name} is not a possible path") from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    raise _refused(name, Reason.DIRECTORY if stat.S_ISDIR(mode) else Reason.SPECIAL_FILE)


def read_stream(stream: BinaryIO, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Read a binary stream to its end, or to just beyond ``limits.max_bytes``.

    Parameters
    ----------
    stream : binary file object
        Only its ``read`` is used, so it need not be seekable. It is not closed.
    limits : Limits
        ``max_bytes`` bounds what is read.

    Raises
    ------
    MediaError
        If it is empty, too large or fails.
    TypeError
        If it gives text.
    """
    try:
        return _drain(stream, 0, limits, "the stream")
    except OSError as error:
        raise _failed("the stream", error) from error


def _open(path: str | bytes | os.PathLike[Any], follow_symlinks: bool) -> int:
    flags = _FLAGS if follow_symlinks else _FLAGS | _NO_FOLLOW
    try:
        return os.open(path, flags | _NO_ATIME)
    except PermissionError:
        if not _NO_ATIME:
            raise
        return os.open(path, flags)  # only a file's owner may leave its access time alone


def _drain(stream: BinaryIO, expected: int, limits: Limits, name: str) -> bytes:
    """Read until the end; one byte more than expected shows whether the file has grown."""
    parts: list[bytes] = []
    total = 0
    while True:
        wanted = min(max(expected + 1 - total, _CHUNK), limits.max_bytes + 1 - total)
        part: bytes | None = stream.read(wanted)
        if isinstance(part, str):
            raise TypeError("the stream gives text; open it in binary mode")
        if part is None:
            raise MediaError(Reason.READ_FAILED, f"{name} has no data ready; use a blocking one")
        if not part:
            break
        parts.append(part)
        total += len(part)
        if total > limits.max_bytes:
            raise _too_large(name, limits)
    if not total:
        raise MediaError(Reason.EMPTY, f"{name} holds no bytes")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _failed(name: str, error: OSError) -> MediaError:
    reason = reason_for(error)
    why = error.strerror or type(error).__name__
    remedy = f"; {_REMEDIES[reason]}" if reason in _REMEDIES else ""
    return MediaError(reason, f"cannot read {name}: {why}{remedy}")


def _refused(name: str, reason: Reason) -> MediaError:
    return MediaError(reason, f"cannot read {name}: {_REMEDIES[reason]}")


def _too_large(name: str, limits: Limits) -> MediaError:
    return MediaError(
        Reason.TOO_MANY_BYTES,
        f"{name} is larger than {limits.max_bytes} bytes; raise max_bytes to read it",
    )


def _shown(path: str | bytes | os.PathLike[Any]) -> str:
    """Return a path as printable text; odd bytes and control characters become escapes."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
