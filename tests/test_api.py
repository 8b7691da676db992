"""Hashing in one call: the documented contract of ``hash_bytes`` and its siblings."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hashmatch as hm
from hashmatch.errors import (
    HashFormatError,
    MatcherConfigError,
    MediaError,
    PixelError,
    UnknownHashTypeError,
)

Photograph = Callable[[str], Path]
Opener = Callable[[str], Image.Image]
EVERY = ["sha256", "pdq", "phash", "md5", "dhash", "ahash", "whash", "phash16", "dhash16", "sha1"]


def test_every_type_in_the_order_asked_for(photograph: Photograph) -> None:
    data = photograph("rocket.jpg").read_bytes()
    values = hm.hash_bytes(data, types=EVERY)
    assert list(values) == EVERY
    assert values["sha256"].hex == hashlib.sha256(data).hexdigest()
    assert values["md5"].quality is None
    for name in ("pdq", "phash", "dhash", "ahash", "whash", "phash16", "dhash16"):
        quality = values[name].quality
        assert quality is not None
        assert quality >= 50, name


def test_bytes_files_and_pixels_agree(photograph: Photograph) -> None:
    path = photograph("chelsea.png")
    with Image.open(path) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    by_file = hm.hash_file(path)
    assert by_file == hm.hash_bytes(path.read_bytes()) == hm.hash_pixels(pixels)
    assert by_file == hm.hash_bytes(memoryview(path.read_bytes())) == hm.hash_file(str(path))


def test_cryptographic_types_need_no_picture() -> None:
    values = hm.hash_bytes(b"only text", types=["sha1"])
    assert values["sha1"].hex == hashlib.sha1(b"only text").hexdigest()
    with pytest.raises(MediaError) as refused:
        hm.hash_bytes(b"only text")
    assert refused.value.reason is hm.Reason.NOT_AN_IMAGE


def test_limits_refuse_before_decoding(photograph: Photograph) -> None:
    path = photograph("chelsea.png")
    for limits, reason in (
        (hm.Limits(max_bytes=1000), hm.Reason.TOO_MANY_BYTES),
        (hm.Limits(max_pixels=1000), hm.Reason.TOO_MANY_PIXELS),
    ):
        with pytest.raises(MediaError) as refused:
            hm.hash_file(path, limits=limits)
        assert refused.value.reason is reason


def test_types_that_cannot_be_computed_are_refused(photograph: Photograph) -> None:
    for name in ("photodna", "pdqq"):
        with pytest.raises(UnknownHashTypeError):
            hm.hash_file(photograph("chelsea.png"), types=[name])
    with pytest.raises(UnknownHashTypeError):
        hm.hash_pixels(np.zeros((9, 9), np.uint8), types=["md5"])


def test_pixels_of_another_kind_are_refused() -> None:
    for wrong in (
        np.zeros((9, 9), np.float32),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros(9, np.uint8),
        np.zeros((0, 9), np.uint8),
    ):
        with pytest.raises(PixelError):
            hm.hash_pixels(wrong)  # type: ignore[arg-type]


def test_distance() -> None:
    zero, one = "0" * 64, "0" * 63 + "3"
    assert hm.distance("pdq", zero, one) == 2
    assert hm.distance("pdq", bytes.fromhex(zero), one) == 2
    assert hm.distance("md5", "0" * 32, "f" * 32) == 128
    for a, b in ((zero, "0"), (zero, b"\0" * 31)):
        with pytest.raises(HashFormatError):
            hm.distance("pdq", a, b)
    for name in ("pdqq", "photodna"):
        with pytest.raises(UnknownHashTypeError):
            hm.distance(name, zero, zero)


def test_fast_decode_stays_within_its_documented_drift(open_photograph: Opener) -> None:
    for name in ("rocket.jpg", "chelsea.png", "retina.jpg", "coffee.png"):
        large = open_photograph(name).resize((2400, 1800))
        buffer = io.BytesIO()
        large.save(buffer, "JPEG", quality=85)
        exact = hm.hash_bytes(buffer.getvalue())["pdq"]
        fast = hm.hash_bytes(buffer.getvalue(), decode="fast")["pdq"]
        assert hm.distance("pdq", exact.bytes, fast.bytes) <= 10


def test_fast_decode_gives_way_where_it_does_not_apply(open_photograph: Opener) -> None:
    chart = Image.fromarray(np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((200, 200))) * 255)
    for picture, kind, types in (
        (open_photograph("coffee.png"), "PNG", ["pdq"]),
        (open_photograph("coffee.png"), "JPEG", ["pdq", "phash"]),
        (chart.convert("L"), "JPEG", ["pdq"]),
    ):
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        exact = hm.hash_bytes(buffer.getvalue(), types)
        assert hm.hash_bytes(buffer.getvalue(), types, decode="fast") == exact
    with pytest.raises(MatcherConfigError, match="exact or fast"):
        hm.hash_bytes(b"", [], decode="quick")  # type: ignore[arg-type]


def test_a_later_page_is_not_taken_for_the_first(open_photograph: Opener) -> None:
    buffer = io.BytesIO()
    first, second = open_photograph("coffee.png"), open_photograph("chelsea.png")
    first.save(buffer, "TIFF", save_all=True, append_images=[second], compression="jpeg")
    whole = buffer.getvalue()
    broken = bytearray(whole)
    start = whole.index(b"\xff\xda", whole.index(b"\xff\xd8"))
    broken[whole.index(b"\xff\xd8") : start] = bytes(start - whole.index(b"\xff\xd8"))
    with pytest.raises(MediaError):
        hm.hash_bytes(bytes(broken))
    assert hm.hash_bytes(whole)["pdq"].quality == 100


def test_a_buffer_is_not_changed_or_held(photograph: Photograph) -> None:
    data = bytearray(photograph("chelsea.png").read_bytes())
    before = bytes(data)
    hm.hash_bytes(data, types=["pdq", "md5"])
    assert data == before
    data.clear()  # raises BufferError if anything still held it


def test_a_stream_of_bytes_is_not_a_path(photograph: Photograph) -> None:
    with pytest.raises((TypeError, MediaError)):
        hm.hash_file(io.BytesIO(photograph("chelsea.png").read_bytes()))  # type: ignore[arg-type]
