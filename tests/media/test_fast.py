"""The short way through a JPEG: the same geometry, nearly the same hash, and never a guess."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pdqhash
import pytest
from numpy.typing import NDArray
from PIL import Image

from hashmatch import media
from hashmatch.media.fast import FRAGILE_WITHIN, MOST_FRAGILE

Pixels = NDArray[np.uint8]
Opener = Callable[[str], Image.Image]
PICTURES = ("astronaut.png", "chelsea.png", "retina.jpg", "flower.jpg")


def jpeg(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **{"quality": 85, **options})
    return buffer.getvalue()


def enlarged(picture: Image.Image, shorter: int) -> Image.Image:
    factor = shorter / min(picture.size)
    width, height = (round(side * factor) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def coefficients(pixels: Pixels) -> NDArray[np.float64]:
    colour = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=2)
    found, _ = pdqhash.compute_float(np.ascontiguousarray(colour))
    return np.asarray(found, np.float64)


def test_a_small_picture_is_its_luma(open_photograph: Opener) -> None:
    for name in PICTURES:
        data = jpeg(open_photograph(name).resize((500, 400)))
        fast = media.decode_fast(data)
        assert fast is not None
        assert fast.complete
        luma = np.asarray(media.decode(data).frames[0].pixels) @ [0.299, 0.587, 0.114]
        assert fast.frames[0].pixels.shape == (400, 500)
        assert np.abs(fast.frames[0].pixels - luma).mean() < 1


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_a_large_picture_keeps_its_size_and_place(open_photograph: Opener, scale: int) -> None:
    picture = enlarged(open_photograph("coffee.png"), 150 * scale + 3)
    data = jpeg(picture)
    fast = media.decode_fast(data, least_side=150)
    assert fast is not None
    pixels = fast.frames[0].pixels
    assert pixels.shape == (picture.height, picture.width)
    full = np.asarray(picture.convert("L")).astype(int)
    assert np.abs(pixels - full).mean() < 12
    for edge in (np.s_[:64], np.s_[-64:], np.s_[:, :64], np.s_[:, -64:]):
        assert abs(int(pixels[edge].mean()) - int(full[edge].mean())) <= 2


def test_scaling_stops_at_the_least_side(open_photograph: Opener) -> None:
    data = jpeg(enlarged(open_photograph("coffee.png"), 1000))
    for least, scale in ((1001, 1), (501, 1), (500, 2), (250, 4), (125, 8), (60, 8)):
        fast = media.decode_fast(data, least_side=least)
        assert fast is not None
        pixels = fast.frames[0].pixels.astype(int)
        across = np.abs(np.diff(pixels, axis=1)).sum(axis=0)
        assert across[0::2].sum() == 0 if scale > 1 else across[0::2].sum() > 0
        assert np.delete(across, np.s_[scale - 1 :: scale]).sum() == 0
        assert across[scale - 1 :: scale].all()


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("shorter", [None, 1100, 2100])
def test_an_accepted_hash_is_nearly_that_of_the_full_decode(
    open_photograph: Opener, name: str, shorter: int | None
) -> None:
    picture = open_photograph(name)
    data = jpeg(enlarged(picture, shorter) if shorter else picture, quality=75)
    fast = media.decode_fast(data)
    assert fast is not None
    ours = coefficients(fast.frames[0].pixels)
    theirs = coefficients(media.decode(data).frames[0].pixels)
    middle = np.median(ours)
    assert (np.abs(ours - middle) < FRAGILE_WITHIN).sum() <= MOST_FRAGILE, "photographs pass"
    assert ((ours > middle) != (theirs > np.median(theirs))).sum() <= 6


def test_a_pattern_that_would_drift_far_is_told_by_the_guard(open_photograph: Opener) -> None:
    data = jpeg(enlarged(open_photograph("chessboard_GRAY.png"), 2400), quality=80)
    fast = media.decode_fast(data)
    assert fast is not None
    ours = coefficients(fast.frames[0].pixels)
    assert (np.abs(ours - np.median(ours)) < FRAGILE_WITHIN).sum() > MOST_FRAGILE


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied(open_photograph: Opener, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = jpeg(enlarged(open_photograph("china.jpg"), 1101), exif=exif)
    fast, full = media.decode_fast(data), media.decode(data)
    assert fast is not None
    assert fast.info == full.info
    luma = full.frames[0].pixels @ [0.299, 0.587, 0.114]
    assert np.abs(fast.frames[0].pixels - luma).mean() < 6


def test_grey_and_progressive_jpegs_take_the_short_way_too(open_photograph: Opener) -> None:
    picture = enlarged(open_photograph("china.jpg"), 1200)
    for data in (jpeg(picture.convert("L")), jpeg(picture, progressive=True),
                 jpeg(picture, keep_rgb=True), jpeg(picture, subsampling=0)):  # fmt: skip
        fast = media.decode_fast(data)
        assert fast is not None
        luma = np.asarray(picture.convert("L")).astype(int)
        assert np.abs(fast.frames[0].pixels - luma).mean() < 6


def test_everything_else_takes_the_long_way(open_photograph: Opener) -> None:
    picture = open_photograph("china.jpg")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    whole = jpeg(picture)
    assert media.decode_fast(buffer.getvalue()) is None
    assert media.decode_fast(jpeg(picture.convert("CMYK"))) is None
    assert media.decode_fast(b"") is None
    assert media.decode_fast(b"\xff\xd8\xff") is None
    assert media.decode_fast(whole[: len(whole) // 2]) is None
    assert media.decode_fast(whole, media.Limits(max_bytes=100)) is None
    assert media.decode_fast(whole, media.Limits(max_pixels=100)) is None


def test_a_multi_frame_jpeg_takes_the_long_way(corpus: list[Any]) -> None:
    (path,) = (path for path in corpus if path.name == "sugarshack.mpo")
    assert media.decode_fast(path.read_bytes()) is None


def test_mutants_are_answered(open_photograph: Opener) -> None:
    data = jpeg(open_photograph("china.jpg").resize((160, 120)))
    rng = np.random.default_rng(3)
    fates = set()
    for _ in range(300):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            damaged[place] = int(rng.integers(0, 256))
        fates.add(media.decode_fast(damaged, least_side=16) is None)
    assert fates == {True, False}
