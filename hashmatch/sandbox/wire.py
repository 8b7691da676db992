"""What a pool and its workers say to each other over their socket.

A message is a header (kind, job, length of the body) and a body. A job's descriptor travels
beside the header of its message. Nothing is pickled: the worker may be in the hands of whoever
made the bytes it reads, so the pool takes its answers as bytes of bounded length and no more.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

HEADER = struct.Struct("<BII")
LONGEST_BODY = 16 << 20


class Kind(IntEnum):
    """The kinds of messages."""

    # pool to worker
    JOB = 1
    ANSWER = 2
    # worker to pool
    READY = 3
    BROKEN = 4
    ASK = 5
    PART = 6
    DONE = 7
    FAILED = 8


class EventKind(StrEnum):
    """What can become of a job."""

    PART = "part"
    """The body is one of the parts the job gives before its end. Empty parts are not told: a job
    gives them as a sign of life during long work."""
    DONE = "done"
    """The body is the last part."""
    FAILED = "failed"
    """The function raised; the body is the name of the exception."""
    LOST = "lost"
    """The worker died or was stopped; the body is empty and the event's reason says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the function in the worker is called with.

    Parameters
    ----------
    descriptor : int
        Opened for reading by the pool's side; closed when the function is done.
    request : bytes
        What is asked, in whatever form the function defines.
    ask : callable
        Sends bytes to the pool's side and returns its answer.
    """

    descriptor: int
    request: bytes
    ask: Callable[[bytes], bytes]


def frame(kind: Kind, job: int, body: bytes = b"") -> bytes:
    """Return a message."""
    return HEADER.pack(kind, job, len(body)) + body


class Unframer:
    """Cuts what a worker sends into messages.

    ``broken`` is set once a kind is unknown or a body too long; nothing is read from there on.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self.broken = False

    def feed(self, data: bytes) -> list[tuple[Kind, int, bytes]]:
        """Take more bytes and return the messages that are complete now."""
        self._held += data
        messages = []
        position = 0
        while len(self._held) - position >= HEADER.size:
            number, job, length = HEADER.unpack_from(self._held, position)
            if length > LONGEST_BODY or number not in Kind.__members__.values():
                self.broken = True
                break
            if len(self._held) - position - HEADER.size < length:
                break
            start = position + HEADER.size
            messages.append((Kind(number), job, bytes(self._held[start : start + length])))
            position = start + length
        del self._held[:position]
        return messages
