"""Landlock: no file, no TCP port, no signal or abstract socket outside this process.

A second wall behind the system call filter. The kernel is asked for its version first and given
the strictest rules it knows.
"""

from __future__ import annotations

import ctypes
import errno
import struct

# the same numbers on every architecture
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_ASK_VERSION = 1

# version of the interface -> how many file-system rights it can take away
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}


def version() -> int:
    """Return the version of Landlock this kernel has, 0 for none."""
    found = ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    return max(0, int(found))


def restrict() -> int:
    """Take away every right Landlock knows from this thread, and return its version.

    The process must have given up new privileges before.

    Raises
    ------
    OSError
        If the kernel has no Landlock.
    """
    have = version()
    if not have:
        raise OSError(errno.ENOSYS, "this kernel has no Landlock")
    files = (1 << _FILE_RIGHTS[min(have, max(_FILE_RIGHTS))]) - 1
    rules = struct.pack("<Q", files)
    if have >= 4:
        rules += struct.pack("<Q", 0b11)  # bind and connect TCP
    if have >= 6:
        rules += struct.pack("<Q", 0b11)  # abstract sockets and signals
    libc = ctypes.CDLL(None, use_errno=True)
    ruleset = libc.syscall(_CREATE_RULESET, rules, len(rules), 0)
    if ruleset < 0 or libc.syscall(_RESTRICT_SELF, ruleset, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"landlock: {errno.errorcode.get(number, number)}")
    return have
