"""uvicorn's HTTP protocol with bounds on the head of a request, which it leaves open."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

LONGEST_HEAD = 32 * 1024
HEAD_SECONDS = 10.0


class BoundedProtocol(HttpToolsProtocol):
    """Refuses heads that are too long, that come too slowly, or that are no HTTP."""

    _head_bytes = 0
    _head_done = False
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a head."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes before the head is complete."""
        if not self._head_done:
            if self._head_timer is None:
                self._await_head()
            self._head_bytes += len(data)
            # what is over the limit may be the body that came along, so let the parser tell
            if self._head_bytes > LONGEST_HEAD and b"\r\n\r\n" not in data:
                self._refuse(431, "head_too_large", "the headers are too large")
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Refuse a head that is complete but too long."""
        self._head_done = True
        self._stop_timer()
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > LONGEST_HEAD:
            self._refuse(431, "head_too_large", "the headers are too large")
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, unless the request was refused already."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request; the next bytes are another head."""
        self._head_done = False
        self._head_bytes = 0
        if not self.transport.is_closing():
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Tell that this is no HTTP, in the shape of every other refusal."""
        self._refuse(400, "bad_request", "this is not a valid HTTP request")

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def _head_too_slow(self) -> None:
        if not self.transport.is_closing():
            self._refuse(408, "head_too_slow", "the headers came too slowly")

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int, reason: str, message: str) -> None:
        self._stop_timer()
        body = orjson.dumps({"error": {"reason": reason, "message": message}})
        head: list[Any] = [
            STATUS_LINE[status],
            b"content-type: application/json\r\ncontent-length: ",
            str(len(body)).encode(),
            b"\r\nconnection: close\r\n\r\n",
        ]
        self.transport.write(b"".join(head) + body)
        self.transport.close()
