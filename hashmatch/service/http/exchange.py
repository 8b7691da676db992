"""One request on its way through the service, and the refusals it can end in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.responses import Response

from hashmatch.service.body import BodyError
from hashmatch.service.keys import Key, Role

SCOPE_KEY = "hashmatch.exchange"


@dataclass(slots=True)
class Exchange:
    """What the log line and the metrics of a request are made from."""

    request: str
    route: str = "other"
    key: Key | None = None
    context: str | None = None
    reason: str | None = None
    verdict: str | None = None
    size: int | None = None
    count: int | None = None
    stages: dict[str, float] = field(default_factory=dict)
    held: int = 0

    @property
    def explained(self) -> bool:
        """Whether the caller may learn the hits behind a verdict."""
        return self.key is None or Role.EXPLAIN in self.key.roles


class Refused(BodyError):  # noqa: N818 - an answer, told as one
    """A request that is answered with a refusal: a status and a machine-readable reason."""


class Json(Response):
    """A response of JSON, encoded fast."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode the content."""
        return orjson.dumps(content)


def refusal(error: BodyError, request: str) -> Response:
    """Return the one shape that every refusal is told in."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    told = {"error": {"reason": error.reason, "message": str(error), "request": request}}
    return Json(told, error.status, headers)
