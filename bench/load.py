"""A bounded load generator for HTTP on loopback: raw sockets, one request at a time on each.

It costs little itself, so that what is measured is the service. Every connection sends the next
request when it has the answer to the last (closed loop), or when its turn comes at a given rate
(open loop; the time counts from when the request was due, so a stalled service cannot hide it).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httptools


@dataclass(slots=True)
class Answer:
    """One answer: its status and its body."""

    status: int
    body: bytes


@dataclass(slots=True)
class Load:
    """What a run of load gave."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    broken: int = 0
    """Connections that ended without an answer."""

    @property
    def rate(self) -> float:
        """Requests answered with 200 a second."""
        return self.statuses[200] / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the answers with 200 came."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class _Reader:
    """Collects one answer."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.complete = False

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


class Connection:
    """A connection kept open, made again when the service closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Send a request and return its answer; ConnectionError if there is none."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        collected = _Reader()
        parser = httptools.HttpResponseParser(collected)
        while not collected.complete:
            data = await reader.read(1 << 18)
            if not data:
                self.close()
                raise ConnectionError("closed before an answer")
            parser.feed_data(data)
        if not parser.should_keep_alive():
            self.close()
        return Answer(parser.get_status_code(), bytes(collected.body))

    def close(self) -> None:
        """Let go of it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def post(path: str, body: bytes, kind: str, key: str | None = None) -> bytes:
    """Return the bytes of a POST request."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}Content-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def post_json(path: str, document: Any, key: str | None = None) -> bytes:
    """Return the bytes of a POST request with a JSON document."""
    return post(path, json.dumps(document).encode(), "application/json", key)


Check = Callable[[int, Answer], str | None]
"""Given the number of the request and its answer, what is wrong about it, or nothing."""


async def run(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    rate: float | None = None,
    check: Check | None = None,
) -> Load:
    """Send requests in turn for some time and return what came back.

    Parameters
    ----------
    port : int
    requests : sequence of bytes
        Sent in turn.
    connections : int
        Requests under way at most.
    seconds : float
    rate : float or None
        Requests a second in all; as many as are answered, if not given.
    check : callable or None
        Judges each answer with status 200.
    """
    load = Load()
    begin = time.perf_counter()
    end = begin + seconds
    sent = 0

    async def one() -> None:
        nonlocal sent
        connection = Connection(port)
        while True:
            number = sent
            sent += 1
            due = begin + number / rate if rate else time.perf_counter()
            if due >= end:
                break
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            try:
                answer = await connection.ask(requests[number % len(requests)])
            except (OSError, httptools.HttpParserError):
                connection.close()
                load.broken += 1
                await asyncio.sleep(0.01)
                continue
            load.statuses[answer.status] += 1
            if answer.status == 200:
                load.times.append(time.perf_counter() - due)
                if check and (wrong := check(number % len(requests), answer)):
                    load.wrong.append(wrong)
            elif answer.status in (429, 503):
                await asyncio.sleep(0.05)
        connection.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    load.seconds = time.perf_counter() - begin
    return load
