"""The HTTP application: which route needs which role, and what guards each of them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hashmatch.errors import DeadlineError, OverloadError, SandboxError
from hashmatch.service.body import BodyError, ClientGoneError
from hashmatch.service.http import curate, match, schemas, status
from hashmatch.service.http.exchange import SCOPE_KEY, Exchange, Refused, refusal
from hashmatch.service.http.frontdoor import FrontDoor
from hashmatch.service.http.logs import log_failure
from hashmatch.service.http.service import Service
from hashmatch.service.http.spans import request_span
from hashmatch.service.keys import Role
from hashmatch.version import VERSION

Endpoint = Callable[[Service, Request, Exchange], Awaitable[Response]]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_NOBODY_LISTENS = 499
_MATCH = frozenset({Role.MATCH})
_HASHES = frozenset({Role.MATCH, Role.HASH_ONLY})
_CURATE = frozenset({Role.CURATE})
_LOOK = frozenset({Role.OBSERVE, Role.EXPLAIN, Role.CURATE})
_OBSERVE = frozenset({Role.OBSERVE})
_ANYONE: frozenset[Role] = frozenset()


class PlainRoute(APIRoute):
    """A route whose endpoint takes the request as it is and makes the response itself.

    The framework's own reading of bodies would spool uploads to disk and validate what is
    validated here already.
    """

    def get_route_handler(self) -> Handler:
        """Return the endpoint."""
        handler: Handler = self.endpoint
        return handler


def build(service: Service) -> FrontDoor:
    """Return the application over a service.

    Parameters
    ----------
    service : Service
        Closed when the application shuts down.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="hashmatch",
        version=VERSION,
        description="Is this image one of the known ones? Nothing of an upload is kept.",
        lifespan=lifespan,
        docs_url=None,  # the page would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.router.route_class = PlainRoute
    direct: dict[tuple[str, str], Handler] = {}

    def route(
        name: str,
        method: str,
        path: str,
        endpoint: Endpoint,
        needs: frozenset[Role],
        about: dict[str, Any],
    ) -> None:
        described = dict(about)
        if needs:
            described["security"] = [{"key": []}]
        handler = _guarded(service, name, endpoint, needs)
        if "{" not in path:
            direct[method, path] = handler
        app.add_api_route(
            path,
            handler,
            methods=[method],
            name=name,
            operation_id=name,
            summary=(endpoint.__doc__ or name).splitlines()[0],
            openapi_extra=described,
            response_model=None,
        )

    route("match", "POST", "/v1/match", match.match, _MATCH, schemas.MATCH)
    route("match_batch", "POST", "/v1/match/batch", match.match_batch, _MATCH, schemas.MATCH_BATCH)
    route(
        "match_hashes",
        "POST",
        "/v1/match/hashes",
        match.match_hashes,
        _HASHES,
        schemas.MATCH_HASHES,
    )
    route(
        "match_hashes_batch",
        "POST",
        "/v1/match/hashes/batch",
        match.match_hashes_batch,
        _HASHES,
        schemas.MATCH_HASHES_BATCH,
    )
    route(
        "hash",
        "POST",
        "/v1/hash",
        match.compute,
        _MATCH,
        schemas.hash_route(service.matcher.hashable()),
    )
    route("lists", "GET", "/v1/lists", status.lists, _LOOK, schemas.LISTS)
    route("snapshot", "GET", "/v1/snapshot", status.snapshot, _LOOK, schemas.SNAPSHOT)
    entries = "/v1/lists/{name}/entries"
    route("entries_add", "POST", entries, curate.add, _CURATE, schemas.ENTRIES_ADD)
    route(
        "entries_remove",
        "POST",
        f"{entries}/remove",
        curate.remove,
        _CURATE,
        schemas.ENTRIES_REMOVE,
    )
    route("live", "GET", "/health/live", status.live, _ANYONE, schemas.LIVE)
    route("ready", "GET", "/health/ready", status.ready, _ANYONE, schemas.READY)
    route("metrics", "GET", "/metrics", status.exposition, _OBSERVE, schemas.METRICS)
    _describe_security(app)

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        reason = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
        told = Refused(error.status_code, reason, str(error.detail))
        response = _refused(request.scope[SCOPE_KEY], told)
        if error.headers and "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response

    app.add_exception_handler(HTTPException, refuse)
    return FrontDoor(app, service, direct)


def _guarded(service: Service, name: str, endpoint: Endpoint, needs: Collection[Role]) -> Handler:
    """Wrap an endpoint: who asks, how often, and what its failures are called."""

    async def handler(request: Request) -> Response:
        exchange: Exchange = request.scope[SCOPE_KEY]
        exchange.route = name
        headers = request.scope["headers"]
        try:
            if needs:
                exchange.key = service.access.admit(headers, needs)
            with request_span(name, headers):
                return await endpoint(service, request, exchange)
        except BodyError as error:
            return _refused(exchange, error)
        except OverloadError:
            told = Refused(503, "busy", "too much is waiting already", retry_after=1)
            return _refused(exchange, told)
        except (DeadlineError, TimeoutError):
            told = Refused(503, "timeout", "there was no answer in time", retry_after=5)
            return _refused(exchange, told)
        except SandboxError as error:  # a decoder died as it started; the next try gets another
            service.health.undecodable_since = service.health.undecodable_since or time.time()
            log_failure(error, exchange.request)
            told = Refused(503, "decoder_unavailable", "no decoder could start", retry_after=5)
            return _refused(exchange, told)
        except ClientGoneError:
            exchange.reason = "client_gone"
            service.metrics.count("clients_lost")
            return Response(status_code=_NOBODY_LISTENS)
        except Exception as error:  # noqa: BLE001 - the edge: an answer without anything of the request
            log_failure(error, exchange.request)
            told = Refused(500, "internal", "the service failed; its log says where")
            return _refused(exchange, told)

    return handler


def _refused(exchange: Exchange, error: BodyError) -> Response:
    exchange.reason = error.reason
    return refusal(error, exchange.request)


def _describe_security(app: FastAPI) -> None:
    make = app.openapi

    def openapi() -> dict[str, Any]:
        described = make()
        described.setdefault("components", {})["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer"}
        }
        return described

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way
