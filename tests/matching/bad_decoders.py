"""Decoders that hang, die or misbehave, imported by name in a worker."""

from __future__ import annotations

import ctypes
import os
import socket

from hashmatch.matching.examine import examine
from hashmatch.matching.in_worker import parse_request
from hashmatch.matching.wire import to_wire
from hashmatch.sandbox import Job

_BEFORE = 16


def examine_badly(job: Job) -> bytes:
    """Do what the input begins with, then examine what follows the first bar."""
    how = os.pread(job.descriptor, _BEFORE, 0).split(b"|")[0]
    size, _, body = job.request.partition(b" ")
    plan, undecoded = parse_request(body)
    if undecoded is None:
        if how == b"hang":
            while True:
                pass
        if how == b"die":
            ctypes.string_at(0)
        if how == b"call":
            socket.socket()
    start = len(how) + 1
    rest = os.pread(job.descriptor, int(size) - start if size else 1 << 26, start)
    return to_wire(examine(rest, plan, undecoded=undecoded))
