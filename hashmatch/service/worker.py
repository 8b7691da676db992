"""One process that answers requests. Run by ``hashmatch serve``; it holds image bytes, so it may
write no file, dump no core and outlive no parent.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import replace as replaced

import uvicorn

from hashmatch import media
from hashmatch.errors import HashmatchError
from hashmatch.matching import Matcher
from hashmatch.service import hardening
from hashmatch.service.board import Board
from hashmatch.service.config import ServeConfig
from hashmatch.service.curator_client import CuratorClient
from hashmatch.service.http.app import build
from hashmatch.service.http.logs import log_event, log_to, places
from hashmatch.service.http.metrics import LAYOUT, LIST_PLACES, Metrics
from hashmatch.service.http.protocol import BoundedProtocol
from hashmatch.service.http.service import Service
from hashmatch.service.remote_guard import RemoteGuard
from hashmatch.service.server import CANNOT_START

RELOAD_SECONDS = 0.25
_KEEP_ALIVE_SECONDS = 75
_BACKLOG = 1024


class _Server(uvicorn.Server):
    """A server that says when it accepts requests, that it is alive, and that it drains."""

    def __init__(self, config: uvicorn.Config, service: Service, ready: int) -> None:
        super().__init__(config)
        self._service = service
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._beat()
        os.write(self._ready, b"r")
        os.close(self._ready)
        log_event("ready", snapshot=self._service.matcher.snapshot.id)

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            self._beat()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.health.draining = True
        log_event("draining")
        await super().shutdown(sockets)

    def _beat(self) -> None:
        self._service.metrics.put("heartbeat", time.time())
        self._service.refresh_gauges()


def run(config: ServeConfig, row: int, listener: int, board: int, ready: int, curator: str) -> None:
    """Answer requests until told to stop.

    Parameters
    ----------
    config : ServeConfig
    row : int
        Which worker this is, and its row on the board.
    listener, board, ready : int
        File descriptors: the listening socket, the shared numbers, and a pipe to say ready on.
    curator : str
        Path of the curator's socket.
    """
    shared = Board(board, config.workers + 1, LAYOUT.columns, LIST_PLACES, row)
    metrics = Metrics(shared)
    os.set_blocking(2, False)
    log_to(2, worker=row, dropped=lambda: metrics.count("log_lines_dropped"))
    hardening.end_with_parent()
    hardening.no_core_dumps()
    limits = replaced(media.DEFAULT_LIMITS, max_bytes=config.max_bytes)
    guard = RemoteGuard(
        config.place.path,
        curator,
        suspended=lambda: metrics.count("flood_guard_events"),
        failed=lambda: metrics.count("flood_guard_failures"),
    )
    matcher = Matcher.open(
        config.home,
        profile=config.profile,
        limits=limits,
        flood_guard=guard if config.flood_limit else None,
        isolation=config.isolation,
        timeout=config.timeout,
    )
    matcher.snapshot.load()  # before it says it is ready, not during the first request
    hardening.no_files()
    service = Service(config, matcher, metrics, CuratorClient(curator))
    matcher.follow(RELOAD_SECONDS, service.on_reload)
    served = uvicorn.Config(
        build(service),
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(config.drain),
        ssl_certfile=config.tls_certificate,
        ssl_keyfile=config.tls_key,
        ssl_ca_certs=config.client_ca,
        ssl_cert_reqs=2 if config.client_ca else 0,
    )
    try:
        _Server(served, service, ready).run([socket.socket(fileno=listener)])
    finally:
        matcher.close()


def main(arguments: Sequence[str]) -> None:
    """Run a worker from the arguments its parent gave it."""
    text, row, listener, board, ready, curator = arguments
    try:
        run(ServeConfig.from_text(text), int(row), int(listener), int(board), int(ready), curator)
    except HashmatchError as error:  # ours name the thing and the remedy, never content
        log_event("cannot_start", level="error", problem=str(error))
        sys.exit(CANNOT_START)
    except Exception as error:
        log_event(
            "cannot_start", level="error", exception=type(error).__name__, places=places(error)
        )
        raise


if __name__ == "__main__":
    main(sys.argv[1:])
