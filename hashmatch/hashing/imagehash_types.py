"""The hashes of the imagehash library that it computes itself: colours, and segments.

Neither is matched against lists. ``colorhash`` counts how much of a picture has which colour and
says little about what it shows. The crop-resistant hash is not one value but one for each bright
or dark segment, so it has a function of its own.
"""

from __future__ import annotations

from typing import Any

import imagehash
import numpy as np
from PIL import Image

from hashmatch.hashing.pixels import Picture, check
from hashmatch.types import HashValue

COLORHASH = "colorhash"


def colorhash(picture: Picture) -> HashValue:
    """Return imagehash's ``colorhash`` of 3 bits a bin, 42 bits in all, without a quality.

    The value is right-aligned in 6 bytes: the library's hexadecimal with one more leading zero.
    """
    bits = imagehash.colorhash(_image(picture)).hash.flatten()
    number = int("".join("1" if bit else "0" for bit in bits), 2)
    return HashValue(COLORHASH, number.to_bytes(6, "big"))


def crop_resistant(pixels: Any) -> tuple[HashValue, ...]:
    """Return a ``dhash`` for each bright or dark segment of a picture, by imagehash's defaults.

    Two pictures are alike if some of their segments are: imagehash asks for one segment within
    a quarter of the bits. It takes a second or so a picture, and its values are not indexed.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8
        The picture.

    Raises
    ------
    PixelError
        If the pixels are none.

    References
    ----------
    Steinebach, Liu and Yannikos, "Efficient Cropping-Resistant Robust Image Hashing", 2014.
    """
    found = imagehash.crop_resistant_hash(_image(check(pixels)))
    return tuple(
        HashValue("dhash", np.packbits(segment.hash).tobytes()) for segment in found.segment_hashes
    )


def _image(picture: Picture) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(picture.pixels))
