"""Reading request bodies in memory: bounded in size, in time, and over all requests together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from hashmatch.errors import HashmatchError
from hashmatch.service.buffer import Buffer

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Headers = Iterable[tuple[bytes, bytes]]

MEBIBYTE = 1024 * 1024


class BodyError(HashmatchError):
    """A request body was not taken.

    Attributes
    ----------
    status : int
        The HTTP status that says so.
    reason : str
        The machine-readable reason.
    retry_after : int or None
        Seconds after which trying again makes sense.
    """

    def __init__(
        self, status: int, reason: str, message: str, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class ClientGoneError(HashmatchError):
    """The client went away before its body was complete; there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What of a body is taken.

    Parameters
    ----------
    max_bytes : int
        Longest body.
    idle_seconds : float
        Longest pause between two pieces.
    total_seconds : float
        Longest time from the first to the last piece.
    max_parts : int
        Most parts of a multipart body.
    """

    max_bytes: int = 32 * MEBIBYTE
    idle_seconds: float = 10.0
    total_seconds: float = 60.0
    max_parts: int = 64


DEFAULT_BODY_LIMITS = BodyLimits()


class MemoryBudget:
    """How many bytes of bodies may be in memory at once, over all requests of a process.

    Parameters
    ----------
    total : int
        Bytes.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = 0

    def reserve(self, size: int) -> None:
        """Take a share.

        Raises
        ------
        BodyError
            If there is not so much left; 503, to be tried again.
        """
        if self.used + size > self.total:
            raise BodyError(
                503, "busy", "too many uploads are being received; try again later", retry_after=1
            )
        self.used += size

    def release(self, size: int) -> None:
        """Give a share back."""
        self.used -= size


def header(headers: Headers, name: bytes) -> str | None:
    """Return the one value of a header, or ``None`` without it.

    Raises
    ------
    BodyError
        If it is there more than once: two readers could take different ones for the truth.
    """
    values = [value for key, value in headers if key.lower() == name]
    if len(values) > 1:
        raise BodyError(400, "duplicate_header", f"{name.decode()} may be given once only")
    return values[0].decode("latin-1") if values else None


def declared_length(headers: Headers, limits: BodyLimits) -> int | None:
    """Return the Content-Length, ``None`` if the body comes in chunks of unknown number.

    Raises
    ------
    BodyError
        If it is not a number, larger than the limit, or the body is compressed.
    """
    encoding = header(headers, b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in ("", "identity"):
        raise BodyError(415, "content_encoding", "send the body without a Content-Encoding")
    text = header(headers, b"content-length")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise BodyError(400, "bad_content_length", "Content-Length is not a number")
    length = int(text)
    if length > limits.max_bytes:
        raise too_large(limits)
    return length


def too_large(limits: BodyLimits) -> BodyError:
    """Return the refusal of a body that is too long."""
    return BodyError(
        413, "body_too_large", f"the body is larger than the limit of {limits.max_bytes} bytes"
    )


async def chunks(receive: Receive, limits: BodyLimits) -> AsyncIterator[bytes]:
    """Give the pieces of an ASGI request body as they arrive.

    Raises
    ------
    BodyError
        413 as soon as the body is too long, 408 if it comes too slowly.
    ClientGoneError
        If the client disconnects first.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.total_seconds
    size = 0
    more = True
    while more:
        try:
            async with asyncio.timeout_at(min(end, loop.time() + limits.idle_seconds)):
                message = await receive()
        except TimeoutError:
            raise BodyError(408, "body_too_slow", "the body came too slowly") from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError("the client went away")
        piece: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(piece)
        if size > limits.max_bytes:
            raise too_large(limits)
        if piece:
            yield piece


async def read_into(
    buffer: Buffer, receive: Receive, limits: BodyLimits, budget: MemoryBudget, reserved: int
) -> int:
    """Read a whole body into a buffer and return how much of the budget it holds.

    Parameters
    ----------
    buffer : Buffer
        Takes the body. The caller discards it, whatever happens.
    receive : callable
        The ASGI ``receive``.
    limits : BodyLimits
    budget : MemoryBudget
    reserved : int
        What the caller has reserved for this body already. What is reserved on top is released
        again if reading fails.
    """
    held = reserved
    try:
        async for piece in chunks(receive, limits):
            short = len(buffer) + len(piece) - held
            if short > 0:
                budget.reserve(short)
                held += short
            buffer.append(piece)
    except BaseException:
        budget.release(held - reserved)
        raise
    return held
