"""A FastAPI dependency: an endpoint asks for a checked upload and gets it in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from hashmatch.errors import UploadRefusedError
from hashmatch.service import refusal
from hashmatch.service.body import (
    DEFAULT_BODY_LIMITS,
    MEBIBYTE,
    BodyError,
    BodyLimits,
    ClientGoneError,
    MemoryBudget,
    chunks,
    declared_length,
    header,
)
from hashmatch.service.buffer import Buffer
from hashmatch.service.gate import UploadGate
from hashmatch.service.parts import PartsReader, boundary_of, require_parser
from hashmatch.service.policy import Action, Decision


@dataclass(frozen=True, slots=True)
class Checked:
    """An upload the gate has decided about.

    Parameters
    ----------
    data : bytes
        The upload.
    decision : Decision
        ``decision.action`` is ``ALLOW``, or ``QUARANTINE`` for the endpoint to act on.
    """

    data: bytes
    decision: Decision


class CheckedUpload:
    """A dependency that reads one upload and has it checked; Starlette endpoints may await it.

    The upload is the raw body, or the single file of a multipart one. It is never spooled to
    disk. Refused uploads end in an ``HTTPException`` whose detail is the machine-readable reason.

    Parameters
    ----------
    gate : UploadGate
    limits : BodyLimits
    memory : int
        Bytes of bodies in memory at once.
    status : int
        HTTP status of a refusal.
    context : callable or None
        Makes the context of the audit record from the request.
    """

    def __init__(
        self,
        gate: UploadGate,
        *,
        limits: BodyLimits = DEFAULT_BODY_LIMITS,
        memory: int = 512 * MEBIBYTE,
        status: int = 422,
        context: Callable[[Request], Mapping[str, Any]] | None = None,
    ) -> None:
        require_parser()
        self._gate = gate
        self._limits = limits
        self._budget = MemoryBudget(memory)
        self._status = status
        self._context = context

    async def __call__(self, request: Request) -> Checked:
        """Read and check the upload of a request.

        Raises
        ------
        HTTPException
            If it is refused.
        """
        try:
            return await self._checked(request)
        except BodyError as error:
            raise _exception(refusal.of_body(error)) from error
        except ClientGoneError as error:
            raise HTTPException(400, "client_gone") from error

    async def _checked(self, request: Request) -> Checked:
        headers = request.headers.raw
        size = declared_length(headers, self._limits)
        boundary = boundary_of(header(headers, b"content-type"))
        held = size if size is not None else self._limits.max_bytes
        self._budget.reserve(held)
        raw = Buffer(size or 0) if boundary is None else Buffer()
        reader = PartsReader(boundary, self._limits) if boundary is not None else None
        try:
            async for piece in chunks(request.receive, self._limits):
                if reader is None:
                    raw.append(piece)
                else:
                    reader.feed(piece)
            content = raw if reader is None else _only_file(reader)
            context = self._context(request) if self._context else None
            try:
                decision = await self._gate.acheck(content, context=context)
            except UploadRefusedError as error:
                decision = error.decision
            if decision.action not in (Action.ALLOW, Action.QUARANTINE):
                raise _exception(refusal.of_decision(decision, self._status))
            return Checked(content.tobytes(), decision)
        finally:
            raw.discard()
            if reader is not None:
                reader.discard()
            self._budget.release(held)


def _only_file(reader: PartsReader) -> Buffer:
    files = [part.content for part in reader.finish() if not part.is_text_field()]
    if len(files) != 1:
        raise BodyError(400, "one_file_expected", f"the body holds {len(files)} files, not one")
    return files[0]


def _exception(told: refusal.Refusal) -> HTTPException:
    again = {"Retry-After": str(told.retry_after)} if told.retry_after is not None else None
    return HTTPException(told.status, told.reason, again)
