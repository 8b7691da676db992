"""Every outcome has an action, and nothing that was not checked becomes clean by default."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

import hashmatch as hm
from hashmatch.hash_types import get
from hashmatch.service.policy import Why, strictest
from hashmatch.types import Category, HashValue, Hit, MatchResult, Polarity, Reason, Tier

Answers = dict[str, MatchResult]
MakeHit = Callable[..., Hit]
NO_ANSWER = (Why.ERROR, Why.TIMEOUT, Why.OVERLOAD, Why.CIRCUIT_OPEN)


def test_by_default_only_what_was_checked_in_full_is_allowed(answers: Answers) -> None:
    policy = hm.Policy()
    allowed = {name for name, a in answers.items() if policy.judge(a)[0] is hm.Action.ALLOW}
    assert allowed == {"clean"}
    assert all(policy.without_answer(why) is not hm.Action.ALLOW for why in NO_ANSWER)


def test_each_outcome_has_its_own_action(answers: Answers) -> None:
    policy = hm.Policy(
        on_match=hm.Action.RAISE,
        on_partial=hm.Action.ALLOW,
        on_unscannable=hm.Action.REJECT,
        on_error=hm.Action.QUARANTINE,
        on_timeout=hm.Action.ALLOW,
        on_overload=hm.Action.RAISE,
    )
    assert {name: policy.judge(answer) for name, answer in answers.items()} == {
        "clean": (hm.Action.ALLOW, Why.CLEAN),
        "match": (hm.Action.RAISE, Why.MATCH),
        "partial": (hm.Action.ALLOW, Why.PARTIAL),
        "unscannable": (hm.Action.REJECT, Why.UNSCANNABLE),
        "error": (hm.Action.QUARANTINE, Why.ERROR),
    }
    assert [policy.without_answer(why) for why in NO_ANSWER] == [
        hm.Action.QUARANTINE,
        hm.Action.ALLOW,
        hm.Action.RAISE,
        hm.Action.QUARANTINE,
    ]


@pytest.mark.parametrize(
    ("rule", "applies"),
    [
        (hm.Rule(hm.Action.QUARANTINE), True),
        (hm.Rule(hm.Action.QUARANTINE, list_name="hotline"), True),
        (hm.Rule(hm.Action.QUARANTINE, list_name="other"), False),
        (hm.Rule(hm.Action.QUARANTINE, category=("uk", "A")), True),
        (hm.Rule(hm.Action.QUARANTINE, category=("us", "A")), False),
        (hm.Rule(hm.Action.QUARANTINE, tier=Tier.STRONG), True),
        (hm.Rule(hm.Action.QUARANTINE, list_name="hotline", tier=Tier.EXACT), False),
    ],
)
def test_a_rule_needs_all_its_conditions(make_hit: MakeHit, rule: hm.Rule, applies: bool) -> None:
    hit = make_hit("hotline", category=Category("uk", "A"))
    policy = hm.Policy(rules=[rule])
    expected = hm.Action.QUARANTINE if applies else hm.Action.REJECT
    assert policy.judge(MatchResult(hm.Verdict.MATCH, hits=(hit,)))[0] is expected


def test_over_several_hits_the_strictest_action_counts(make_hit: MakeHit) -> None:
    policy = hm.Policy(
        rules=[
            hm.Rule(hm.Action.ALLOW, list_name="trial"),
            hm.Rule(hm.Action.RAISE, list_name="trial"),  # never reached: the first rule counts
        ]
    )
    trial, hotline = make_hit("trial"), make_hit("hotline")
    assert policy.judge(MatchResult(hm.Verdict.MATCH, hits=(trial,)))[0] is hm.Action.ALLOW
    assert policy.judge(MatchResult(hm.Verdict.MATCH, hits=(trial, hotline)))[0] is hm.Action.REJECT
    good = make_hit("known", polarity=Polarity.KNOWN_GOOD)
    assert policy.judge(MatchResult(hm.Verdict.MATCH, hits=(trial, good)))[0] is hm.Action.ALLOW


def test_an_allowed_match_that_was_not_checked_in_full_is_not_clean(make_hit: MakeHit) -> None:
    policy = hm.Policy(rules=[hm.Rule(hm.Action.ALLOW, list_name="trial")])
    found = MatchResult(hm.Verdict.MATCH, Reason.FRAMES_SKIPPED, hits=(make_hit("trial"),))
    assert policy.judge(found) == (hm.Action.QUARANTINE, Why.PARTIAL)
    broken = replace(found, reason=Reason.CORRUPT)
    assert policy.judge(broken) == (hm.Action.QUARANTINE, Why.UNSCANNABLE)
    assert hm.Policy().judge(found) == (hm.Action.REJECT, Why.MATCH)


def test_a_match_without_hits_is_still_a_match() -> None:
    policy = hm.Policy(rules=[hm.Rule(hm.Action.ALLOW)])
    assert policy.judge(MatchResult(hm.Verdict.MATCH))[0] is hm.Action.REJECT


def test_single_reasons_may_have_their_own_action() -> None:
    policy = hm.Policy(by_reason={Reason.LOW_QUALITY: hm.Action.ALLOW})
    flat = MatchResult(hm.Verdict.PARTIAL, Reason.LOW_QUALITY)
    assert policy.judge(flat)[0] is hm.Action.ALLOW
    assert policy.judge(replace(flat, reason=Reason.FRAMES_SKIPPED))[0] is hm.Action.QUARANTINE


def test_strictness() -> None:
    assert strictest([hm.Action.ALLOW, hm.Action.QUARANTINE]) is hm.Action.QUARANTINE
    assert strictest(list(hm.Action)) is hm.Action.RAISE


def test_the_audit_record_has_no_hash_value_and_keeps_the_context(make_hit: MakeHit) -> None:
    value = bytes(range(32))
    result = MatchResult(
        hm.Verdict.MATCH,
        hashes={"pdq": HashValue("pdq", value)},
        hits=(make_hit(category=Category("uk", "A")),),
        size=12,
        snapshot_id="s1",
    )
    assert get("pdq").size == len(value)
    decision = hm.Decision(hm.Action.REJECT, hm.Action.REJECT, Why.MATCH, result, {"user": 7})
    record = decision.to_json()
    text = json.dumps(record)
    assert value.hex() not in text
    assert value.hex() not in repr(decision)
    assert record["context"] == {"user": 7}
    assert record["hits"][0]["list"] == "hotline"
    assert (record["verdict"], record["why"], record["snapshot"]) == ("match", "match", "s1")
    empty = hm.Decision(hm.Action.REJECT, hm.Action.REJECT, Why.TIMEOUT).to_json()
    assert empty["verdict"] is None
    assert empty["hits"] == []
