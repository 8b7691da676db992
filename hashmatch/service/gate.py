"""The UploadGate: an upload goes in, a decision comes out, in bounded time."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

from hashmatch.errors import DeadlineError, OverloadError, UploadRefusedError
from hashmatch.service.admission import Admission
from hashmatch.service.breaker import CircuitBreaker
from hashmatch.service.buffer import Buffer
from hashmatch.service.policy import Action, Decision, Policy, Why
from hashmatch.types import MatchResult, Reason, Verdict

log = logging.getLogger("hashmatch")

Upload = bytes | bytearray | memoryview | Buffer
_OUTAGE = {Why.ERROR, Why.TIMEOUT}


class AnswersBytes(Protocol):
    """What the gate asks of a matcher; :class:`hashmatch.Matcher` is one."""

    def match_bytes(self, data: bytes | bytearray | memoryview, /) -> MatchResult:
        """Answer about media held in memory."""


class UploadGate:
    """Decides about uploads. Safe to share between threads and between event loops.

    Parameters
    ----------
    matcher : Matcher
        Who knows the lists. Closing the gate does not close it.
    policy : Policy
        What each outcome calls for.
    deadline : float
        Seconds within which a decision is made, waiting included.
    running, waiting : int or None
        How many uploads are checked at a time, and how many more may wait; see
        :class:`~hashmatch.service.admission.Admission`.
    breaker : CircuitBreaker or None
        Turned on by default; see :class:`~hashmatch.service.breaker.CircuitBreaker`.
    shadow : bool
        Decide and record, but allow everything.
    audit : callable or None
        Called with every decision, in the thread or event loop that asked. If it fails, the
        failure is logged and the decision stands.
    """

    def __init__(
        self,
        matcher: AnswersBytes,
        policy: Policy | None = None,
        *,
        deadline: float = 5.0,
        running: int | None = None,
        waiting: int | None = None,
        breaker: CircuitBreaker | None = None,
        shadow: bool = False,
        audit: Callable[[Decision], None] | None = None,
    ) -> None:
        self.policy = policy or Policy()
        self.deadline = deadline
        self.shadow = shadow
        self._matcher = matcher
        self._admission = Admission(running, waiting)
        self._breaker = breaker or CircuitBreaker()
        self._audit = audit

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Check nothing more."""
        self._admission.close()

    def check(
        self,
        data: Upload,
        *,
        context: Mapping[str, Any] | None = None,
        deadline: float | None = None,
    ) -> Decision:
        """Decide about one upload.

        Parameters
        ----------
        data : bytes-like or Buffer
            The upload as it was received. Nothing of it is kept or written anywhere.
        context : mapping or None
            Passed through to the decision and so to the audit record.
        deadline : float or None
            Seconds for this call, instead of the gate's own.

        Returns
        -------
        Decision

        Raises
        ------
        UploadRefusedError
            If the policy calls for ``RAISE``; it carries the decision.
        """
        begin = time.perf_counter()
        limit = self.deadline if deadline is None else deadline
        outcome: MatchResult | Why = Why.CIRCUIT_OPEN
        if self._breaker.admits():
            try:
                outcome = self._admission.run(lambda: self._ask(data), limit)
            except OverloadError:
                outcome = Why.OVERLOAD
            except DeadlineError:
                outcome = Why.TIMEOUT
            except Exception as error:  # noqa: BLE001 - whatever fails, the upload is decided about
                outcome = _failure(error)
        return self._decide(self._seen(outcome), context, begin)

    async def acheck(
        self,
        data: Upload,
        *,
        context: Mapping[str, Any] | None = None,
        deadline: float | None = None,
    ) -> Decision:
        """Decide as :meth:`check` does, without blocking the event loop."""
        begin = time.perf_counter()
        limit = self.deadline if deadline is None else deadline
        outcome: MatchResult | Why = Why.CIRCUIT_OPEN
        if self._breaker.admits():
            try:
                outcome = await self._admission.arun(lambda: self._ask(data), limit)
            except OverloadError:
                outcome = Why.OVERLOAD
            except DeadlineError:
                outcome = Why.TIMEOUT
            except Exception as error:  # noqa: BLE001 - whatever fails, the upload is decided about
                outcome = _failure(error)
        return self._decide(self._seen(outcome), context, begin)

    def refuse(self, reason: Reason, *, context: Mapping[str, Any] | None = None) -> Decision:
        """Decide about an upload that could not be read to its end, for a hook that knows why."""
        result = MatchResult(Verdict.UNSCANNABLE, reason, "the upload could not be read in full")
        return self._decide(result, context, time.perf_counter())

    def _ask(self, data: Upload) -> MatchResult:
        if isinstance(data, Buffer):
            with data.lent() as view:
                return self._matcher.match_bytes(view)
        return self._matcher.match_bytes(data)

    def _seen(self, outcome: MatchResult | Why) -> MatchResult | Why:
        """Tell the breaker how asking went, if the matcher was asked."""
        if isinstance(outcome, MatchResult):
            self._breaker.record(failed=self.policy.judge(outcome)[1] in _OUTAGE)
        elif outcome in _OUTAGE:  # a busy matcher is not a broken one: overload has its own limit
            self._breaker.record(failed=True)
        return outcome

    def _decide(
        self, outcome: MatchResult | Why, context: Mapping[str, Any] | None, begin: float
    ) -> Decision:
        result = outcome if isinstance(outcome, MatchResult) else None
        if isinstance(outcome, MatchResult):
            intended, why = self.policy.judge(outcome)
        else:
            intended, why = self.policy.without_answer(outcome), outcome
        decision = Decision(
            action=Action.ALLOW if self.shadow else intended,
            intended=intended,
            why=why,
            result=result,
            context=context or {},
            shadow=self.shadow,
            seconds=time.perf_counter() - begin,
        )
        if self._audit is not None:
            try:
                self._audit(decision)
            except Exception as error:  # noqa: BLE001 - an upload must not depend on its record
                log.error("the audit callback failed with %s\n%s", *_places(error))
        if decision.action is Action.RAISE:
            raise UploadRefusedError(decision)
        return decision


def _failure(error: Exception) -> Why:
    # a foreign exception's message may quote the upload, so only its places are logged
    log.error("checking an upload failed with %s\n%s", *_places(error))
    return Why.ERROR


def _places(error: Exception) -> tuple[str, str]:
    return type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
