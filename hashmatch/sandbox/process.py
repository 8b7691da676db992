"""One worker process, seen from the pool."""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

from hashmatch.errors import SandboxError
from hashmatch.sandbox.lockdown import Allowance
from hashmatch.sandbox.wire import HEADER, Kind, Unframer, frame
from hashmatch.types import Reason

BOOT_SECONDS = 300.0  # on a machine that is very busy
LONGEST_REQUEST = 8 << 10  # all in a worker's hand fit into the socket, so sending never blocks
_CHUNK = 256 << 10
_DYING_SECONDS = 0.05  # between closing its end of the socket and being gone
_REAPING_SECONDS = 5.0
# killed, but hanging inside the kernel (a dead network share); reaped when they come out of it
_unreaped: list[subprocess.Popen[bytes]] = []


class Process:
    """A worker that was started; it takes jobs once it said it is ready.

    Parameters
    ----------
    function, prepare, preparation : str
        ``module:attribute`` of what is called with each job, and of what is called once before
        the lock-down with ``preparation``; ``prepare`` may be empty.
    allowance : Allowance
        What the worker may use.
    """

    def __init__(self, function: str, prepare: str, preparation: str, allowance: Allowance) -> None:
        if not hasattr(socket, "AF_UNIX") or not hasattr(os, "memfd_create"):
            raise SandboxError(
                f"worker processes need Linux; on {sys.platform} decode in this process instead "
                "(isolation 'inline')"
            )
        ours, theirs = socket.socketpair()
        settings = {
            "socket": theirs.fileno(),
            "function": function,
            "prepare": prepare,
            "preparation": preparation,
            "allowance": allowance.to_json(),
        }
        # -P: the folder we happen to stand in, which may be evidence, must never be imported from
        command = [sys.executable, "-P", "-m", "hashmatch.sandbox.worker", json.dumps(settings)]
        one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        with theirs:
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # decoders written in C talk to it
                    pass_fds=[theirs.fileno()],
                    env=os.environ | one_thread | {"MALLOC_ARENA_MAX": "1"},
                )
            except OSError as error:
                ours.close()
                raise SandboxError(f"cannot start a worker process: {error.strerror}") from error
        self._channel = ours
        self._unframer = Unframer()
        self.pid = self._process.pid
        self.boot_deadline = time.monotonic() + BOOT_SECONDS
        self.protections: dict[str, str] | None = None
        self.sent = 0
        self.cpu_seconds = 0.0

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._channel.fileno()

    def send_job(self, number: int, descriptor: int, request: bytes) -> None:
        """Hand over a job and its descriptor; a worker that has gone is noticed when reading.

        Raises
        ------
        SandboxError
            If the request is too long.
        """
        if len(request) > LONGEST_REQUEST:
            raise SandboxError(f"a request to a worker may have {LONGEST_REQUEST} bytes")
        self.sent += 1
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))
        with contextlib.suppress(ConnectionError):
            self._channel.sendmsg([frame(Kind.JOB, number, request)], [rights])

    def send_answer(self, number: int, body: bytes) -> None:
        """Answer what the worker asked."""
        with contextlib.suppress(ConnectionError):
            self._channel.sendall(frame(Kind.ANSWER, number, body))

    def receive(self) -> list[tuple[Kind, int, bytes]] | None:
        """Read what has arrived; ``None`` when the worker has gone or talks nonsense.

        Raises
        ------
        SandboxError
            If the worker could not be set up: that is a fault of the installation.
        """
        try:
            data = self._channel.recv(_CHUNK)
        except ConnectionError:
            data = b""
        if not data:
            return None
        messages = self._unframer.feed(data)
        for kind, _, body in messages:
            if kind is Kind.BROKEN:
                raise SandboxError(f"a worker cannot be set up: {body.decode(errors='replace')}")
            if kind is Kind.READY:
                self.protections = json.loads(body)
        if self._unframer.broken:
            return None
        return [message for message in messages if message[0] is not Kind.READY]

    def gone(self) -> bool:
        """Say whether the process has ended."""
        return self._process.poll() is not None

    def wait_ready(self) -> dict[str, str]:
        """Wait until the worker is locked down and return which protections lack, and why.

        Raises
        ------
        SandboxError
            If it does not get there.
        """
        while self.protections is None:
            left = self.boot_deadline - time.monotonic()
            if left <= 0 or not select.select([self], [], [], left)[0] or self.receive() is None:
                raise SandboxError(f"a worker did not start: {self.end()[1]}")
        return self.protections

    def end(self) -> tuple[Reason, str]:
        """Kill the process if it still runs, and say what became of it."""
        code = self._process.poll()
        if code is None:
            with contextlib.suppress(subprocess.TimeoutExpired):  # dying takes a moment
                code = self._process.wait(_DYING_SECONDS) if self._closed() else None
        killed = code is None
        if code is None:
            self._process.kill()
            try:
                self._process.wait(_REAPING_SECONDS)
            except subprocess.TimeoutExpired:
                _unreaped.append(self._process)
        _unreaped[:] = [process for process in _unreaped if process.poll() is None]
        self._channel.close()
        if killed:
            return Reason.DECODER_CRASHED, "the worker was stopped"
        return _verdict(code or 0)

    def _closed(self) -> bool:
        """Say whether the worker's end of the socket is closed already."""
        try:
            return not self._channel.recv(HEADER.size, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True


def _verdict(code: int) -> tuple[Reason, str]:
    if code == -signal.SIGXCPU:
        return Reason.TIMEOUT, "it used more processor time than it may"
    if code == -signal.SIGSYS:
        return Reason.DECODER_CRASHED, "it made a system call that the sandbox forbids"
    if code < 0:
        return Reason.DECODER_CRASHED, f"the decoder died of {signal.Signals(-code).name}"
    return Reason.DECODER_CRASHED, f"the decoder ended with status {code}"
