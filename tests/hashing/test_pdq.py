"""PDQ against Meta's own code (the pdqhash binding), and its orientations against turned pixels."""

from __future__ import annotations

import numpy as np
import pdqhash
import pytest
from numpy.typing import NDArray
from PIL import Image

from hashmatch import hashing
from hashmatch.types import HashValue, Orientation

Pixels = NDArray[np.uint8]


def reference(pixels: Pixels) -> HashValue:
    colour = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
    bits, quality = pdqhash.compute(np.ascontiguousarray(colour))
    return HashValue("pdq", np.packbits(bits).tobytes(), quality)


def ours(pixels: Pixels) -> HashValue:
    return hashing.compute(pixels, ["pdq"])["pdq"]


def test_photographs_hash_as_in_the_reference(
    photographs: dict[str, Pixels], simd_level: int
) -> None:
    for name, pixels in photographs.items():
        assert ours(pixels) == reference(pixels), name


def test_pictures_no_camera_makes_hash_as_in_the_reference(
    synthetic: dict[str, Pixels], simd_level: int
) -> None:
    """Also where coefficients tie and only the reference's rounding errors decide."""
    for name, pixels in synthetic.items():
        assert ours(pixels) == reference(pixels), name


def test_grey_pixels_hash_as_three_equal_channels(photographs: dict[str, Pixels]) -> None:
    for name in ("camera.png", "chelsea.png", "page.png", "rocket.jpg"):
        grey = np.ascontiguousarray(photographs[name][:, :, 1])
        assert ours(grey) == reference(grey) == ours(np.dstack([grey] * 3)), name


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (4, 300), (300, 4)])
def test_too_small_a_picture_has_quality_0_and_zeros(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert ours(pixels) == HashValue("pdq", bytes(32), 0) == reference(pixels)
    assert hashing.compute_orientations(pixels, ["pdq"])["pdq"] == (ours(pixels),) * 8


def test_flat_pictures_have_quality_0(synthetic: dict[str, Pixels]) -> None:
    for name in ("flat black", "flat white", "flat teal"):
        assert ours(synthetic[name]).quality == 0


@pytest.mark.parametrize(
    "name", ["astronaut.png", "chelsea.png", "color.png", "text.png", "rocket.jpg", "page.png"]
)
def test_each_orientation_equals_hashing_the_turned_pixels(
    photographs: dict[str, Pixels], simd_level: int, name: str
) -> None:
    pixels = photographs[name]
    found = hashing.compute_orientations(pixels, ["pdq"])["pdq"]
    picture = Image.fromarray(pixels)
    turn_of = Image.Transpose
    turns = [
        None, turn_of.ROTATE_90, turn_of.ROTATE_180, turn_of.ROTATE_270,
        turn_of.FLIP_LEFT_RIGHT, turn_of.FLIP_TOP_BOTTOM, turn_of.TRANSPOSE, turn_of.TRANSVERSE,
    ]  # fmt: skip
    for way, turn, value in zip(Orientation, turns, found, strict=True):
        turned = np.asarray(picture if turn is None else picture.transpose(turn))
        assert value == ours(turned) == reference(turned), way


def test_orientations_of_synthetic_pictures(synthetic: dict[str, Pixels]) -> None:
    for name, pixels in synthetic.items():
        found = hashing.compute_orientations(pixels, ["pdq"])["pdq"]
        assert found[1] == ours(np.rot90(pixels)), name
        assert found[2] == ours(pixels[::-1, ::-1]), name
        assert found[7] == ours(pixels[::-1, ::-1].swapaxes(0, 1)), name


def test_margin_counts_bits_near_the_median(photographs: dict[str, Pixels]) -> None:
    value, none = hashing.pdq_margin(photographs["chelsea.png"], 0.0)
    assert value == ours(photographs["chelsea.png"])
    assert none == 1, "the median itself"
    counts = [hashing.pdq_margin(photographs["chelsea.png"], e)[1] for e in (1.0, 10.0, 1e6)]
    assert 1 < counts[0] < counts[1] < counts[2] == 256
    assert hashing.pdq_margin(np.zeros((3, 3), np.uint8), 1.0)[1] == 256
