"""How a hook tells a client that its upload was not taken: a status and a closed set of reasons."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hashmatch.service.body import BodyError
from hashmatch.service.policy import Decision, Why

_AGAIN = {
    Why.ERROR: "check_failed",
    Why.TIMEOUT: "check_timed_out",
    Why.OVERLOAD: "busy",
    Why.CIRCUIT_OPEN: "check_unavailable",
}
RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a client is told.

    Parameters
    ----------
    status : int
        HTTP status.
    reason : str
        Machine-readable. A match is not told from other reasons of ours to refuse an upload:
        whoever probes a list learns nothing else.
    message : str
        For people.
    retry_after : int or None
        Seconds, where trying again makes sense.
    """

    status: int
    reason: str
    message: str
    retry_after: int | None = None

    def body(self) -> bytes:
        """Return the JSON document of the refusal."""
        return problem(self.reason, self.message)

    def headers(self) -> list[tuple[str, str]]:
        """Return the response headers that go with :meth:`body`."""
        found = [
            ("content-type", "application/json"),
            ("content-length", str(len(self.body()))),
            ("cache-control", "no-store"),
        ]
        if self.retry_after is not None:
            found.append(("retry-after", str(self.retry_after)))
        return found


def of_decision(decision: Decision, status: int) -> Refusal:
    """Return what to tell a client whose upload the policy refuses.

    Parameters
    ----------
    decision : Decision
    status : int
        For uploads that were checked; those that could not be are 503, to be tried again.
    """
    again = _AGAIN.get(decision.why)
    if again is not None:
        message = "the upload could not be checked; try again later"
        return Refusal(503, again, message, RETRY_SECONDS)
    return Refusal(status, "upload_refused", "the upload was refused")


def of_body(error: BodyError) -> Refusal:
    """Return what to tell a client whose body was not taken."""
    return Refusal(error.status, error.reason, str(error), error.retry_after)


def problem(reason: str, message: str) -> bytes:
    """Return the one JSON document that every refusal is told in."""
    return json.dumps({"error": {"reason": reason, "message": message}}).encode()
