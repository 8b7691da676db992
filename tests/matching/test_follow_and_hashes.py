"""Many hash values at once, new snapshots by themselves, and memory lent to workers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import hashmatch as hm
from hashmatch.errors import IndexArgumentError, MatcherConfigError, SandboxError
from hashmatch.home import Home
from hashmatch.matching.follow import Follower
from hashmatch.matching.lending import Lender

Photograph = Callable[[str], Path]


@pytest.fixture(scope="module")
def matcher(known_home: Home) -> Iterator[hm.Matcher]:
    with hm.Matcher.open(known_home.path) as opened:
        yield opened


def test_each_of_many_values_is_answered_as_alone(
    matcher: hm.Matcher, photograph: Photograph
) -> None:
    rng = np.random.default_rng(5)
    values = rng.integers(0, 256, (300, 32), dtype=np.uint8)
    known = np.frombuffer(hm.hash_file(photograph("coffee.png"))["pdq"].bytes, np.uint8)
    for row, flips in ((7, 0), (8, 5), (100, 31), (101, 40), (299, 16)):
        bits = np.unpackbits(known)
        bits[rng.choice(256, flips, replace=False)] ^= 1
        values[row] = np.packbits(bits)
    qualities = [None if row % 3 else 40 + row % 30 for row in range(300)]
    together = matcher.match_hashes("pdq", values, qualities)
    for row, answer in enumerate(together):
        alone = matcher.match_hash("pdq", values[row].tobytes(), quality=qualities[row])
        assert (answer.verdict, answer.reason, answer.hits) == (
            alone.verdict,
            alone.reason,
            alone.hits,
        ), row
    verdicts = {answer.verdict for answer in together}
    assert verdicts == {hm.Verdict.MATCH, hm.Verdict.NO_MATCH, hm.Verdict.PARTIAL}
    assert together[7].snapshot_id == matcher.snapshot.id


def test_many_cryptographic_values(matcher: hm.Matcher, photograph: Photograph) -> None:
    digest = hm.hash_file(photograph("rocket.jpg"), ["md5"])["md5"].bytes
    values = np.zeros((50, 16), np.uint8)
    values[30] = np.frombuffer(digest, np.uint8)
    verdicts = [answer.verdict for answer in matcher.match_hashes("md5", values)]
    assert verdicts.index(hm.Verdict.MATCH) == 30
    assert verdicts.count(hm.Verdict.NO_MATCH) == 49
    good = np.frombuffer(
        hm.hash_file(photograph("brick.png"), ["sha1"])["sha1"].bytes, np.uint8
    ).reshape(1, 20)
    (answer,) = matcher.match_hashes("sha1", good)
    assert answer.verdict is hm.Verdict.NO_MATCH, "known to be good"
    assert answer.hits


def test_values_that_do_not_fit_are_refused(matcher: hm.Matcher) -> None:
    assert matcher.match_hashes("pdq", np.zeros((0, 32), np.uint8)) == []
    with pytest.raises(IndexArgumentError):
        matcher.match_hashes("pdq", np.zeros((2, 16), np.uint8))
    with pytest.raises(MatcherConfigError, match="holds no sha256"):
        matcher.match_hashes("sha256", np.zeros((2, 32), np.uint8))


def test_hash_values_without_a_search(matcher: hm.Matcher, photograph: Photograph) -> None:
    data = photograph("chelsea.png").read_bytes()
    hashes, reason, _ = matcher.hash_bytes(data, ["pdq", "dhash", "md5"])
    assert hashes == hm.hash_bytes(data, ["pdq", "dhash", "md5"])
    assert reason is None
    hashes, reason, message = matcher.hash_bytes(b"only text", ["md5", "pdq"])
    assert set(hashes) == {"md5"}
    assert (reason, bool(message)) == (hm.Reason.NOT_AN_IMAGE, True)
    assert {"pdq", "dhash", "sha256"} <= set(matcher.hashable())
    for name in ("photodna", "colorhash"):
        with pytest.raises(MatcherConfigError, match=f"cannot compute {name} here"):
            matcher.hash_bytes(data, ["pdq", name])


def test_the_stages_of_an_answer_are_timed(matcher: hm.Matcher, photograph: Photograph) -> None:
    stages: dict[str, float] = {}
    matcher.match_bytes(photograph("coffee.png").read_bytes(), stages=stages)
    assert set(stages) == {"decode", "hash", "search", "total"}
    assert 0 < stages["decode"] + stages["hash"] + stages["search"] <= stages["total"]


def test_a_follower_takes_up_what_is_live_and_tells_each_failure_once() -> None:
    live, used, told = ["one"], ["one"], []
    told_something = threading.Event()

    def take_up() -> None:
        if live[0] == "bad":
            raise OSError("damaged")
        used[0] = live[0]

    def tell(error: Exception | None) -> None:
        told.append(type(error).__name__)
        told_something.set()

    follower = Follower(lambda: live[0], lambda: used[0], take_up, 0.01, tell)
    for name, expected in (("two", "NoneType"), ("bad", "OSError"), ("two", "NoneType")):
        told_something.clear()
        live[0] = name
        assert told_something.wait(5)
        time.sleep(0.05)
        assert told[-1] == expected
    follower.close()
    assert told == ["NoneType", "OSError", "NoneType"]
    assert used == ["two"]


def test_only_a_matcher_of_the_live_snapshot_can_follow(
    known_home: Home, matcher: hm.Matcher
) -> None:
    with (
        hm.Matcher.open(known_home.snapshots / matcher.snapshot.id) as pinned,
        pytest.raises(MatcherConfigError, match="cannot follow"),
    ):
        pinned.follow()
    with hm.Matcher.open(known_home.path) as free:
        free.follow(0.01)
        with pytest.raises(MatcherConfigError):
            free.follow()


def test_lent_memory_holds_the_bytes_and_then_nothing() -> None:
    lender = Lender(2, 100_000)
    with lender.lent(b"picture" * 1000) as descriptor:
        assert os.pread(descriptor, 7, 6993) == b"picture"
    assert os.pread(descriptor, 7000, 0) == bytes(7000)
    with lender.lent(b"") as one, lender.lent(memoryview(b"two")) as other:
        assert one != other
        assert os.pread(other, 3, 0) == b"two"
    lender.close()
    with pytest.raises(SandboxError, match="closed"), lender.lent(b"x"):
        pass


def test_a_process_that_may_write_no_file_can_still_lend(
    known_home: Home, photograph: Photograph
) -> None:
    import subprocess
    import sys

    program = (
        "import sys, hashmatch as hm\n"
        "from hashmatch.service import hardening\n"
        "with hm.Matcher.open(sys.argv[1], isolation='workers', workers=1) as matcher:\n"
        "    hardening.no_files()\n"
        "    print(matcher.match_bytes(open(sys.argv[2], 'rb').read()).verdict)\n"
    )
    arguments = [str(known_home.path), str(photograph("coffee.png"))]
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    assert run.stdout == "match\n"


def test_workers_are_not_shared_across_a_fork(known_home: Home) -> None:
    with hm.Matcher.open(known_home.path, isolation="workers", workers=1) as matcher:
        child = os.fork()
        if child == 0:
            try:
                matcher.match_bytes(b"x")
            except SandboxError:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
