"""A quality, 0..100, for the hash types that come without one.

PDQ brings its own. The others say nothing about themselves, and give a confident value for a
blank page. Their quality here is the least of three shares, each 0..100, of which ordinary
photographs reach at least 50:

detail
    What remains of the small grey plane when the mean of every row and of every column is taken
    out: nothing for flat pictures, for bands, and for gradients in any direction.
decided
    How many bits differ from their threshold by more than rounding or noise would.
variety
    Whether the rarer of the two bit values occurs often enough to tell pictures apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FULL_DETAIL = 4.0
"""Mean deviation, in grey levels, at which detail counts in full."""

FULL_VARIETY = 0.125
"""Share of the rarer bit value at which variety counts in full."""


def quality(plane: NDArray[np.float64], decided: NDArray[np.bool_], bits: NDArray[np.bool_]) -> int:
    """Return the quality of a hash.

    Parameters
    ----------
    plane : (h, w) float64
        The grey values the hash was made of, 0..255.
    decided : bool array
        For each bit, whether its value was clear.
    bits : bool array
        The hash.
    """
    rest = plane - plane.mean(axis=0) - plane.mean(axis=1, keepdims=True) + plane.mean()
    detail = float(np.abs(rest).mean()) / FULL_DETAIL
    ones = float(bits.mean())
    variety = min(ones, 1 - ones) / FULL_VARIETY
    return int(100 * min(1.0, detail, variety, float(decided.mean())))
