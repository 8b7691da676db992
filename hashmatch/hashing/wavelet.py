"""The wavelet hash's low frequencies where several blocks tie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def low_frequencies(plane: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """Return the low frequencies that imagehash compares, with its rounding errors.

    Parameters
    ----------
    plane : (2**k, 2**k) uint8
        The resized grey picture.
    side : int
        Blocks along an axis, a power of two.

    Returns
    -------
    (side, side) float64
    """
    import pywt  # only pictures with large even areas come here

    top = int(np.log2(plane.shape[0]))
    parts = list(pywt.wavedec2(plane / 255.0, "haar", level=top))
    parts[0] *= 0
    without_mean = pywt.waverec2(parts, "haar")
    lowest = pywt.wavedec2(without_mean, "haar", level=top - int(np.log2(side)))[0]
    return np.asarray(lowest, np.float64)
