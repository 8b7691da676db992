"""The outermost layer: every request gets an id, an answer, a log line and a count."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hashmatch.service.body import BodyError, Message, Receive, header
from hashmatch.service.http.exchange import SCOPE_KEY, Exchange, Refused, refusal
from hashmatch.service.http.logs import log_event, log_failure
from hashmatch.service.http.service import Service

Send = Callable[[Message], Awaitable[None]]
Handler = Callable[[Request], Awaitable[Response]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CONTEXT = re.compile(r"[A-Za-z0-9._:/@=,;-]{1,200}")
_WRITE_SECONDS = 30.0
_AT_ONCE = 16 * 1024
_QUIET_ROUTES = {"live", "ready", "metrics"}


class FrontDoor:
    """Wraps the application; see the module.

    Parameters
    ----------
    app : ASGI application
        Answers what no direct handler does.
    service : Service
    direct : mapping of (method, path) to handler
        Routes without parameters, which need no search through all routes.
    """

    def __init__(
        self, app: App, service: Service, direct: Mapping[tuple[str, str], Handler]
    ) -> None:
        self._app = app
        self._service = service
        self._direct = direct

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        exchange = scope[SCOPE_KEY] = Exchange(secrets.token_hex(8))
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                headers.append((b"x-request-id", exchange.request.encode()))
                if not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
                headers.append((b"x-content-type-options", b"nosniff"))
                message = {**message, "headers": headers}
            if len(message.get("body", b"")) <= _AT_ONCE:
                await send(message)  # fits into the buffers, whatever the client does
                return
            async with asyncio.timeout(_WRITE_SECONDS):
                await send(message)

        try:
            self._name(exchange, scope)
            handler = self._direct.get((scope["method"], scope["path"]))
            if handler is None:
                await self._app(scope, receive, answer)
            else:
                response = await handler(Request(scope, receive))
                await response(scope, receive, answer)
        except BodyError as error:
            exchange.reason = error.reason
            await refusal(error, exchange.request)(scope, receive, answer)
        except TimeoutError:  # the client does not read its answer
            exchange.reason = "client_too_slow"
            self._service.metrics.count("clients_lost")
        except Exception as error:  # noqa: BLE001 - the framework itself failed, and has said so
            exchange.reason = "internal"
            log_failure(error, exchange.request)
        finally:
            self._record(scope, exchange, status, time.perf_counter() - begin)

    def _name(self, exchange: Exchange, scope: dict[str, Any]) -> None:
        """Take over the caller's own id and context, if they are fit for a log line."""
        given = header(scope["headers"], b"x-request-id")
        if given is not None and _ID.fullmatch(given):
            exchange.request = given
        context = header(scope["headers"], b"x-context")
        if context is not None:
            if not _CONTEXT.fullmatch(context):
                raise Refused(
                    400, "bad_context", "X-Context may hold up to 200 letters, digits and ._:/@=,;-"
                )
            exchange.context = context

    def _record(
        self, scope: dict[str, Any], exchange: Exchange, status: int, seconds: float
    ) -> None:
        self._service.metrics.request(exchange.route, status, seconds)
        if exchange.route in _QUIET_ROUTES and status == 200:
            return
        fields: dict[str, Any] = {
            "request": exchange.request,
            "route": exchange.route,
            "method": scope["method"] if scope["method"].isalpha() else None,
            "status": status or None,
            "reason": exchange.reason,
            "verdict": exchange.verdict,
            "seconds": round(seconds, 6),
            "queue_seconds": round(exchange.stages["queue"], 6)
            if "queue" in exchange.stages
            else None,
            "size": exchange.size,
            "count": exchange.count,
            "key": exchange.key.name if exchange.key else None,
            "context": exchange.context,
            "snapshot": self._service.matcher.snapshot.id if exchange.verdict else None,
        }
        log_event("request", **{name: value for name, value in fields.items() if value is not None})
