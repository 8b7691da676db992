"""What to do with an upload, given the matcher's answer about it or the lack of one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hashmatch.types import Hit, MatchResult, Polarity, Reason, Tier, Verdict

DECISION_SCHEMA = "hashmatch.decision/1"


class Action(StrEnum):
    """What happens to an upload, mildest first."""

    ALLOW = "allow"
    QUARANTINE = "quarantine"
    REJECT = "reject"
    RAISE = "raise"


class Why(StrEnum):
    """What an action answers to."""

    CLEAN = "clean"
    MATCH = "match"
    PARTIAL = "partial"
    UNSCANNABLE = "unscannable"
    ERROR = "error"
    TIMEOUT = "timeout"
    OVERLOAD = "overload"
    CIRCUIT_OPEN = "circuit_open"
    """The matcher failed so often of late that it was not asked; judged by ``on_error``."""


_MILDEST_FIRST = tuple(Action)
# a match keeps the reason why the rest could not be checked; these say it was looked at in part
_PARTLY_CHECKED = {"low_quality", "frames_skipped"}
_TIMED_OUT = {"timeout", "timed_out"}


@dataclass(frozen=True, slots=True)
class Rule:
    """An action of its own for some hits. Every condition that is given must hold.

    Parameters
    ----------
    action : Action
        What such a hit calls for.
    list_name : str or None
        The list that holds the entry.
    category : (str, str) or None
        The entry's category as scheme and code; a code alone means nothing.
    tier : Tier or None
        How the hit was established.
    """

    action: Action
    list_name: str | None = None
    category: tuple[str, str] | None = None
    tier: Tier | None = None

    def applies(self, hit: Hit) -> bool:
        """Say whether this rule is about a hit."""
        category = (hit.category.scheme, hit.category.code) if hit.category else None
        return (
            self.list_name in (None, hit.list_name)
            and self.category in (None, category)
            and self.tier in (None, hit.tier)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """One action for every outcome.

    The defaults never let through what was not checked in full and found clean. To let a failure
    through, say so: ``Policy(on_timeout=Action.ALLOW)``.

    Parameters
    ----------
    on_match : Action
        A hit on a known-bad list to which no rule applies.
    on_partial : Action
        Nothing found, but not everything could be checked.
    on_unscannable : Action
        Refused or undecodable, with a reason.
    on_error : Action
        hashmatch itself failed, or failed so often of late that it was not asked.
    on_timeout : Action
        No answer within the deadline.
    on_overload : Action
        Too many uploads are waiting already.
    rules : sequence of Rule
        Actions for some lists, categories or tiers. For each hit the first rule that applies
        counts, and over all hits the strictest action.
    by_reason : mapping of Reason to Action
        Actions for single reasons of a partial or unscannable answer.
    """

    on_match: Action = Action.REJECT
    on_partial: Action = Action.QUARANTINE
    on_unscannable: Action = Action.QUARANTINE
    on_error: Action = Action.REJECT
    on_timeout: Action = Action.REJECT
    on_overload: Action = Action.REJECT
    rules: Sequence[Rule] = ()
    by_reason: Mapping[Reason, Action] = field(default_factory=dict)

    def judge(self, result: MatchResult) -> tuple[Action, Why]:
        """Return what an answer calls for, and why.

        A match that a rule allows but that could not be checked in full is judged by the rest
        as well: what was not looked at is never clean.
        """
        if result.verdict is Verdict.NO_MATCH:
            return Action.ALLOW, Why.CLEAN
        rest = self._of_reason(result)
        if result.verdict is not Verdict.MATCH:
            return rest
        known_bad = [hit for hit in result.hits if hit.polarity is Polarity.KNOWN_BAD]
        # the verdict says match, so without a hit to look at the rule of matches holds
        action = strictest([self._of_hit(hit) for hit in known_bad] or [self.on_match])
        if result.reason is not None and _stricter(rest[0], action):
            return rest
        return action, Why.MATCH

    def without_answer(self, why: Why) -> Action:
        """Return what the lack of an answer calls for.

        Parameters
        ----------
        why : Why
            ``ERROR``, ``TIMEOUT``, ``OVERLOAD`` or ``CIRCUIT_OPEN``.
        """
        return {
            Why.ERROR: self.on_error,
            Why.TIMEOUT: self.on_timeout,
            Why.OVERLOAD: self.on_overload,
            Why.CIRCUIT_OPEN: self.on_error,
        }[why]

    def _of_hit(self, hit: Hit) -> Action:
        return next((rule.action for rule in self.rules if rule.applies(hit)), self.on_match)

    def _of_reason(self, result: MatchResult) -> tuple[Action, Why]:
        reason = result.reason
        if reason is not None and reason.value in _TIMED_OUT:
            return self.on_timeout, Why.TIMEOUT
        if result.verdict is Verdict.ERROR:
            return self.on_error, Why.ERROR
        partly = result.verdict is Verdict.PARTIAL or (
            result.verdict is Verdict.MATCH and reason is not None and reason in _PARTLY_CHECKED
        )
        action, why = (
            (self.on_partial, Why.PARTIAL) if partly else (self.on_unscannable, Why.UNSCANNABLE)
        )
        return (self.by_reason.get(reason, action) if reason is not None else action), why


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one upload.

    Parameters
    ----------
    action : Action
        What to do. In shadow mode always ``ALLOW``.
    intended : Action
        What the policy calls for; the same as ``action`` outside shadow mode.
    why : Why
        What the action answers to.
    result : MatchResult or None
        The matcher's answer; ``None`` if there was none.
    context : mapping
        What the caller wants to find beside the decision in its audit record: a user id, an
        upload id. Passed through untouched.
    shadow : bool
        Whether the policy is only being tried.
    seconds : float
        How long the decision took, waiting included.
    decided_at : float
        When, in seconds since the epoch.
    """

    action: Action
    intended: Action
    why: Why
    result: MatchResult | None = field(default=None, repr=False)
    context: Mapping[str, Any] = field(default_factory=dict, repr=False)
    shadow: bool = False
    seconds: float = 0.0
    decided_at: float = field(default_factory=time.time)

    @property
    def allowed(self) -> bool:
        """Whether the upload may be stored as usual."""
        return self.action is Action.ALLOW

    def to_json(self) -> dict[str, Any]:
        """Return the audit record: who, what and why, without a hash value or a file name."""
        result = self.result
        hits = result.hits if result else ()
        return {
            "schema": DECISION_SCHEMA,
            "decided_at": self.decided_at,
            "action": self.action.value,
            "intended": self.intended.value,
            "why": self.why.value,
            "shadow": self.shadow,
            "seconds": round(self.seconds, 6),
            "verdict": result.verdict.value if result else None,
            "reason": result.reason.value if result and result.reason else None,
            "hits": [
                {
                    "list": hit.list_name,
                    "list_version": hit.list_version,
                    "polarity": hit.polarity.value,
                    "entry_id": hit.entry_id,
                    "category": hit.category.to_json() if hit.category else None,
                    "hash_type": hit.hash_type,
                    "tier": hit.tier.value,
                    "distance": hit.distance,
                }
                for hit in hits
            ],
            "size": result.size if result else None,
            "snapshot": result.snapshot_id if result else None,
            "profile": result.profile if result else None,
            "engine": result.engine if result else None,
            "context": dict(self.context),
        }


def strictest(actions: Sequence[Action]) -> Action:
    """Return the strictest of some actions."""
    return max(actions, key=_MILDEST_FIRST.index)


def _stricter(one: Action, other: Action) -> bool:
    return _MILDEST_FIRST.index(one) > _MILDEST_FIRST.index(other)
