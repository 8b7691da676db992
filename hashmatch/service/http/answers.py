"""A result as the caller may see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hashmatch.types import MatchResult, Polarity, Reason, Verdict

UNSUPPORTED = MatchResult(
    Verdict.UNSCANNABLE,
    Reason.NOT_SEARCHABLE,
    "no list can be searched for values of this type",
)


def shown(result: MatchResult, *, explained: bool) -> dict[str, Any]:
    """Return a result in full for trusted callers, and its verdict alone for others.

    Distances and entries would let a caller find out what a list holds, or how far to alter a
    picture until it passes.
    """
    if explained:
        return result.to_json()
    return {
        "verdict": result.verdict.value,
        "reason": result.reason.value if result.reason else None,
        "message": result.message,
    }


def all_shown(results: Sequence[MatchResult], *, explained: bool) -> list[dict[str, Any]]:
    """Return many results; those that are the same object are made once."""
    made: dict[int, dict[str, Any]] = {}
    shapes = []
    for result in results:
        number = id(result)
        shape = made.get(number)
        if shape is None:
            shape = made[number] = shown(result, explained=explained)
        shapes.append(shape)
    return shapes


def combined(results: Sequence[MatchResult]) -> MatchResult:
    """Return the one answer about several hash values of the same input.

    A match in one is a match; otherwise what could not be checked in one was not checked in full.
    """
    hits = tuple(hit for result in results for hit in result.hits)
    hashes = {name: value for result in results for name, value in result.hashes.items()}
    unchecked = [result for result in results if result.reason is not None]
    reason, message = (unchecked[0].reason, unchecked[0].message) if unchecked else (None, None)
    if any(hit.polarity is Polarity.KNOWN_BAD for hit in hits):
        verdict = Verdict.MATCH
    elif not unchecked:
        verdict = Verdict.NO_MATCH
    elif len(unchecked) == len(results) and all(
        result.verdict is Verdict.UNSCANNABLE for result in unchecked
    ):
        verdict = Verdict.UNSCANNABLE
    else:
        verdict = Verdict.PARTIAL
    first = next((result for result in results if result.snapshot_id), results[0])
    return MatchResult(
        verdict,
        reason,
        message,
        hashes,
        hits,
        snapshot_id=first.snapshot_id,
        profile=first.profile,
        engine=first.engine,
    )
