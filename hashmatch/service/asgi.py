"""ASGI middleware: uploads are checked before the application sees a byte of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from hashmatch.errors import UploadRefusedError
from hashmatch.service import refusal
from hashmatch.service.body import (
    DEFAULT_BODY_LIMITS,
    MEBIBYTE,
    BodyError,
    BodyLimits,
    ClientGoneError,
    MemoryBudget,
    Message,
    Receive,
    declared_length,
    header,
    read_into,
)
from hashmatch.service.buffer import Buffer
from hashmatch.service.gate import UploadGate
from hashmatch.service.parts import PartsReader, boundary_of, require_parser
from hashmatch.service.policy import Action, Decision
from hashmatch.service.refusal import Refusal

Scope = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SCOPE_KEY = "hashmatch"
_WITH_BODY = {"POST", "PUT", "PATCH"}
_PIECE = 64 * 1024


class UploadCheck:
    """Middleware that lets requests with uploads through only as the gate decides.

    The body is read into memory, checked, and then replayed to the application, which finds the
    decisions in ``scope["hashmatch"]``, one for each file. A multipart body is checked part by
    part; any other body as one file.

    Parameters
    ----------
    app : ASGI application
    gate : UploadGate
    paths : sequence of str
        Where uploads arrive; every path that begins with one of these.
    limits : BodyLimits
        Longer or slower bodies are refused whatever the policy says.
    memory : int
        Bytes of bodies in memory at once; beyond it clients are told to come back.
    status : int
        HTTP status of a refusal.
    take_quarantined : bool
        Whether the application itself sets quarantined uploads aside. If not, they are refused:
        an application that does not look at the decision would store them as usual.
    context : callable or None
        Makes the context of the audit record from the ASGI scope.
    """

    def __init__(
        self,
        app: App,
        gate: UploadGate,
        *,
        paths: Sequence[str],
        limits: BodyLimits = DEFAULT_BODY_LIMITS,
        memory: int = 512 * MEBIBYTE,
        status: int = 422,
        take_quarantined: bool = False,
        context: Callable[[Scope], Mapping[str, Any]] | None = None,
    ) -> None:
        require_parser()
        self._app = app
        self._gate = gate
        self._paths = tuple(paths)
        self._limits = limits
        self._budget = MemoryBudget(memory)
        self._status = status
        self._accepted = {Action.ALLOW} | ({Action.QUARANTINE} if take_quarantined else set())
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, or pass it on untouched if it carries no upload."""
        if (
            scope["type"] != "http"
            or scope["method"] not in _WITH_BODY
            or not scope["path"].startswith(self._paths)
        ):
            await self._app(scope, receive, send)
            return
        buffer: Buffer | None = None
        held = 0
        try:
            length = declared_length(scope["headers"], self._limits) or 0
            boundary = boundary_of(header(scope["headers"], b"content-type"))
            self._budget.reserve(length)
            held = length
            buffer = Buffer(length)
            held = await read_into(buffer, receive, self._limits, self._budget, held)
            context = self._context(scope) if self._context else None
            decisions = await self._decisions(buffer, boundary, context)
            refused = next((d for d in decisions if d.action not in self._accepted), None)
            if refused is None:
                scope[SCOPE_KEY] = decisions
                await self._app(scope, _replay(buffer, receive), send)
            else:
                await _refuse(send, refusal.of_decision(refused, self._status))
        except BodyError as error:
            await _refuse(send, refusal.of_body(error))
        except ClientGoneError:
            return
        finally:
            if buffer is not None:
                buffer.discard()
            self._budget.release(held)

    async def _decisions(
        self, buffer: Buffer, boundary: bytes | None, context: Mapping[str, Any] | None
    ) -> tuple[Decision, ...]:
        if boundary is None:
            return (await self._decision(buffer, context),)
        reader = PartsReader(boundary, self._limits)
        try:
            with buffer.lent() as view:
                for start in range(0, len(view), _PIECE):
                    reader.feed(bytes(view[start : start + _PIECE]))
            parts = reader.finish()
            files = [part.content for part in parts if not part.is_text_field()]
            return tuple([await self._decision(content, context) for content in files])
        finally:
            reader.discard()

    async def _decision(self, content: Buffer, context: Mapping[str, Any] | None) -> Decision:
        try:
            return await self._gate.acheck(content, context=context)
        except UploadRefusedError as error:  # between a client and a server, raising is refusing
            decision: Decision = error.decision
            return decision


def _replay(buffer: Buffer, receive: Receive) -> Receive:
    """Return a ``receive`` that gives the body again, then whatever comes after it."""
    position = 0
    complete = False

    async def again() -> Message:
        nonlocal position, complete
        if complete:
            return await receive()
        with buffer.lent(position, min(position + _PIECE, len(buffer))) as view:
            piece = bytes(view)
        position += len(piece)
        complete = position == len(buffer)
        return {"type": "http.request", "body": piece, "more_body": not complete}

    return again


async def _refuse(send: Send, told: Refusal) -> None:
    headers = [(name.encode(), value.encode()) for name, value in told.headers()]
    await send({"type": "http.response.start", "status": told.status, "headers": headers})
    await send({"type": "http.response.body", "body": told.body()})
