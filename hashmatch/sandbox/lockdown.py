"""Taking every privilege away from the process one is in."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from hashmatch.sandbox import landlock, seccomp

_SET_DUMPABLE, _SET_NO_NEW_PRIVILEGES = 4, 38
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a worker may use.

    Parameters
    ----------
    memory : int
        Bytes of address space beyond what it had mapped when it was ready.
    cpu_seconds : int
        Processor time over its whole life. A worker is recycled at half of it, so only one that
        nobody watches any more (its parent was killed, say) is ended by this.
    descriptors : int
        Open descriptors.
    """

    memory: int = 1 << 30
    cpu_seconds: int = 1200
    descriptors: int = 64

    def to_json(self) -> dict[str, Any]:
        """Return the allowance as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, shape: dict[str, Any]) -> Self:
        """Read what :meth:`to_json` gave."""
        return cls(**shape)


def lock_down(allowance: Allowance) -> dict[str, str]:
    """Give up everything but memory, processor time and the descriptors that are open.

    Returns
    -------
    dict
        For each protection an empty string, or why it is not in force here.

    Raises
    ------
    OSError
        If not even the resource limits can be set.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    threads = _threads()
    limits = {
        resource.RLIMIT_AS: _address_space() + allowance.memory,
        resource.RLIMIT_CPU: allowance.cpu_seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: allowance.descriptors,
    }
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))
    outcome = {"resource limits": ""}
    if sys.platform != "linux":
        return outcome | dict.fromkeys(
            ("core dump protection", "bar on new privileges", "landlock", "system call filter"),
            f"{sys.platform} has none that hashmatch can use",
        )
    steps = {
        "core dump protection": lambda: _prctl(libc, _SET_DUMPABLE, 0),
        "bar on new privileges": lambda: _prctl(libc, _SET_NO_NEW_PRIVILEGES, 1),
        "dropping of capabilities": lambda: _drop_capabilities(libc),
        "landlock": landlock.restrict,
        "system call filter": seccomp.install,
    }
    for name, step in steps.items():
        try:
            step()
        except OSError as error:
            outcome[name] = error.strerror or str(error)
        else:
            outcome[name] = ""
    if threads > 1 and not outcome["landlock"]:  # it binds the thread that asks for it
        outcome["landlock"] = "something preloaded into the process had started a thread"
    return outcome


def _address_space() -> int:
    """Return how many bytes this process has mapped."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:  # not Linux, or no /proc: a warmed-up worker maps less than this
        return 1 << 30
    return pages * os.sysconf("SC_PAGE_SIZE")


def _threads() -> int:
    """Return how many threads this process has, those of C libraries included."""
    try:
        with os.scandir("/proc/self/task") as tasks:
            return sum(1 for _ in tasks)
    except OSError:  # no /proc: the interpreter's own are all that can be counted
        return threading.active_count()


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    if libc.prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Give up the privileges of root, where the process has any."""
    number = _CAPSET.get(os.uname().machine)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if number is None:
        raise OSError(f"not known how on {os.uname().machine}")
    if libc.syscall(number, ctypes.byref(header), ctypes.byref(nothing)):
        failed = ctypes.get_errno()
        raise OSError(failed, os.strerror(failed))
