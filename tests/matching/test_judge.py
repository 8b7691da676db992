"""What contradicts a hit or holds it back, and what that leaves of the verdict."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from hashmatch.errors import FeedbackError
from hashmatch.matching.feedback import FILE, Feedback, Remark, Stance
from hashmatch.matching.flood import WINDOW, FloodGuard, Suspension
from hashmatch.matching.judge import Judge
from hashmatch.types import Effect, HashValue, Hit, Polarity, Reason, Tier, Verdict

BAD, GOOD = Polarity.KNOWN_BAD, Polarity.KNOWN_GOOD
PICTURE = HashValue("pdq", bytes(32), 100)
HASHES = {"pdq": PICTURE}


def hit(
    *,
    entry: str = "e1",
    where: str = "bad",
    polarity: Polarity = BAD,
    kind: str = "pdq",
    distance: int = 20,
    tier: Tier = Tier.STRONG,
) -> Hit:
    return Hit(where, 1, polarity, entry, None, kind, distance, 31, tier)


def near(bits: int) -> HashValue:
    """Return a value so many bits from the picture's."""
    return HashValue("pdq", ((1 << bits) - 1).to_bytes(32, "big"))


@pytest.fixture
def feedback(tmp_path: Path) -> Feedback:
    return Feedback(tmp_path)


@pytest.fixture
def judge(feedback: Feedback) -> Judge:
    return Judge(feedback)


def verdict(judge: Judge, hits: list[Hit]) -> tuple[Verdict, Reason | None]:
    found, reason, _ = judge.verdict(hits, None, None, decoded=True)
    return found, reason


def test_a_plain_hit_counts(judge: Judge) -> None:
    hits = judge.weigh([hit()], HASHES)
    assert hits == [hit()]
    assert verdict(judge, hits) == (Verdict.MATCH, None)
    assert verdict(judge, []) == (Verdict.NO_MATCH, None)


@pytest.mark.parametrize("kind", ["ahash", "whash", "dhash"])
def test_a_coarse_type_never_decides_alone(judge: Judge, kind: str) -> None:
    alone = judge.weigh([hit(kind=kind, distance=0)], {})
    assert alone[0].effect is Effect.UNCORROBORATED
    assert kind in (alone[0].effect_reason or "")
    assert verdict(judge, alone) == (Verdict.PARTIAL, Reason.UNCORROBORATED)
    two_coarse = judge.weigh([hit(kind="ahash"), hit(kind="dhash")], {})
    assert verdict(judge, two_coarse)[0] is Verdict.PARTIAL
    elsewhere = judge.weigh([hit(kind=kind), hit(kind="phash", entry="e2")], {})
    assert [found.effect for found in elsewhere] == [Effect.UNCORROBORATED, Effect.COUNTED]
    seconded = judge.weigh([hit(kind=kind), hit(kind="phash")], {})
    assert {found.effect for found in seconded} == {Effect.COUNTED}


def test_a_nearer_known_good_entry_downgrades_a_strong_hit_and_vetoes_a_possible_one(
    judge: Judge,
) -> None:
    nearer = hit(where="good", polarity=GOOD, entry="g", distance=10)
    strong, good = judge.weigh([hit(distance=20), nearer], HASHES)[::-1]
    assert (strong.tier, strong.effect) == (Tier.POSSIBLE, Effect.DOWNGRADED)
    assert "entry g of list good" in (strong.effect_reason or "")
    assert good == nearer
    assert verdict(judge, [strong, good]) == (Verdict.MATCH, None)
    possible = judge.weigh([hit(distance=50, tier=Tier.POSSIBLE), nearer], HASHES)
    assert [found.effect for found in possible] == [Effect.COUNTED, Effect.VETOED]
    assert verdict(judge, possible) == (Verdict.NO_MATCH, None)


def test_a_known_good_entry_further_off_or_in_another_frame_contradicts_nothing(
    judge: Judge,
) -> None:
    for good in (
        hit(where="good", polarity=GOOD, distance=21),
        replace(hit(where="good", polarity=GOOD, distance=1), frame=3),
        hit(where="good", polarity=GOOD, distance=1, kind="phash"),
    ):
        assert all(h.effect is Effect.COUNTED for h in judge.weigh([hit(), good], HASHES))


def test_the_same_bytes_or_value_are_contradicted_by_nothing(judge: Judge) -> None:
    good = hit(where="good", polarity=GOOD, kind="sha1", distance=0, tier=Tier.EXACT)
    for bad in (hit(kind="md5", distance=0, tier=Tier.EXACT), hit(distance=0)):
        assert all(found.effect is Effect.COUNTED for found in judge.weigh([good, bad], HASHES))
    downgraded = judge.weigh([good, hit(distance=2)], HASHES)
    assert [found.effect for found in downgraded] == [Effect.COUNTED, Effect.DOWNGRADED]


def test_a_refuted_entry_is_shown_but_does_not_count(judge: Judge, feedback: Feedback) -> None:
    feedback.add(Remark(Stance.REFUTE, "bad", "e1", by="ann", note="a blank page"))
    hits = judge.weigh([hit()], HASHES)
    assert hits[0].effect is Effect.VETOED
    assert "refuted by ann" in (hits[0].effect_reason or "")
    assert "a blank page" in (hits[0].effect_reason or "")
    assert verdict(judge, hits) == (Verdict.NO_MATCH, None)
    assert judge.weigh([hit(entry="e2")], HASHES)[0].effect is Effect.COUNTED
    feedback.add(Remark(Stance.CONFIRM, "bad", "e1"))
    assert judge.weigh([hit()], HASHES)[0].effect is Effect.COUNTED, "the last word holds"


def test_a_refuted_picture_speaks_of_itself_and_its_near_copies_only(
    judge: Judge, feedback: Feedback
) -> None:
    feedback.add(Remark(Stance.REFUTE, "bad", "e1", near(8)))
    assert judge.weigh([hit(distance=20)], HASHES)[0].effect is Effect.VETOED
    assert judge.weigh([hit(distance=8)], HASHES)[0].effect is Effect.COUNTED, "nearer the entry"
    assert judge.weigh([hit(distance=20)], {"pdq": near(60)})[0].effect is Effect.COUNTED
    assert judge.weigh([hit(entry="e2")], HASHES)[0].effect is Effect.COUNTED
    exact = hit(kind="md5", distance=0, tier=Tier.EXACT)
    assert judge.weigh([exact], HASHES)[0].effect is Effect.COUNTED
    assert judge.weigh([exact], {"pdq": near(8)})[0].effect is Effect.VETOED, "this very picture"


def test_a_confirmed_match_outweighs_a_known_good_entry(judge: Judge, feedback: Feedback) -> None:
    feedback.add(Remark(Stance.CONFIRM, "bad", "e1", by="ann"))
    nearer = hit(where="good", polarity=GOOD, distance=1)
    strong = judge.weigh([hit(), nearer], HASHES)[0]
    assert (strong.tier, strong.effect) == (Tier.STRONG, Effect.COUNTED)
    assert "confirmed by ann" in (strong.effect_reason or "")


def test_feedback_is_followed_across_processes_and_private(tmp_path: Path) -> None:
    reader, writer = Feedback(tmp_path), Feedback(tmp_path)
    assert list(reader.remarks()) == []
    writer.add(Remark(Stance.REFUTE, "bad", "é\n1", near(3), by="b", note="n"))
    (remark,) = reader.remarks()
    assert (remark.list_name, remark.entry_id, remark.value) == ("bad", "é\n1", near(3))
    assert remark.at
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_a_line_cut_short_is_healed_and_a_strange_one_is_refused_every_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / FILE
    Feedback(tmp_path).add(Remark(Stance.REFUTE, "bad", "e1"))
    with path.open("ab") as target:
        target.write(b'{"stance": "conf')
    feedback = Feedback(tmp_path)
    assert len(list(feedback.remarks())) == 1
    feedback.add(Remark(Stance.REFUTE, "bad", "e2"))
    assert [remark.entry_id for remark in feedback.remarks()] == ["e1", "e2"]
    with path.open("ab") as target:
        target.write(b'{"stance": "maybe"}\n')
    for _ in range(2):
        with pytest.raises(FeedbackError, match="no remark"):
            feedback.refresh()
    path.write_bytes(b"")
    with pytest.raises(FeedbackError, match="lost lines"):
        feedback.refresh()


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def test_an_entry_that_matches_many_distinct_uploads_is_suspended_everywhere(
    tmp_path: Path, feedback: Feedback
) -> None:
    clock, alerts = Clock(), list[Suspension]()
    guards = [FloodGuard(tmp_path, limit=5, alert=alerts.append, clock=clock) for _ in range(2)]
    judges = [Judge(feedback, guard) for guard in guards]
    for number in range(5):
        uploads = {"pdq": near(number)}
        assert judges[number % 2].weigh([hit()], uploads)[0].effect is Effect.COUNTED
        assert judges[number % 2].weigh([hit()], uploads)[0].effect is Effect.COUNTED, "the same"
    assert judges[0].weigh([hit(entry="e2")], HASHES)[0].effect is Effect.COUNTED
    held = judges[0].weigh([hit()], {"pdq": near(9)})
    assert held[0].effect is Effect.SUSPENDED
    assert "6 distinct uploads" in (held[0].effect_reason or "")
    assert verdict(judges[0], held) == (Verdict.PARTIAL, Reason.ENTRY_SUSPENDED)
    assert [(a.list_name, a.entry_id, a.uploads) for a in alerts] == [("bad", "e1", 6)]
    assert judges[1].weigh([hit()], HASHES)[0].effect is Effect.SUSPENDED, "the other process"
    later = Judge(feedback, FloodGuard(tmp_path, limit=5, clock=clock))
    assert later.weigh([hit()], HASHES)[0].effect is Effect.SUSPENDED, "after a restart"
    exact = hit(kind="md5", distance=0, tier=Tier.EXACT)
    assert later.weigh([exact], HASHES)[0].effect is Effect.COUNTED, "bytes are never in doubt"
    lines = [json.loads(x) for x in (tmp_path / "guard/audit.jsonl").read_text().splitlines()]
    assert [(x["event"], x["entry_id"]) for x in lines] == [("suspended", "e1")]


def test_a_lifted_suspension_starts_counting_anew(
    tmp_path: Path, feedback: Feedback, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    guard = FloodGuard(tmp_path, limit=2, clock=clock)
    judge = Judge(feedback, guard)
    for number in range(3):
        last = judge.weigh([hit()], {"pdq": near(number)})
    assert last[0].effect is Effect.SUSPENDED
    assert "an entry of list bad is suspended" in caplog.text, "where nobody else is told"
    assert "e1" not in caplog.text
    assert [found.entry_id for found in guard.suspensions()] == ["e1"]
    clock.now += 10
    assert guard.lift("bad", "e1", by="ann")
    assert not guard.lift("bad", "e1")
    clock.now += 1
    assert judge.weigh([hit()], {"pdq": near(50)})[0].effect is Effect.COUNTED
    clock.now += 2 * WINDOW
    for number in range(2):
        assert judge.weigh([hit()], {"pdq": near(60 + number)})[0].effect is Effect.COUNTED
    assert len(list((tmp_path / "guard").glob("*.log"))) == 1, "old counts are removed"


def test_old_counts_are_forgotten_without_another_match(tmp_path: Path) -> None:
    clock = Clock()
    FloodGuard(tmp_path, clock=clock).note("bad", "e1", b"upload")
    later = FloodGuard(tmp_path, clock=clock)
    later.forget()
    assert len(list((tmp_path / "guard").glob("*.log"))) == 1
    clock.now += 2 * WINDOW
    later.forget()
    assert not list((tmp_path / "guard").glob("*.log"))
    FloodGuard(tmp_path / "never used").forget()


def test_a_confirmed_entry_is_never_suspended(tmp_path: Path, feedback: Feedback) -> None:
    feedback.add(Remark(Stance.CONFIRM, "bad", "e1"))
    judge = Judge(feedback, FloodGuard(tmp_path, limit=1, clock=Clock()))
    for number in range(4):
        assert judge.weigh([hit()], {"pdq": near(number)})[0].effect is Effect.COUNTED


def test_counts_hold_no_hash_value_and_survive_threads(tmp_path: Path) -> None:
    guard = FloodGuard(tmp_path, limit=1000, clock=Clock())
    values = [bytes([number]) * 32 for number in range(40)]
    threads = [
        threading.Thread(target=guard.note, args=("bad", "e1", value)) for value in values * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "guard").iterdir())
    assert not any(value[:8] in kept for value in values[1:])
    other = FloodGuard(tmp_path, limit=39, clock=Clock())
    found = other.note("bad", "e1", values[0])
    assert found is not None
    assert found.uploads == 40
