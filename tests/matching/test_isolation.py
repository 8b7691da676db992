"""A matcher that decodes in worker processes answers as one that decodes in its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import hashmatch as hm
from hashmatch import media
from hashmatch.errors import MatcherConfigError
from hashmatch.home import Home
from hashmatch.matching.examine import Examination, Probe, examine
from hashmatch.matching.isolated import Isolation
from hashmatch.matching.plan import Plan
from hashmatch.matching.profiles import get_profile
from hashmatch.matching.wire import WireFormatError, from_wire, to_wire
from hashmatch.types import HashValue, Orientation

Photograph = Callable[[str], Path]


@pytest.fixture(scope="module")
def isolated(known_home: Home) -> Iterator[hm.Matcher]:
    with hm.Matcher.open(known_home.path, isolation="workers", workers=2) as opened:
        yield opened


@pytest.fixture(scope="module")
def inline(known_home: Home) -> Iterator[hm.Matcher]:
    with hm.Matcher.open(known_home.path) as opened:
        yield opened


@pytest.mark.parametrize("name", ["chelsea.png", "rocket.jpg", "brick.png", "ihc.png"])
def test_the_answers_are_the_same(
    isolated: hm.Matcher, inline: hm.Matcher, photograph: Photograph, name: str
) -> None:
    path = photograph(name)
    assert isolated.match_file(path) == inline.match_file(path)
    assert isolated.match_bytes(path.read_bytes()) == inline.match_bytes(path.read_bytes())


@pytest.mark.parametrize("data", [b"", b"only text", b"\x89PNG\r\n\x1a\n" + bytes(200)])
def test_what_cannot_be_decoded_is_told_the_same(
    isolated: hm.Matcher, inline: hm.Matcher, data: bytes, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(data)
    assert isolated.match_bytes(data) == inline.match_bytes(data)
    assert isolated.match_file(tmp_path / "file") == inline.match_file(tmp_path / "file")
    assert isolated.match_file(tmp_path / "gone") == inline.match_file(tmp_path / "gone")


def test_threads_share_the_workers(isolated: hm.Matcher, photograph: Photograph) -> None:
    data = photograph("coffee.png").read_bytes()
    expected = isolated.match_bytes(data)
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(isolated.match_bytes, [data] * 12)) == [expected] * 12
    assert expected.verdict is hm.Verdict.MATCH


def test_a_decoder_that_hangs_or_dies_does_not_hide_an_exact_copy(
    known_home: Home, photograph: Photograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    with hm.Matcher.open(known_home.path, isolation="workers", workers=1, timeout=0.5) as matcher:
        assert isinstance(matcher._in_use.isolation, Isolation)
        matcher._in_use.isolation.pool.close()
        from hashmatch.sandbox import Pool

        matcher._in_use.isolation.pool = Pool("bad_decoders:examine_badly", workers=1)
        for how, reason in (
            (b"hang", hm.Reason.TIMEOUT),
            (b"die", hm.Reason.DECODER_CRASHED),
            (b"call", hm.Reason.DECODER_CRASHED),
        ):
            known = photograph("rocket.jpg").read_bytes()
            result = matcher.match_bytes(how + b"|" + known)
            assert (result.verdict, result.reason) == (hm.Verdict.MATCH, reason)
            assert result.hits[0].tier is hm.Tier.EXACT
            assert result.message
            other = matcher.match_bytes(how + b"|another file")
            assert (other.verdict, other.reason) == (hm.Verdict.UNSCANNABLE, reason)


def test_a_file_too_large_to_decode_is_still_found_by_its_bytes(
    known_home: Home, photograph: Photograph
) -> None:
    for isolation in ("inline", "workers"):
        with hm.Matcher.open(
            known_home.path, limits=hm.Limits(max_bytes=1000), isolation=isolation, workers=1
        ) as matcher:
            found = matcher.match_file(photograph("rocket.jpg"))
            other = matcher.match_file(photograph("ihc.png"))
        assert (found.verdict, found.reason) == (hm.Verdict.MATCH, hm.Reason.TOO_MANY_BYTES)
        assert (other.verdict, other.reason) == (hm.Verdict.UNSCANNABLE, hm.Reason.TOO_MANY_BYTES)
        assert found.size == photograph("rocket.jpg").stat().st_size


def test_a_reload_that_asks_for_more_gets_workers_that_can(
    tmp_path: Path, photograph: Photograph, import_text: Callable[..., None]
) -> None:
    from hashmatch.publish import publish

    home = Home(tmp_path / "home")

    def add(hash_type: str) -> None:
        value = hm.hash_file(photograph("coffee.png"), [hash_type])[hash_type]
        import_text(home, hash_type, value.hex, hash_type)
        publish(home)

    add("pdq")
    with hm.Matcher.open(home.path, isolation="workers", workers=1) as matcher:
        assert len(matcher.match_file(photograph("coffee.png")).hits) == 1
        before = matcher._in_use.isolation
        add("phash16")
        assert matcher.reload()
        assert matcher._in_use.isolation is not before
        result = matcher.match_file(photograph("coffee.png"))
        assert {hit.hash_type for hit in result.hits} == {"pdq", "phash16"}
        again = matcher._in_use.isolation
        add("md5")
        assert matcher.reload()
        assert matcher._in_use.isolation is again, "cryptographic types need no other workers"
        assert len(matcher.match_file(photograph("coffee.png")).hits) == 3


def test_an_unknown_isolation_is_refused(known_home: Home) -> None:
    with pytest.raises(MatcherConfigError, match="inline, workers"):
        hm.Matcher.open(known_home.path, isolation="none")


def plan() -> Plan:
    return Plan(("md5", "sha1"), ("pdq", "phash"), get_profile("orientations"), hm.Limits())


def test_an_examination_survives_the_wire(photograph: Photograph) -> None:
    found = examine(photograph("chelsea.png").read_bytes(), plan())
    assert len(found.probes) == 2 + 2 * 8
    again = from_wire(to_wire(found))
    assert again == found
    assert b"\n" not in to_wire(found)
    for reason in hm.Reason:
        lost = Examination(reason=reason, message="why", known_good=True)
        assert from_wire(to_wire(lost)) == lost
    assert Plan.from_json(plan().to_json()) == plan()


@pytest.mark.parametrize(
    "line",
    [
        b"", b"null", b"[]", b"{", b'{"size":-1,"hashes":[],"probes":[]}',
        b'{"size":1,"hashes":[["md5","AAAA",null]],"probes":[]}',
        b'{"size":1,"hashes":[["nothing","AAAA",null]],"probes":[]}',
        b'{"size":1,"hashes":[],"probes":[["pdq",0,"canonical","0","AA==",[50]]]}',
        b'{"size":1,"hashes":[],"probes":[["pdq",0,"canonical","9","",[]]]}',
        b'{"size":true,"hashes":[],"probes":[]}',
        b'{"size":1,"hashes":[],"probes":[],"reason":"because","message":"x"}',
        b'{"size":1,"hashes":[],"probes":[],"reason":"corrupt","message":7}',
        b"[" * 100000,
    ],
)  # fmt: skip
def test_a_worker_is_not_believed(line: bytes) -> None:
    with pytest.raises(WireFormatError):
        from_wire(line)


def test_a_file_written_to_while_it_is_read_is_never_clean(
    inline: hm.Matcher, photograph: Photograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "growing.png"
    path.write_bytes(photograph("ihc.png").read_bytes())
    decode = media.decode

    def grow(*arguments: object, **named: object) -> object:
        with path.open("ab") as stream:
            stream.write(b"more")
        return decode(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("hashmatch.matching.examine.media.decode", grow)
    result = inline.match_file(path)
    assert (result.verdict, result.reason) == (hm.Verdict.PARTIAL, hm.Reason.CHANGED)


def test_the_access_time_stays(
    isolated: hm.Matcher, photograph: Photograph, tmp_path: Path
) -> None:
    path = tmp_path / "evidence.png"
    path.write_bytes(photograph("ihc.png").read_bytes())
    os.utime(path, ns=(10**18, 10**18 + 5))
    isolated.match_file(path)
    assert path.stat().st_atime_ns == 10**18


def test_orientation_digits_are_stable() -> None:
    value = HashValue("pdq", bytes(32), 50)
    line = to_wire(Examination(probes=[Probe(value, orientation=o) for o in Orientation]))
    assert b'"01234567"' in line
