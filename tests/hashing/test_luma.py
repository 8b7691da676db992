"""phash, dhash, ahash and whash against the imagehash library, and the quality they get here."""

from __future__ import annotations

from collections.abc import Callable

import imagehash
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hashmatch import hashing
from hashmatch.types import Orientation

Pixels = NDArray[np.uint8]

LIBRARY: dict[str, Callable[[Image.Image], imagehash.ImageHash]] = {
    "phash": imagehash.phash,
    "dhash": imagehash.dhash,
    "ahash": imagehash.average_hash,
    "whash": imagehash.whash,
    "phash16": lambda image: imagehash.phash(image, hash_size=16),
    "dhash16": lambda image: imagehash.dhash(image, hash_size=16),
}
NAMES = tuple(LIBRARY)


def library(pixels: Pixels) -> dict[str, str]:
    image = Image.fromarray(pixels)
    return {name: str(compute(image)) for name, compute in LIBRARY.items()}


def ours(pixels: Pixels) -> dict[str, str]:
    return {name: value.hex for name, value in hashing.compute(pixels, NAMES).items()}


def test_photographs_hash_as_in_the_library(
    photographs: dict[str, Pixels], simd_level: int
) -> None:
    for name, pixels in photographs.items():
        assert ours(pixels) == library(pixels), name


def test_pictures_no_camera_makes_hash_as_in_the_library(
    synthetic: dict[str, Pixels], simd_level: int
) -> None:
    for name, pixels in synthetic.items():
        assert ours(pixels) == library(pixels), name


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (8, 8), (9, 8), (16, 15), (32, 32)])
def test_tiny_pictures_hash_as_in_the_library(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert ours(pixels) == library(pixels)


def test_grey_pixels_hash_as_in_the_library(photographs: dict[str, Pixels]) -> None:
    for name in ("camera.png", "coffee.png", "text.png"):
        grey = np.ascontiguousarray(photographs[name][:, :, 0])
        assert ours(grey) == library(grey), name


def test_each_orientation_equals_hashing_the_turned_pixels(photographs: dict[str, Pixels]) -> None:
    for name in ("chelsea.png", "color.png", "page.png"):
        pixels = photographs[name]
        found = hashing.compute_orientations(pixels, NAMES)
        turns = [
            pixels, np.rot90(pixels), np.rot90(pixels, 2), np.rot90(pixels, 3), pixels[:, ::-1],
            pixels[::-1], pixels.swapaxes(0, 1), pixels[::-1, ::-1].swapaxes(0, 1),
        ]  # fmt: skip
        for way, turned in zip(Orientation, turns, strict=True):
            for hash_type, value in hashing.compute(turned, NAMES).items():
                assert found[hash_type][list(Orientation).index(way)] == value, (name, way)


def qualities(pixels: Pixels) -> dict[str, int]:
    found = hashing.compute(pixels, NAMES)
    return {name: value.quality for name, value in found.items() if value.quality is not None}


def test_photographs_have_quality(photographs: dict[str, Pixels]) -> None:
    """Every picture a camera took, that is: neither drawings nor pages nor flat cells."""
    for name in (
        "astronaut.png", "camera.png", "chelsea.png", "china.jpg", "coffee.png", "coins.png",
        "flower.jpg", "motorcycle_left.png", "rocket.jpg",
    ):  # fmt: skip
        found = qualities(photographs[name])
        assert set(found) == set(NAMES)
        assert all(50 <= quality <= 100 for quality in found.values()), (name, found)


@pytest.mark.parametrize("name", ["flat black", "flat white", "flat teal", "stripes", "bands"])
def test_flat_and_banded_pictures_have_none(synthetic: dict[str, Pixels], name: str) -> None:
    assert all(quality < 50 for quality in qualities(synthetic[name]).values())


def test_gradients_have_none() -> None:
    y, x = np.mgrid[0:300, 0:400]
    for pixels in (x * 255 // 399, y * 255 // 299, 255 - (x + y) * 255 // 698, x // 200 * 255):
        found = qualities(pixels.astype(np.uint8))
        assert all(quality < 50 for quality in found.values()), found
