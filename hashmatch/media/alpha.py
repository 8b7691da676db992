"""Transparent pictures laid over a background."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_PIXELS_AT_A_TIME = 1 << 15


def over(
    colour: NDArray[np.uint8], opacity: NDArray[np.uint8], background: int
) -> NDArray[np.uint8]:
    """Return ``colour`` over a plain grey background, each value rounded to the nearest.

    The result is read-only.

    Parameters
    ----------
    colour : (H, W) or (H, W, 3) uint8
        Colours that are not premultiplied.
    opacity : (H, W) uint8
        0 shows the background, 255 the colour.
    background : int
        0 (black) to 255 (white).
    """
    result = np.empty(colour.shape, np.uint8)
    rows = max(1, _PIXELS_AT_A_TIME // max(1, colour.shape[1]))  # stay within the cache
    for start in range(0, len(colour), rows):
        part = slice(start, start + rows)
        weight = opacity[part].astype(np.uint16)
        if colour.ndim == 3:
            weight = weight[..., np.newaxis]
        mixed = colour[part] * weight
        mixed += (255 - weight) * np.uint16(background) + np.uint16(128)
        # the exact rounded division by 255 of a 16-bit product
        result[part] = (mixed + (mixed >> 8)) >> 8
    result.flags.writeable = False
    return result
