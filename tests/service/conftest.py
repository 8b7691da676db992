"""A matcher that answers what a test wants, and ``hashmatch serve`` as its own process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from hashmatch.types import (
    Category,
    Hit,
    MatchResult,
    Polarity,
    Reason,
    Tier,
    Verdict,
)


def hit(
    list_name: str = "hotline",
    *,
    category: Category | None = None,
    tier: Tier = Tier.STRONG,
    polarity: Polarity = Polarity.KNOWN_BAD,
) -> Hit:
    return Hit(
        list_name=list_name,
        list_version=3,
        polarity=polarity,
        entry_id="entry-17",
        category=category,
        hash_type="pdq",
        distance=12,
        max_distance=31,
        tier=tier,
    )


ANSWERS = {
    "clean": MatchResult(Verdict.NO_MATCH),
    "match": MatchResult(Verdict.MATCH, hits=(hit(),)),
    "partial": MatchResult(Verdict.PARTIAL, Reason.FRAMES_SKIPPED),
    "unscannable": MatchResult(Verdict.UNSCANNABLE, Reason.CORRUPT),
    "error": MatchResult(Verdict.ERROR, Reason.INTERNAL),
}


class FakeMatcher:
    """Answers by what the bytes say, and remembers how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = threading.Event()
        self.running = 0
        self.most_running = 0
        self._lock = threading.Lock()

    def match_bytes(self, data: bytes | bytearray | memoryview, /) -> MatchResult:
        with self._lock:
            self.asked += 1
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            return self._answer(bytes(data))
        finally:
            with self._lock:
                self.running -= 1

    def _answer(self, said: bytes) -> MatchResult:
        if said.startswith(b"wait"):
            self.gate.wait(10)
            return ANSWERS["clean"]
        if said.startswith(b"slow"):
            time.sleep(0.5)
            return ANSWERS["clean"]
        if said.startswith(b"raise"):
            raise RuntimeError(said.decode("latin-1"))
        return ANSWERS.get(said.split(b" ")[0].decode("latin-1"), ANSWERS["unscannable"])


@pytest.fixture
def answers() -> dict[str, MatchResult]:
    """Return one answer of each verdict; the fake matcher gives them to bytes of that name."""
    return dict(ANSWERS)


@pytest.fixture
def make_hit() -> Callable[..., Hit]:
    """Return a function that makes a hit."""
    return hit


@pytest.fixture
def matcher() -> FakeMatcher:
    return FakeMatcher()


@pytest.fixture
def multipart() -> Callable[..., tuple[bytes, str]]:
    """Return a function that makes a multipart body and its Content-Type."""

    def make(*parts: tuple[str, str | None, bytes]) -> tuple[bytes, str]:
        body = b""
        for name, filename, content in parts:
            named = f'; filename="{filename}"' if filename is not None else ""
            disposition = f'Content-Disposition: form-data; name="{name}"{named}'
            body += b"--edge\r\n" + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"
        return body + b"--edge--\r\n", "multipart/form-data; boundary=edge"

    return make


@dataclass
class Served:
    """A running service."""

    process: subprocess.Popen[bytes]
    port: int
    lines: list[bytes] = field(default_factory=list)
    traced: bool = False

    @property
    def supervisor(self) -> int:
        """The process id of the service itself, which a tracer may have started."""
        if not self.traced:
            return self.process.pid
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def client(self, key: str | None = None, **options: Any) -> httpx.Client:
        """Return a client for it, with a key."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=30, **options
        )

    def raw(self, data: bytes, *, wait: float = 5.0, pause: float = 0.0) -> bytes:
        """Send bytes as they are and return everything that comes back."""
        with socket.create_connection(("127.0.0.1", self.port)) as link:
            link.settimeout(wait)
            link.sendall(data)
            time.sleep(pause)
            got = b""
            try:
                while piece := link.recv(65536):
                    got += piece
            except TimeoutError:
                pass
            except ConnectionResetError:
                pass
            return got

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the log lines so far, all of which must be JSON, or those of one event."""
        found = [json.loads(line) for line in list(self.lines)]
        return [line for line in found if name in (None, line["event"])]

    def wait_for(self, name: str, count: int = 1, seconds: float = 20.0) -> list[dict[str, Any]]:
        """Wait until an event was logged so often."""
        end = time.monotonic() + seconds
        while len(found := self.events(name)) < count:
            assert time.monotonic() < end, f"no {name} in {self.lines[-5:]!r}"
            assert self.process.poll() is None, self.lines[-5:]
            time.sleep(0.02)
        return found

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        return self.running("hashmatch.service.worker")

    def running(self, module: str, below: int | None = None) -> list[int]:
        """Return the children of the service, or of another process, that run a module."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().split(b"\0")
                parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
            except OSError:
                continue
            if int(parent) == (below or self.supervisor) and module.encode() in command:
                found.append(int(folder.name))
        return sorted(found)

    def stop(self, seconds: float = 40.0) -> int:
        """End it as an operator does, and return its exit status."""
        if self.process.poll() is None:
            os.kill(self.supervisor, signal.SIGTERM)
        return self.process.wait(seconds)


@contextmanager
def serving(
    home: Path,
    *options: str,
    before: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    seconds: float = 120.0,
) -> Iterator[Served]:
    """Run ``hashmatch serve`` on a free port until the block ends."""
    command = [
        *before, sys.executable, "-m", "hashmatch", "--home", str(home), "serve", "--port", "0",
        *options,
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, env={**os.environ, **(environment or {})}, cwd=home
    )
    served = Served(process, 0, traced=bool(before))
    assert process.stderr is not None

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            served.lines.append(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        end = time.monotonic() + seconds
        while not served.port:
            for event in served.events("serving"):
                served.port = int(event["address"].rsplit(":", 1)[1])
            assert process.poll() is None, served.lines
            assert time.monotonic() < end, served.lines
            time.sleep(0.02)
        yield served
    finally:
        if process.poll() is None:
            try:
                served.stop()
            except (subprocess.TimeoutExpired, OSError, IndexError):
                process.kill()
                process.wait()
        reader.join(5)
        process.stderr.close()


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[Served]]:
    """Return a function that runs ``hashmatch serve`` until its block ends."""
    return serving
