"""Transparent pictures: shown over white, and in the other ways they may have been seen."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from PIL import Image

from hashmatch import media
from hashmatch.media.alpha import over

Pixels = NDArray[np.uint8]
Opener = Callable[[str], Image.Image]


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def sloped(picture: Image.Image) -> Image.Image:
    """Return the picture with an opacity that falls from left to right, 255 to 0."""
    width, height = picture.size
    slope = np.broadcast_to(np.linspace(255, 0, width).round().astype(np.uint8), (height, width))
    copy = picture.copy()
    copy.putalpha(Image.fromarray(slope.copy()))
    return copy


def expected_over(picture: Image.Image, background: int) -> Pixels:
    pixels = np.asarray(picture.convert("RGBA")).astype(np.float64)
    weight = pixels[..., 3:] / 255
    return (pixels[..., :3] * weight + background * (1 - weight)).round().astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_a_half_transparent_picture_is_shown_over_white(open_photograph: Opener, kind: str) -> None:
    picture = sloped(open_photograph("coffee.png"))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    frame = media.decode(encoded(picture, kind, **options)).frames[0]
    assert np.array_equal(frame.pixels, expected_over(picture, 255))
    variants = dict(frame.variants)
    assert list(variants) == ["alpha_dropped", "on_black"]
    assert np.array_equal(variants["alpha_dropped"], np.asarray(picture)[..., :3])
    assert np.array_equal(variants["on_black"], expected_over(picture, 0))


def test_grey_with_alpha_stays_grey(open_photograph: Opener) -> None:
    picture = sloped(open_photograph("coffee.png").convert("L"))
    frame = media.decode(encoded(picture, "PNG")).frames[0]
    assert np.array_equal(frame.pixels, expected_over(picture, 255)[..., 0])
    assert all(pixels.ndim == 2 for _, pixels in frame.variants)


def test_variants_that_show_the_same_are_left_out(open_photograph: Opener) -> None:
    picture = open_photograph("coffee.png")
    assert media.decode(encoded(picture.convert("RGBA"), "PNG")).frames[0].variants == []

    white = picture.convert("RGBA")
    white.paste((255, 255, 255, 0), (0, 0, 100, 100))  # invisible, and white anyway
    frame = media.decode(encoded(white, "PNG")).frames[0]
    assert [name for name, _ in frame.variants] == ["on_black"]

    black = picture.convert("RGBA")
    black.paste((0, 0, 0, 0), (0, 0, 100, 100))
    frame = media.decode(encoded(black, "PNG")).frames[0]
    assert [name for name, _ in frame.variants] == ["alpha_dropped"]


def test_an_invisible_picture_can_still_be_found(open_photograph: Opener) -> None:
    picture = open_photograph("coffee.png")
    hidden = picture.copy()
    hidden.putalpha(0)
    frame = media.decode(encoded(hidden, "PNG")).frames[0]
    assert (frame.pixels == 255).all()
    assert np.array_equal(dict(frame.variants)["alpha_dropped"], np.asarray(picture))


def test_a_declared_transparent_colour_is_transparent() -> None:
    """PNG's tRNS for each kind of pixel it may go with."""
    slope = np.arange(256, dtype=np.uint8).reshape(16, 16)
    grey, hidden = Image.fromarray(slope), slope == 100
    shown = np.where(hidden, 255, slope)

    frame = media.decode(encoded(grey, "PNG", transparency=100)).frames[0]
    assert np.array_equal(frame.pixels, shown)
    assert np.array_equal(dict(frame.variants)["alpha_dropped"], slope)

    colour = media.decode(encoded(grey.convert("RGB"), "PNG", transparency=(100, 100, 100)))
    assert np.array_equal(colour.frames[0].pixels, np.stack([shown] * 3, 2))

    deep = Image.fromarray(slope.astype(np.uint16) * 257)
    frame = media.decode(encoded(deep, "PNG", transparency=100 * 257)).frames[0]
    assert np.array_equal(frame.pixels, shown)

    bits = Image.fromarray(slope).convert("1", dither=Image.Dither.NONE)
    frame = media.decode(encoded(bits, "PNG", transparency=0)).frames[0]
    assert (frame.pixels == 255).all()
    assert np.array_equal(dict(frame.variants)["alpha_dropped"], np.asarray(bits.convert("L")))


def test_a_palette_with_transparent_entries(open_photograph: Opener) -> None:
    picture = open_photograph("coffee.png").quantize(32)
    indices = np.asarray(picture)
    plain = np.asarray(picture.convert("RGB"))
    for kind in ("PNG", "GIF"):
        frame = media.decode(encoded(picture, kind, transparency=3)).frames[0]
        assert (frame.pixels[indices == 3] == 255).all()
        assert np.array_equal(frame.pixels[indices != 3], plain[indices != 3])
        assert np.array_equal(dict(frame.variants)["alpha_dropped"], plain), kind
    weights = bytes(range(0, 256, 8))
    frame = media.decode(encoded(picture, "PNG", transparency=weights)).frames[0]
    weight = np.frombuffer(weights, np.uint8)[indices][..., np.newaxis] / 255
    assert np.array_equal(frame.pixels, (plain * weight + 255 * (1 - weight)).round())


def test_premultiplied_colours_are_divided_again(open_photograph: Opener) -> None:
    picture = sloped(open_photograph("coffee.png"))
    multiplied = Image.frombytes("RGBA", picture.size, picture.convert("RGBa").tobytes())
    data = encoded(multiplied, "TIFF")
    straight = struct.pack("<HHIHH", 338, 3, 1, 2, 0)
    assert straight in data
    associated = data.replace(straight, struct.pack("<HHIHH", 338, 3, 1, 1, 0))
    frame = media.decode(associated).frames[0]
    difference = np.abs(frame.pixels.astype(int) - expected_over(picture, 255))
    assert difference.max() <= 2

    data = encoded(picture, "AVIF", quality=95, alpha_premultiplied=True)
    frame = media.decode(data).frames[0]
    difference = np.abs(frame.pixels.astype(int) - expected_over(picture, 255))
    assert difference.mean() < 4


@given(
    npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)),
    st.integers(0, 255),
    st.data(),
)
def test_over_is_the_rounded_mixture(colour: Pixels, background: int, data: st.DataObject) -> None:
    opacity = data.draw(npst.arrays(np.uint8, colour.shape))
    for picture in (colour, np.stack([colour, 255 - colour, colour // 2], axis=2)):
        weight = (opacity if picture.ndim == 2 else opacity[..., np.newaxis]).astype(float) / 255
        expected = (picture * weight + background * (1 - weight)).round()
        assert np.array_equal(over(picture, opacity, background), expected)
        turned = over(picture[::-1].swapaxes(0, 1), opacity[::-1].swapaxes(0, 1), background)
        assert np.array_equal(turned, expected[::-1].swapaxes(0, 1))
