"""The system calls a locked-down worker may make, as a BPF program for the kernel.

Decoding needs memory, its one socket and the descriptor it was handed. Calls that libraries make
out of habit (looking for a file, say) fail with an error, so the library can go on; anything
else ends the process.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Sequence

# (x86-64, aarch64) numbers; None where the architecture has no such call
_ALLOWED = {
    "read": (0, 63),
    "readv": (19, 65),
    "write": (1, 64),
    "close": (3, 57),
    "lseek": (8, 62),
    "pread64": (17, 67),
    "recvmsg": (47, 212),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "futex": (202, 98),
    "membarrier": (324, 283),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "getrandom": (318, 278),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
# allowed unless they make memory executable
_NO_EXEC = {"mmap": (9, 222), "mprotect": (10, 226)}
# allowed for threads of this process only: AV1 decoders start some
_THREAD_ONLY = {"clone": (56, 220)}
# fail with an error instead of ending the process
_REFUSED = {
    "open": (2, None),
    "openat": (257, 56),
    "openat2": (437, 437),
    "stat": (4, None),
    "lstat": (6, None),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getcwd": (79, 17),
    "getdents64": (217, 61),
    "ioctl": (16, 29),
    "fcntl": (72, 25),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "prlimit64": (302, 261),
    "prctl": (157, 167),
}
# glibc falls back to clone, whose flags can be looked at
_ABSENT = {"clone3": (435, 435)}

# machine -> (column above, the kernel's AUDIT_ARCH)
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32_BIT = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_KILL, _ALLOW, _ERROR = 0x80000000, 0x7FFF0000, 0x00050000
_PROT_EXEC = 4
_THREAD_FLAGS = 0x00000100 | 0x00010000  # CLONE_VM, CLONE_THREAD

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _EVERY_THREAD = 1, 1


def program(machine: str) -> list[tuple[int, int, int, int]]:
    """Return the filter for a machine as BPF instructions ``(code, true, false, operand)``.

    Raises
    ------
    OSError
        If the machine is neither x86-64 nor aarch64.
    """
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system call filter for {machine}")
    column, arch = _ARCHITECTURES[machine]
    code = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        code += [(_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, _KILL)]
    for verdict, calls in (
        (_ALLOW, _ALLOWED),
        (_ERROR | errno.EPERM, _REFUSED),
        (_ERROR | errno.ENOSYS, _ABSENT),
    ):
        for numbers in calls.values():
            number = numbers[column]
            if number is not None:
                code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, verdict)]
    for numbers in _NO_EXEC.values():
        code += [
            (_EQUAL, 0, 4, numbers[column]),
            (_LOAD, 0, 0, _ARGUMENTS + 8 * 2),
            (_ANY_BIT, 0, 1, _PROT_EXEC),
            (_RETURN, 0, 0, _KILL),
            (_RETURN, 0, 0, _ALLOW),
        ]
    for numbers in _THREAD_ONLY.values():
        code += [
            (_EQUAL, 0, 5, numbers[column]),
            (_LOAD, 0, 0, _ARGUMENTS),
            (_AND, 0, 0, _THREAD_FLAGS),
            (_EQUAL, 0, 1, _THREAD_FLAGS),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _KILL),
        ]
    return [*code, (_RETURN, 0, 0, _KILL)]


def install(code: Sequence[tuple[int, int, int, int]] | None = None) -> None:
    """Put the filter in force for every thread of this process, for good.

    The process must have given up new privileges before.

    Raises
    ------
    OSError
        If this kernel or this machine has no such filter.
    """
    machine = platform.machine()
    packed = b"".join(struct.pack("<HBBI", *step) for step in code or program(machine))
    held = ctypes.create_string_buffer(packed, len(packed))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    argument = Program(len(packed) // 8, ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_SECCOMP[machine], _SET_MODE_FILTER, _EVERY_THREAD, ctypes.byref(argument)):
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {errno.errorcode.get(number, number)}")
