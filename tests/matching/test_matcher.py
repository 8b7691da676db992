"""The Matcher's answers about real pictures and about everything that is not one."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

import hashmatch as hm
from hashmatch.errors import HashFormatError, MatcherConfigError, SnapshotError
from hashmatch.home import Home

Opener = Callable[[str], Image.Image]


@pytest.fixture(scope="module")
def matcher(known_home: Home) -> Iterator[hm.Matcher]:
    with hm.Matcher.open(known_home.path) as opened:
        yield opened


def encoded(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def test_an_altered_copy_is_found_and_explained(
    matcher: hm.Matcher, open_photograph: Opener
) -> None:
    result = matcher.match_bytes(encoded(open_photograph("chelsea.png"), quality=60))
    assert result.verdict is hm.Verdict.MATCH
    assert result.reason is None
    (hit,) = result.hits
    assert (hit.list_name, hit.list_version, hit.hash_type) == ("photos", 1, "pdq")
    assert hit.polarity is hm.Polarity.KNOWN_BAD
    assert hit.tier is hm.Tier.STRONG
    assert hit.orientation is hm.Orientation.ORIGINAL
    assert 0 <= hit.distance <= hit.max_distance == 31
    assert hit.query_quality is not None
    assert hit.query_quality >= (hit.min_quality or 0) == 50
    assert result.hashes["pdq"].bytes
    assert result.media is not None
    assert (result.media.format, result.media.width, result.media.height) == ("JPEG", 451, 300)
    assert result.snapshot_id == matcher.snapshot.id


# how the copy was turned -> the orientation that turns it back into the known picture
TURNED = {
    Image.Transpose.ROTATE_90: hm.Orientation.ROTATE270,
    Image.Transpose.ROTATE_180: hm.Orientation.ROTATE180,
    Image.Transpose.ROTATE_270: hm.Orientation.ROTATE90,
    Image.Transpose.FLIP_LEFT_RIGHT: hm.Orientation.FLIP_X,
    Image.Transpose.FLIP_TOP_BOTTOM: hm.Orientation.FLIP_Y,
    Image.Transpose.TRANSPOSE: hm.Orientation.TRANSPOSE,
    Image.Transpose.TRANSVERSE: hm.Orientation.TRANSVERSE,
}


@pytest.mark.parametrize("turn", TURNED, ids=lambda turn: turn.name.lower())
def test_a_turned_copy_is_found_by_its_orientation(
    matcher: hm.Matcher, known_home: Home, open_photograph: Opener, turn: Image.Transpose
) -> None:
    data = encoded(open_photograph("astronaut.png").transpose(turn), quality=75)
    result = matcher.match_bytes(data)
    assert result.verdict is hm.Verdict.MATCH
    assert result.hits[0].orientation is TURNED[turn]
    with hm.Matcher.open(known_home.path, profile="plain") as plain:
        assert plain.match_bytes(data).verdict is hm.Verdict.NO_MATCH


def test_another_photograph_is_no_match(
    matcher: hm.Matcher, photograph: Callable[[str], Path]
) -> None:
    result = matcher.match_file(photograph("motorcycle_left.png"))
    assert result.verdict is hm.Verdict.NO_MATCH
    assert not result.hits


def test_an_exact_copy_is_found_by_its_bytes(
    matcher: hm.Matcher, photograph: Callable[[str], Path]
) -> None:
    result = matcher.match_file(photograph("rocket.jpg"))
    assert result.verdict is hm.Verdict.MATCH
    assert [(hit.list_name, hit.tier, hit.distance) for hit in result.hits] == [
        ("files", hm.Tier.EXACT, 0)
    ]


def test_a_known_good_hit_is_shown_but_is_no_match(
    matcher: hm.Matcher, photograph: Callable[[str], Path]
) -> None:
    result = matcher.match_file(photograph("brick.png"))
    assert result.verdict is hm.Verdict.NO_MATCH
    assert [(hit.list_name, hit.polarity) for hit in result.hits] == [
        ("system", hm.Polarity.KNOWN_GOOD)
    ]


def test_a_known_bad_hit_outweighs_a_known_good_one(
    matcher: hm.Matcher, photograph: Callable[[str], Path]
) -> None:
    result = matcher.match_file(photograph("chelsea.png"))
    assert result.verdict is hm.Verdict.MATCH
    assert {hit.list_name for hit in result.hits} == {"photos", "system"}
    assert result.hits[0].tier is hm.Tier.EXACT, "best tier first"


def test_hidden_pixels_of_a_transparent_picture_are_searched(
    matcher: hm.Matcher, open_photograph: Opener
) -> None:
    picture = open_photograph("coffee.png")
    picture.putalpha(0)
    result = matcher.match_bytes(encoded(picture, "PNG"))
    assert result.verdict is hm.Verdict.MATCH
    assert result.hits[0].variant == "alpha_dropped"


def test_a_known_picture_late_in_an_animation_is_found(
    matcher: hm.Matcher, open_photograph: Opener
) -> None:
    size = (320, 240)
    frames = [open_photograph(n).resize(size) for n in ("ihc.png", "retina.jpg", "coffee.png")]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=80)
    result = matcher.match_bytes(data)
    assert result.verdict is hm.Verdict.MATCH
    assert result.hits[0].frame == 2


def test_frames_beyond_the_limit_make_it_partial(known_home: Home, open_photograph: Opener) -> None:
    frames = [open_photograph("ihc.png").resize((160, 120)).rotate(40 * i) for i in range(5)]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    with hm.Matcher.open(known_home.path, limits=hm.Limits(max_frames=2)) as limited:
        result = limited.match_bytes(data)
    assert (result.verdict, result.reason) == (hm.Verdict.PARTIAL, hm.Reason.FRAMES_SKIPPED)


def test_a_flat_picture_is_partial(matcher: hm.Matcher) -> None:
    result = matcher.match_bytes(encoded(Image.new("RGB", (300, 200), "teal"), "PNG"))
    assert (result.verdict, result.reason) == (hm.Verdict.PARTIAL, hm.Reason.LOW_QUALITY)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", hm.Reason.EMPTY),
        (b"only text", hm.Reason.NOT_AN_IMAGE),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), hm.Reason.CORRUPT),
    ],
)
def test_what_cannot_be_decoded_is_unscannable(
    matcher: hm.Matcher, data: bytes, reason: hm.Reason
) -> None:
    result = matcher.match_bytes(data)
    assert (result.verdict, result.reason) == (hm.Verdict.UNSCANNABLE, reason)
    assert result.message
    assert result.size == len(data)


def test_half_a_picture_is_never_clean(
    matcher: hm.Matcher, photograph: Callable[[str], Path]
) -> None:
    whole = photograph("retina.jpg").read_bytes()
    result = matcher.match_bytes(whole[: len(whole) // 2])
    assert (result.verdict, result.reason) == (hm.Verdict.PARTIAL, hm.Reason.TRUNCATED)


def test_every_kind_of_unreadable_path_has_its_reason(matcher: hm.Matcher, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert matcher.match_file(tmp_path / "gone").reason is hm.Reason.VANISHED
    assert matcher.match_file(tmp_path).reason is hm.Reason.DIRECTORY
    assert matcher.match_file(tmp_path / "pipe").reason is hm.Reason.SPECIAL_FILE
    for name in ("gone", ".", "pipe"):
        assert matcher.match_file(tmp_path / name).verdict is hm.Verdict.UNSCANNABLE


def test_a_failure_of_our_own_is_an_error_and_logs_no_content(
    matcher: hm.Matcher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret-file-content")

    monkeypatch.setattr("hashmatch.matching.examine.media.decode", broken)
    with caplog.at_level(logging.ERROR, logger="hashmatch"):
        result = matcher.match_bytes(b"anything")
    assert (result.verdict, result.reason) == (hm.Verdict.ERROR, hm.Reason.INTERNAL)
    assert "RuntimeError" in caplog.text
    assert "secret-file-content" not in caplog.text + str(result)

    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("hashmatch.matching.examine.media.decode", exhausted)
    assert matcher.match_bytes(b"anything").reason is hm.Reason.OUT_OF_MEMORY


def test_hash_values_computed_elsewhere(
    matcher: hm.Matcher, photograph: Callable[[str], Path]
) -> None:
    pdq = hm.hash_file(photograph("chelsea.png"))["pdq"]
    found = matcher.match_hash("pdq", pdq.hex.upper(), quality=pdq.quality)
    assert found.verdict is hm.Verdict.MATCH
    assert found.hits[0].distance == 0
    assert matcher.match_hash("pdq", pdq.bytes).verdict is hm.Verdict.MATCH
    poor = matcher.match_hash("pdq", pdq.hex, quality=10)
    assert (poor.verdict, poor.reason) == (hm.Verdict.PARTIAL, hm.Reason.LOW_QUALITY)
    md5 = hashlib.md5(photograph("rocket.jpg").read_bytes()).hexdigest()
    assert matcher.match_hash("md5", md5).verdict is hm.Verdict.MATCH
    assert matcher.match_hash("md5", "0" * 31 + "1").verdict is hm.Verdict.NO_MATCH
    with pytest.raises(HashFormatError):
        matcher.match_hash("pdq", "abc")
    with pytest.raises(MatcherConfigError, match="holds no sha256"):
        matcher.match_hash("sha256", "0" * 64)


def test_lists_of_bytes_alone_need_no_decoding(
    tmp_path: Path, import_text: Callable[..., None]
) -> None:
    from hashmatch.publish import publish

    home = Home(tmp_path / "home")
    import_text(home, "documents", hashlib.md5(b"known document").hexdigest() + "\n")
    publish(home)
    with hm.Matcher.open(home.path, also_compute=["sha256", "pdq"]) as matcher:
        assert matcher.match_bytes(b"known document").verdict is hm.Verdict.MATCH
        clean = matcher.match_bytes(b"another document")
    assert (clean.verdict, clean.reason) == (hm.Verdict.NO_MATCH, None)
    assert set(clean.hashes) == {"sha256", "md5"}


def test_many_inputs_are_answered_in_order(
    matcher: hm.Matcher, photograph: Callable[[str], Path]
) -> None:
    names = ("chelsea.png", "ihc.png", "coffee.png", "retina.jpg") * 3
    expected = [hm.Verdict.MATCH, hm.Verdict.NO_MATCH] * 6
    items = [photograph(n) if i % 2 else photograph(n).read_bytes() for i, n in enumerate(names)]
    assert [r.verdict for r in matcher.match_many(items, threads=3)] == expected
    taken = iter(items)
    few = matcher.match_many(taken, threads=1)
    assert next(few).verdict is hm.Verdict.MATCH
    few.close()  # type: ignore[attr-defined]
    assert len(list(taken)) > len(items) // 2, "it must not read far ahead"


def test_async_twins_agree(matcher: hm.Matcher, photograph: Callable[[str], Path]) -> None:
    path = photograph("chelsea.png")

    async def both() -> tuple[hm.MatchResult, hm.MatchResult]:
        return await asyncio.gather(
            matcher.amatch_bytes(path.read_bytes()), matcher.amatch_file(path)
        )

    by_bytes, by_file = asyncio.run(both())
    assert by_bytes == by_file == matcher.match_file(path)


def test_threads_sharing_a_matcher_agree(
    matcher: hm.Matcher, photograph: Callable[[str], Path]
) -> None:
    data = photograph("coffee.png").read_bytes()
    expected = matcher.match_bytes(data)
    answers: list[hm.MatchResult] = []
    threads = [
        threading.Thread(target=lambda: answers.append(matcher.match_bytes(data))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 8


def test_no_snapshot_is_an_error_never_no_match(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError):
        hm.Matcher.open(tmp_path)
    with pytest.raises(MatcherConfigError, match="unknown profile"):
        hm.Matcher.open(tmp_path, profile="lax")


def test_one_snapshot_can_be_opened_by_its_folder(known_home: Home, matcher: hm.Matcher) -> None:
    folder = known_home.snapshots / matcher.snapshot.id
    with hm.Matcher.open(folder) as pinned:
        assert pinned.snapshot.id == matcher.snapshot.id
        assert pinned.reload() is False


def test_a_new_snapshot_is_taken_up_on_reload(
    tmp_path: Path, photograph: Callable[[str], Path], import_text: Callable[..., None]
) -> None:
    from hashmatch.publish import publish

    home = Home(tmp_path / "home")

    def add(name: str, picture: str) -> None:
        import_text(home, name, hm.hash_file(photograph(picture))["pdq"].hex, "pdq")
        publish(home)

    add("first", "chelsea.png")
    with hm.Matcher.open(home.path) as matcher:
        assert matcher.match_file(photograph("coffee.png")).verdict is hm.Verdict.NO_MATCH
        add("second", "coffee.png")
        assert matcher.match_file(photograph("coffee.png")).verdict is hm.Verdict.NO_MATCH
        assert matcher.reload() is True
        assert matcher.match_file(photograph("coffee.png")).verdict is hm.Verdict.MATCH
        assert matcher.match_file(photograph("chelsea.png")).verdict is hm.Verdict.MATCH
