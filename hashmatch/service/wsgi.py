"""WSGI middleware, for Flask and the like: uploads are checked before the application runs."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from hashmatch.errors import UploadRefusedError
from hashmatch.service import refusal
from hashmatch.service.body import (
    DEFAULT_BODY_LIMITS,
    BodyError,
    BodyLimits,
    declared_length,
    too_large,
)
from hashmatch.service.buffer import Buffer
from hashmatch.service.gate import UploadGate
from hashmatch.service.parts import PartsReader, boundary_of, require_parser
from hashmatch.service.policy import Action, Decision
from hashmatch.service.refusal import Refusal

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

ENVIRON_KEY = "hashmatch"
_WITH_BODY = {"POST", "PUT", "PATCH"}
_PIECE = 64 * 1024


class UploadCheck:
    """Middleware that lets requests with uploads through only as the gate decides.

    The application finds the decisions in ``environ["hashmatch"]``, one for each file, and the
    body in ``environ["wsgi.input"]`` as usual. How slow a client may be is for the WSGI server
    to say.

    Parameters
    ----------
    app : WSGI application
    gate : UploadGate
    paths, limits, status, take_quarantined
        As for :class:`hashmatch.service.asgi.UploadCheck`; the times of ``limits`` do not apply.
    context : callable or None
        Makes the context of the audit record from the WSGI environment.
    """

    def __init__(
        self,
        app: WSGIApplication,
        gate: UploadGate,
        *,
        paths: Sequence[str],
        limits: BodyLimits = DEFAULT_BODY_LIMITS,
        status: int = 422,
        take_quarantined: bool = False,
        context: Callable[[WSGIEnvironment], Mapping[str, Any]] | None = None,
    ) -> None:
        require_parser()
        self._app = app
        self._gate = gate
        self._paths = tuple(paths)
        self._limits = limits
        self._status = status
        self._accepted = {Action.ALLOW} | ({Action.QUARANTINE} if take_quarantined else set())
        self._context = context

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Check a request, or pass it on untouched if it carries no upload."""
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] not in _WITH_BODY or not path.startswith(self._paths):
            return self._app(environ, start_response)
        buffer = Buffer()
        try:
            buffer = self._read(environ)
            context = self._context(environ) if self._context else None
            decisions = self._decisions(buffer, environ.get("CONTENT_TYPE"), context)
            refused = next((d for d in decisions if d.action not in self._accepted), None)
            if refused is not None:
                return _refuse(start_response, refusal.of_decision(refused, self._status))
            environ[ENVIRON_KEY] = decisions
            environ["wsgi.input"] = io.BytesIO(buffer.tobytes())
            environ["CONTENT_LENGTH"] = str(len(buffer))
            return self._app(environ, start_response)
        except BodyError as error:
            return _refuse(start_response, refusal.of_body(error))
        finally:
            buffer.discard()

    def _read(self, environ: WSGIEnvironment) -> Buffer:
        headers = [
            (name, str(environ[key]).encode("latin-1"))
            for name, key in (
                (b"content-length", "CONTENT_LENGTH"),
                (b"content-encoding", "HTTP_CONTENT_ENCODING"),
            )
            if environ.get(key)
        ]
        length = declared_length(headers, self._limits)
        if length is None and not environ.get("wsgi.input_terminated"):
            length = 0  # without a length a WSGI application must not read at all
        buffer = Buffer(length or 0)
        while length is None or len(buffer) < length:
            wanted = _PIECE if length is None else min(_PIECE, length - len(buffer))
            piece = environ["wsgi.input"].read(wanted)
            if not piece:
                break
            if len(buffer) + len(piece) > self._limits.max_bytes:
                buffer.discard()
                raise too_large(self._limits)
            buffer.append(piece)
        if length is not None and len(buffer) < length:
            buffer.discard()
            raise BodyError(400, "body_incomplete", "the body is shorter than its Content-Length")
        return buffer

    def _decisions(
        self, buffer: Buffer, content_type: str | None, context: Mapping[str, Any] | None
    ) -> tuple[Decision, ...]:
        boundary = boundary_of(content_type)
        if boundary is None:
            return (self._decision(buffer, context),)
        reader = PartsReader(boundary, self._limits)
        try:
            with buffer.lent() as view:
                for start in range(0, len(view), _PIECE):
                    reader.feed(bytes(view[start : start + _PIECE]))
            files = [part.content for part in reader.finish() if not part.is_text_field()]
            return tuple(self._decision(content, context) for content in files)
        finally:
            reader.discard()

    def _decision(self, content: Buffer, context: Mapping[str, Any] | None) -> Decision:
        try:
            return self._gate.check(content, context=context)
        except UploadRefusedError as error:  # between a client and a server, raising is refusing
            decision: Decision = error.decision
            return decision


def _refuse(start_response: StartResponse, told: Refusal) -> list[bytes]:
    start_response(f"{told.status} {HTTPStatus(told.status).phrase}", told.headers())
    return [told.body()]
