"""Grey planes of a picture, made by Pillow as imagehash makes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hashmatch.hashing.pixels import Picture


def planes(picture: Picture, sizes: list[tuple[int, int]]) -> list[NDArray[np.uint8]]:
    """Return the picture in grey, resized to each (width, height)."""
    grey = Image.fromarray(np.ascontiguousarray(picture.pixels)).convert("L")
    return [np.asarray(grey.resize(size, Image.Resampling.LANCZOS)) for size in sizes]
