"""What a process that holds image bytes gives up: files, core dumps, outliving its parent.

Each of these is a Linux or POSIX facility; where one is missing, :func:`state` says so.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_GET_DUMPABLE = 3
_PR_SET_DUMPABLE = 4


def no_core_dumps() -> None:
    """Keep the memory of this process out of core files and of collectors of crash reports.

    The limit alone does not stop a collector that the kernel pipes dumps to; not being dumpable
    does. The flag is lost on ``exec``, so a process sets it for itself.
    """
    _limit("RLIMIT_CORE")
    _prctl(_PR_SET_DUMPABLE, 0)


def no_files() -> None:
    """Let this process write to pipes and sockets only: every write to a regular file fails."""
    sys.dont_write_bytecode = True
    _limit("RLIMIT_FSIZE")


def end_with_parent() -> None:
    """Have the kernel end this process if its parent dies."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def state() -> dict[str, bool | None]:
    """Return what holds for this process; ``None`` where it cannot be told."""
    dumpable = _prctl(_PR_GET_DUMPABLE, 0)
    return {
        "no_files": _is_limited("RLIMIT_FSIZE"),
        "no_core_limit": _is_limited("RLIMIT_CORE"),
        "not_dumpable": None if dumpable is None else dumpable == 0,
        "nothing_swapped": _nothing_swapped(),
    }


def _limit(name: str) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    resource.setrlimit(getattr(resource, name), (0, 0))


def _is_limited(name: str) -> bool | None:
    try:
        import resource
    except ImportError:
        return None
    soft: int = resource.getrlimit(getattr(resource, name))[0]
    return soft == 0


def _prctl(option: int, value: int) -> int | None:
    if sys.platform != "linux":
        return None
    done: int = ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
    if done < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return done


def _nothing_swapped() -> bool | None:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    swapped = [line.split()[1] for line in lines if line.startswith("VmSwap:")]
    return swapped == ["0"] if swapped else None
