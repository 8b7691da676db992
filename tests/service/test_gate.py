"""The gate: bounded in time and in number, whatever the matcher does."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from typing import Any

import pytest

import hashmatch as hm
from hashmatch.errors import UploadRefusedError
from hashmatch.service.breaker import CircuitBreaker
from hashmatch.service.buffer import Buffer
from hashmatch.service.policy import Why


def check_both_ways(gate: hm.UploadGate, data: bytes, **options: Any) -> list[hm.Decision]:
    return [gate.check(data, **options), asyncio.run(gate.acheck(data, **options))]


@pytest.mark.parametrize(
    ("data", "action", "why"),
    [
        (b"clean", hm.Action.ALLOW, Why.CLEAN),
        (b"match", hm.Action.REJECT, Why.MATCH),
        (b"partial", hm.Action.QUARANTINE, Why.PARTIAL),
        (b"unscannable", hm.Action.QUARANTINE, Why.UNSCANNABLE),
        (b"error", hm.Action.REJECT, Why.ERROR),
        (b"raise", hm.Action.REJECT, Why.ERROR),
    ],
)
def test_each_answer_becomes_a_decision(
    matcher: Any, data: bytes, action: hm.Action, why: Why
) -> None:
    with hm.UploadGate(matcher) as gate:
        for decision in check_both_ways(gate, data, context={"upload": "u-1"}):
            assert (decision.action, decision.intended, decision.why) == (action, action, why)
            assert decision.context == {"upload": "u-1"}
            assert decision.allowed is (action is hm.Action.ALLOW)
            assert decision.seconds > 0


def test_a_failure_is_logged_without_its_message(
    matcher: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with hm.UploadGate(matcher) as gate:
        gate.check(b"raise content-of-the-upload")
    assert "RuntimeError" in caplog.text
    assert "content-of-the-upload" not in caplog.text


def test_no_answer_within_the_deadline_is_a_timeout(matcher: Any) -> None:
    with hm.UploadGate(matcher, deadline=0.05, running=4) as gate:
        begin = time.monotonic()
        for decision in check_both_ways(gate, b"wait"):
            assert (decision.action, decision.why) == (hm.Action.REJECT, Why.TIMEOUT)
            assert decision.result is None
        assert time.monotonic() - begin < 5
        matcher.gate.set()
        assert gate.check(b"clean", deadline=5).allowed


def test_calls_that_hang_keep_their_places_and_further_ones_are_refused(matcher: Any) -> None:
    with hm.UploadGate(matcher, deadline=0.05, running=1, waiting=1) as gate:
        whys = [gate.check(b"wait").why]  # holds the only thread
        whys += [gate.check(b"clean").why]  # waits its whole deadline, and is taken out again
        assert whys == [Why.TIMEOUT, Why.TIMEOUT]
        asked = matcher.asked
        done: list[Why] = []
        threads = [
            threading.Thread(target=lambda: done.append(gate.check(b"clean", deadline=1).why))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(done) == [Why.OVERLOAD] * 5 + [Why.TIMEOUT]
        assert matcher.asked == asked, "what nobody waits for is not done"
        matcher.gate.set()
        assert gate.check(b"clean", deadline=5).why is Why.CLEAN


def test_never_more_than_so_many_at_a_time(matcher: Any) -> None:
    async def many(gate: hm.UploadGate) -> list[hm.Decision]:
        return list(await asyncio.gather(*(gate.acheck(b"slow") for _ in range(12))))

    with hm.UploadGate(matcher, running=2, waiting=4) as gate:
        whys = [decision.why for decision in asyncio.run(many(gate))]
    assert sorted(whys) == [Why.CLEAN] * 6 + [Why.OVERLOAD] * 6
    assert matcher.most_running == 2


def test_a_failing_matcher_is_left_alone_for_a_while(matcher: Any) -> None:
    now = [100.0]
    breaker = CircuitBreaker(failures=3, pause=5, clock=lambda: now[0])
    policy = hm.Policy(on_error=hm.Action.QUARANTINE)
    with hm.UploadGate(matcher, policy, breaker=breaker) as gate:
        assert [gate.check(b"raise").why for _ in range(5)] == [Why.ERROR] * 3 + [
            Why.CIRCUIT_OPEN
        ] * 2
        assert matcher.asked == 3
        assert gate.check(b"clean").action is hm.Action.QUARANTINE
        now[0] += 6
        assert gate.check(b"raise").why is Why.ERROR, "one may try"
        assert gate.check(b"clean").why is Why.CIRCUIT_OPEN, "and failed, so wait again"
        now[0] += 6
        assert gate.check(b"clean").why is Why.CLEAN
        assert not breaker.open
        assert gate.check(b"clean").why is Why.CLEAN


def test_bad_uploads_do_not_open_the_circuit(matcher: Any) -> None:
    with hm.UploadGate(matcher, breaker=CircuitBreaker(failures=2)) as gate:
        whys = [gate.check(b"unscannable").why for _ in range(5)]
    assert whys == [Why.UNSCANNABLE] * 5


def test_shadow_mode_decides_and_records_but_never_acts(matcher: Any) -> None:
    records: list[hm.Decision] = []
    policy = hm.Policy(on_match=hm.Action.RAISE)
    with hm.UploadGate(matcher, policy, shadow=True, audit=records.append) as gate:
        decision = gate.check(b"match")
    assert (decision.action, decision.intended) == (hm.Action.ALLOW, hm.Action.RAISE)
    assert decision.shadow
    assert records == [decision]


def test_raising_carries_the_decision(matcher: Any) -> None:
    records: list[hm.Decision] = []
    policy = hm.Policy(on_match=hm.Action.RAISE)
    with hm.UploadGate(matcher, policy, audit=records.append) as gate:
        with pytest.raises(UploadRefusedError) as raised:
            gate.check(b"match", context={"user": 1})
        with pytest.raises(UploadRefusedError):
            asyncio.run(gate.acheck(b"match"))
    assert raised.value.decision.why is Why.MATCH
    assert records[0] is raised.value.decision
    assert len(records) == 2


def test_a_failing_audit_does_not_change_the_decision(
    matcher: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: hm.Decision) -> None:
        raise OSError("disk full")

    with caplog.at_level(logging.ERROR), hm.UploadGate(matcher, audit=broken) as gate:
        assert gate.check(b"match").action is hm.Action.REJECT
    assert "OSError" in caplog.text


def test_a_hook_can_report_an_upload_it_could_not_read(matcher: Any) -> None:
    with hm.UploadGate(matcher) as gate:
        decision = gate.refuse(hm.Reason.TRUNCATED, context={"user": 1})
    assert (decision.why, matcher.asked) == (Why.UNSCANNABLE, 0)


def test_a_gate_made_before_a_fork_works_after_it(matcher: Any) -> None:
    with hm.UploadGate(matcher, running=1) as gate:
        assert gate.check(b"clean").allowed
        child = os.fork()
        if child == 0:
            os._exit(0 if gate.check(b"clean", deadline=5).allowed else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_buffer_is_checked_without_being_copied_or_changed(matcher: Any) -> None:
    buffer = Buffer.of(b"clean")
    with hm.UploadGate(matcher) as gate:
        assert gate.check(buffer).allowed
    assert buffer.tobytes() == b"clean"
    memory = buffer._memory
    buffer.discard()
    with pytest.raises(ValueError, match="wiped"), buffer.lent():
        pass
    assert bytes(memory) == bytes(5)


def test_a_buffer_is_wiped_when_its_last_reader_is_done() -> None:
    buffer = Buffer.of(b"picture")
    memory = buffer._memory
    with buffer.lent() as view:
        buffer.discard()
        assert bytes(view) == b"picture"
    assert not any(memory)


def test_a_growing_buffer_wipes_what_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = Buffer()
    left = []
    for _ in range(40):
        left.append(buffer._memory)
        buffer.append(b"x" * 10_000)
    assert len(buffer) == 400_000
    assert buffer.tobytes() == b"x" * 400_000
    assert not any(any(memory) for memory in left if memory is not buffer._memory)
