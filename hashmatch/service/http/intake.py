"""Getting what a request carries: pictures in wiped memory, or a JSON document."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.requests import Request

from hashmatch.service.body import MEBIBYTE, BodyLimits, chunks, declared_length, header
from hashmatch.service.buffer import Buffer
from hashmatch.service.http.exchange import Exchange, Refused
from hashmatch.service.http.service import Service
from hashmatch.service.parts import PartsReader, boundary_of

LONGEST_DOCUMENT = 8 * MEBIBYTE
_STEP = MEBIBYTE


@asynccontextmanager
async def pictures(
    service: Service, request: Request, exchange: Exchange, *, many: bool
) -> AsyncIterator[list[Buffer]]:
    """Lend the pictures of a request: its raw body, or the files of a multipart one.

    They are in memory only, counted against the budget, and wiped at the end.

    Raises
    ------
    Refused, BodyError
        If the body is too long, too slow, of a wrong type, or holds not one file where one is
        expected.
    """
    begin = time.perf_counter()
    headers = request.scope["headers"]
    kind = header(headers, b"content-type")
    boundary = boundary_of(kind)
    if boundary is None and (many or not _may_be_picture(kind)):
        wanted = "multipart/form-data" if many else "image/*, application/octet-stream or multipart"
        if not many:
            wanted += ", with curl: -F file=@picture.jpg"
        raise Refused(415, "wrong_content_type", f"send the body as {wanted}")
    held = declared_length(headers, service.limits) or 0
    service.budget.reserve(held)
    raw = Buffer(held) if boundary is None else Buffer()
    reader = PartsReader(boundary, service.limits) if boundary is not None else None
    try:
        size = 0
        async for piece in chunks(request.receive, service.limits):
            size += len(piece)
            if size > held:  # no length was declared, so it is counted as it comes
                service.budget.reserve(_STEP)
                held += _STEP
            if reader is None:
                raw.append(piece)
            else:
                reader.feed(piece)
        exchange.size = size
        exchange.stages["receive"] = time.perf_counter() - begin
        if reader is None:
            yield [raw]
            return
        files = [part.content for part in reader.finish() if not part.is_text_field()]
        if not files or (not many and len(files) > 1):
            expected = "at least one file" if many else "one file"
            raise Refused(
                400, "files_expected", f"the body holds {len(files)} files, not {expected}"
            )
        yield files
    finally:
        raw.discard()
        if reader is not None:
            reader.discard()
        service.budget.release(held)


async def document(service: Service, request: Request, exchange: Exchange) -> dict[str, Any]:
    """Return the JSON object a request carries.

    Raises
    ------
    Refused, BodyError
        If it is too long or not a JSON object.
    """
    kind = (header(request.scope["headers"], b"content-type") or "").partition(";")[0]
    if kind.strip().lower() != "application/json":
        raise Refused(415, "wrong_content_type", "send the body as application/json")
    limits = BodyLimits(max_bytes=min(LONGEST_DOCUMENT, service.limits.max_bytes))
    declared_length(request.scope["headers"], limits)
    pieces = [piece async for piece in chunks(request.receive, limits)]
    data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    exchange.size = len(data)
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Refused(400, "bad_json", "the body is not JSON") from None
    if not isinstance(found, dict):
        raise invalid("the body must be a JSON object")
    return found


def invalid(message: str) -> Refused:
    """Return the refusal of a document that is JSON, but not what is asked for."""
    return Refused(422, "invalid_document", message)


def only(found: dict[str, Any], *allowed: str) -> None:
    """Refuse members that mean nothing here; a misspelt option must not go unnoticed."""
    if found.keys() - set(allowed):
        raise invalid(f"the members may be {', '.join(allowed)}")


def _may_be_picture(kind: str | None) -> bool:
    plain = (kind or "application/octet-stream").partition(";")[0].strip().lower()
    return plain == "application/octet-stream" or plain.startswith("image/")
