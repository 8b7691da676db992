"""The hashes that the imagehash library computes itself."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hashmatch import hash_types, hashing
from hashmatch.errors import PixelError
from hashmatch.hash_types import HashKind

Pixels = NDArray[np.uint8]


@pytest.mark.parametrize("name", ["chelsea.png", "astronaut.png", "page.png"])
def test_colorhash_is_the_librarys(photographs: dict[str, Pixels], name: str) -> None:
    found = hashing.compute(photographs[name], ["colorhash"])["colorhash"]
    assert found.hex == "0" + str(imagehash.colorhash(Image.fromarray(photographs[name])))
    assert found.quality is None
    turned = hashing.compute_orientations(photographs[name], ["colorhash"])["colorhash"]
    assert turned == (found,) * 8, "colours do not move"


def test_colorhash_is_held_not_matched() -> None:
    assert hash_types.get("colorhash").kind is HashKind.HELD
    assert hash_types.get("colorhash").size == 6


def test_crop_resistant_hashes_are_the_librarys(photographs: dict[str, Pixels]) -> None:
    pixels = photographs["coffee.png"]
    library = imagehash.crop_resistant_hash(Image.fromarray(pixels))
    found = hashing.crop_resistant(pixels)
    assert [value.hex for value in found] == str(library).split(",")
    cropped = imagehash.ImageMultiHash(
        [imagehash.hex_to_hash(value.hex) for value in hashing.crop_resistant(pixels[40:, 60:])]
    )
    assert cropped.matches(library)
    with pytest.raises(PixelError):
        hashing.crop_resistant(np.zeros((4, 4), np.float32))
