"""``hashmatch serve``: the process that starts the others, watches them and reads their logs.

It holds no image bytes. A worker that dies is replaced; one that no longer says it is alive is
ended and replaced.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import TextIO

from hashmatch.errors import ServiceConfigError
from hashmatch.service.board import Board
from hashmatch.service.config import ServeConfig
from hashmatch.service.http.logs import supervisor_line
from hashmatch.service.http.metrics import LAYOUT, LIST_PLACES, Metrics
from hashmatch.service.keys import read_keys

SILENT_SECONDS = 30.0
CANNOT_START = 78
"""Exit status of a worker that would fail again however often it is started."""
_PAUSE_AFTER_DEATH = 0.5
_LONGEST_PAUSE = 30.0
_CURATOR_SECONDS = 5.0
_ENVIRONMENT = {
    "PYTHONDONTWRITEBYTECODE": "1",
    # freed memory is overwritten: what libraries copied of an upload does not linger
    "GLIBC_TUNABLES": "glibc.malloc.perturb=90",
}
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class _Child:
    """A place for a process, and the one that fills it."""

    kind: str
    row: int
    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] | None = None
    deaths_in_a_row: int = 0
    started: float = 0.0
    due: float = 0.0
    line: bytes = b""
    last: bytes = b""


class Supervisor:
    """Runs a service until a signal ends it.

    Parameters
    ----------
    config : ServeConfig
    output : text stream
        Where log lines go, one JSON object each.

    Raises
    ------
    ServiceConfigError
        If there is no key and one is needed, the address cannot be listened on, or a file for
        TLS is not what it should be.
    """

    def __init__(self, config: ServeConfig, output: TextIO | None = None) -> None:
        if config.auth and not read_keys(config.place):
            raise ServiceConfigError(
                "there is no key, so nobody could be let in; make one with "
                "'hashmatch key add NAME --role match', or serve this machine alone with --no-auth"
            )
        _check_tls(config)
        self._config = config
        self._output = output or sys.stderr
        self._listener = _listen(config.host, config.port)
        self.port: int = self._listener.getsockname()[1]
        self._board = Board.make(config.workers + 1, LAYOUT.columns, LIST_PLACES)
        rows = config.workers + 1
        self._metrics = Metrics(
            Board(self._board, rows, LAYOUT.columns, LIST_PLACES, config.workers)
        )
        self._folder = tempfile.mkdtemp(prefix="hashmatch-")  # private to this user
        self._selector = selectors.DefaultSelector()
        self._waiting_for: set[int] = set()
        self._stopping = False
        self._serving = False
        self._problem: str | None = None
        self._children = [
            _Child("service", row, lambda row=row: self._start_worker(row))  # type: ignore[misc]
            for row in range(config.workers)
        ]
        self._children.append(_Child("curator", config.workers, self._start_curator))

    def run(self) -> int:
        """Serve until told to stop; 0 if everything ended as it should.

        Raises
        ------
        ServiceConfigError
            If no worker can start: there is no snapshot, or it is damaged.
        """
        for number in _STOP_SIGNALS:
            signal.signal(number, self._stop)
        try:
            for child in self._children:
                self._launch(child)
            while not self._stopping:
                self._pump(0.2)
                self._tend()
            if self._problem is not None:
                raise ServiceConfigError(self._problem)
            return self._drain()
        finally:
            self._end_all()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start_worker(self, row: int) -> subprocess.Popen[bytes]:
        reads, writes = os.pipe()
        handles = (self._listener.fileno(), self._board, writes)
        command = [
            sys.executable, "-P", "-m", "hashmatch.service.worker", self._config.to_text(),
            str(row), *map(str, handles), self._socket,
        ]  # fmt: skip
        process = _spawn(command, handles)
        os.close(writes)
        self._selector.register(reads, selectors.EVENT_READ, ("ready", row))
        self._waiting_for.add(row)
        return process

    def _start_curator(self) -> subprocess.Popen[bytes]:
        module = "hashmatch.service.curator"
        given = self._config.home, self._socket, str(self._config.flood_limit)
        return _spawn([sys.executable, "-P", "-m", module, *given], ())

    @property
    def _socket(self) -> str:
        return os.path.join(self._folder, "curator")  # noqa: PTH118 - text for a command line

    def _launch(self, child: _Child) -> None:
        child.process = child.start()
        child.started = time.monotonic()
        assert child.process.stderr is not None
        self._selector.register(child.process.stderr, selectors.EVENT_READ, child)

    def _pump(self, seconds: float) -> None:
        """Pass on what the children say."""
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, _Child):
                data = os.read(key.fd, 65536)
                if not data:
                    self._selector.unregister(key.fileobj)
                    continue
                child = key.data
                self._pass_on(child, data)
            else:
                said = os.read(key.fd, 1)
                self._selector.unregister(key.fd)
                os.close(key.fd)
                if said:
                    self._is_ready(key.data[1])

    def _pass_on(self, child: _Child, data: bytes) -> None:
        *lines, child.line = (child.line + data).split(b"\n")
        for line in lines:
            self._output.write(_as_event(line, child) + "\n")
            child.last = line
        self._output.flush()

    def _is_ready(self, row: int) -> None:
        self._children[row].deaths_in_a_row = 0
        if row in self._waiting_for:
            self._waiting_for.discard(row)
            if not self._waiting_for and not self._serving:
                self._serving = True
                address = f"{self._config.host}:{self.port}"
                self._say("serving", address=address, workers=self._config.workers)

    def _tend(self) -> None:
        """Replace what died, and end what hangs."""
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now >= child.due:
                    self._launch(child)
                continue
            if child.process.poll() is None:
                self._end_if_silent(child, now)
                continue
            status = child.process.returncode
            self._reap(child)
            if status == CANNOT_START and not self._serving:
                self._problem = _problem_of(child.last)
                self._stopping = True
                return
            child.deaths_in_a_row += 1
            self._metrics.count("worker_deaths", child.kind)
            self._say("died", level="error", kind=child.kind, worker=child.row)
            pause = min(_LONGEST_PAUSE, _PAUSE_AFTER_DEATH * 2 ** (child.deaths_in_a_row - 1))
            child.due = now if child.deaths_in_a_row == 1 else now + pause

    def _end_if_silent(self, child: _Child, now: float) -> None:
        if child.kind != "service" or now - child.started < SILENT_SECONDS:
            return
        beat = self._metrics.board.of(child.row, LAYOUT.gauge["heartbeat"])
        if time.time() - beat > SILENT_SECONDS and child.process is not None:
            self._say("silent", level="error", kind=child.kind, worker=child.row)
            child.process.kill()

    def _reap(self, child: _Child) -> None:
        assert child.process is not None
        assert child.process.stderr is not None
        if child.process.stderr in self._selector.get_map():
            self._selector.unregister(child.process.stderr)
            os.set_blocking(child.process.stderr.fileno(), False)
            self._pass_on(child, child.process.stderr.read() or b"")
        child.process.stderr.close()
        child.process = None
        for name in ("running", "waiting", "body_bytes"):
            self._metrics.board.clear(child.row, LAYOUT.gauge[name])

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _drain(self) -> int:
        """Let requests under way end, then end the processes."""
        self._listener.close()
        workers = [c for c in self._children if c.kind == "service" and c.process is not None]
        for child in workers:
            assert child.process is not None
            child.process.terminate()
        end = time.monotonic() + self._config.drain + 5
        while time.monotonic() < end and any(
            c.process is not None and c.process.poll() is None for c in workers
        ):
            self._pump(0.05)
        self._pump(0)
        late = [c for c in workers if c.process is not None and c.process.poll() is None]
        self._say("stopped", count=len(late))
        return 1 if late else 0

    def _end_all(self) -> None:
        for child in self._children:
            if child.process is not None:
                if child.process.poll() is None:
                    child.process.kill() if child.kind == "service" else child.process.terminate()
                try:
                    child.process.wait(_CURATOR_SECONDS)
                except subprocess.TimeoutExpired:  # it hangs; what it wrote is safe as it is
                    child.process.kill()
                    child.process.wait()
                self._reap(child)

    def _say(self, event: str, level: str = "info", **fields: object) -> None:
        self._output.write(supervisor_line(event, level, **fields))
        self._output.flush()


def _check_tls(config: ServeConfig) -> None:
    if config.tls_certificate is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(config.tls_certificate, config.tls_key)
    except OSError as error:  # of which SSLError is one; its words quote nothing of the files
        raise ServiceConfigError(
            f"{config.tls_certificate} and {config.tls_key} are not a certificate and its "
            f"unencrypted key in PEM: {error.strerror or error}"
        ) from error
    try:
        if config.client_ca is not None:
            context.load_verify_locations(config.client_ca)
    except OSError as error:
        raise ServiceConfigError(
            f"{config.client_ca} holds no certificate in PEM: {error.strerror or error}"
        ) from error


def _problem_of(line: bytes) -> str:
    try:
        return str(json.loads(line)["problem"])
    except (ValueError, KeyError, TypeError):
        return "the workers cannot start; their log lines say more"


def _spawn(command: list[str], handles: tuple[int, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=handles,
        env={**os.environ, **_ENVIRONMENT},
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise ServiceConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def _as_event(line: bytes, child: _Child) -> str:
    """Return a child's line; one that is no event of ours is told as its being there only.

    A library that prints to standard error might print anything.
    """
    text = line.decode("utf-8", "replace")
    if text.startswith('{"time":') and text.endswith("}"):
        return text
    return supervisor_line("output", "warning", kind=child.kind, worker=child.row).rstrip()
