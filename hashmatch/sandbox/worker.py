"""The worker process: import, lock down, then one job after another until the socket closes.

Run by the pool as ``python -m hashmatch.sandbox.worker`` with one argument of JSON. After the
lock-down only reading, writing and memory are left, so nothing here may import or open anything
once the first job has come.
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import json
import os
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from hashmatch.sandbox.lockdown import Allowance, lock_down
from hashmatch.sandbox.wire import HEADER, Job, Kind, frame

CPU = struct.Struct("<d")
Function = Callable[[Job], bytes | Iterator[bytes]]


def resolve(name: str) -> Any:
    """Import ``module:attribute``."""
    module, attribute = name.split(":")
    return getattr(importlib.import_module(module), attribute)


def nothing(_: Job) -> bytes:
    """Do nothing: the function of a worker that only tells which protections it has."""
    return b""


class Worker:
    """The worker's side of the socket.

    Parameters
    ----------
    channel : socket
        Connected to the pool.
    function : callable
        What is called with each job. It returns its answer, or yields parts and returns the last.
    """

    def __init__(self, channel: socket.socket, function: Function) -> None:
        self._channel = channel
        self._out = channel.fileno()
        self._function = function
        self._waiting: deque[tuple[int, int, bytes]] = deque()

    def run(self) -> None:
        """Work until the pool closes its end."""
        while True:
            if not self._waiting:
                self._receive()
            number, descriptor, request = self._waiting.popleft()
            try:
                self._work(number, Job(descriptor, request, partial(self._ask, number)))
            finally:
                os.close(descriptor)

    def _work(self, number: int, job: Job) -> None:
        try:
            answer = self._function(job)
            if not isinstance(answer, bytes):
                answer = self._stream(number, answer)
        except Exception as error:  # noqa: BLE001 - the edge: its message may quote the input
            self._send(frame(Kind.FAILED, number, type(error).__name__.encode()))
        else:
            spent = CPU.pack(time.process_time())
            self._send(frame(Kind.DONE, number, spent + answer))

    def _stream(self, number: int, parts: Iterator[bytes]) -> bytes:
        while True:
            try:
                part = next(parts)
            except StopIteration as end:
                last: bytes = end.value or b""
                return last
            self._send(frame(Kind.PART, number, part))

    def _ask(self, number: int, body: bytes) -> bytes:
        self._send(frame(Kind.ASK, number, body))
        while True:
            answer = self._receive()
            if answer is not None:
                return answer

    def _send(self, message: bytes) -> None:
        view = memoryview(message)
        while view:
            view = view[os.write(self._out, view) :]

    def _receive(self) -> bytes | None:
        """Take one message: jobs wait in line, an answer is returned."""
        space = socket.CMSG_SPACE(4)
        head, attached, _, _ = self._channel.recvmsg(HEADER.size, space)
        head += self._read(HEADER.size - len(head))
        kind, number, length = HEADER.unpack(head)
        body = self._read(length)
        if kind == Kind.ANSWER:
            return body
        descriptors = array.array("i")
        for _level, _type, data in attached:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
        self._waiting.append((number, descriptors[0], body))
        return None

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = os.read(self._out, length - len(data))
            if not more:
                os._exit(0)  # the pool has gone
            data += more
        return data


def main() -> None:
    """Set the worker up and run it."""
    settings = json.loads(sys.argv[1])
    channel = socket.socket(fileno=settings["socket"])
    try:
        function = resolve(settings["function"])
        if settings["prepare"]:
            resolve(settings["prepare"])(settings["preparation"])
        gc.collect()
        gc.freeze()
        if threading.active_count() > 1:
            raise RuntimeError("a thread was started while the function was imported")
        state = lock_down(Allowance.from_json(settings["allowance"]))
    except Exception as error:  # noqa: BLE001 - told to the pool, which raises it
        channel.sendall(frame(Kind.BROKEN, 0, f"{type(error).__name__}: {error}".encode()))
        return
    os.write(channel.fileno(), frame(Kind.READY, 0, json.dumps(state).encode()))
    with contextlib.suppress(ConnectionError):
        Worker(channel, function).run()
    os._exit(0)


if __name__ == "__main__":
    main()
