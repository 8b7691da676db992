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
from hashmatch.errors import HashFormatError, MediaError, PixelError, UnknownHashTypeError

Photograph = Callable[[str], Path]
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


def test_a_buffer_is_not_changed_or_held(photograph: Photograph) -> None:
    data = bytearray(photograph("chelsea.png").read_bytes())
    before = bytes(data)
    hm.hash_bytes(data, types=["pdq", "md5"])
    assert data == before
    data.clear()  # raises BufferError if anything still held it


def test_a_stream_of_bytes_is_not_a_path(photograph: Photograph) -> None:
    with pytest.raises((TypeError, MediaError)):
        hm.hash_file(io.BytesIO(photograph("chelsea.png").read_bytes()))  # type: ignore[arg-type]
