"""PDQ: 256 bits and a quality, bit for bit those of Meta's C++ code.

The reference filters float luma with running sums. We sum the same pixels exactly, which is some
fifty times faster, and differs from the reference only by the reference's own rounding errors.
Where these errors could decide a bit or a unit of quality, the reference's chain of float
operations is repeated as it is. So the answer is always the reference's, and nearly always fast.

Source: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Meta, 2019;
https://github.com/facebook/ThreatExchange, folder ``pdq``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import kernels
from hashmatch.hashing.pixels import TURNS, UNTURNED, Picture, Turn, check
from hashmatch.types import HashValue, Orientation

NAME = "pdq"
LEAST_SIZE = 5
"""Pictures with a shorter side have no PDQ hash: the reference gives zeros and quality 0."""

# How far the reference's rounding errors can carry it from the exact sums. Over photographs,
# noise, stripes, gradients and screens up to 24 megapixels, no sample was further off than
# 0.002 grey levels and no coefficient further than 0.008 (tests/hashing/test_pdq_margins.py).
SAMPLE_ERROR = 0.01
COEFFICIENT_ERROR = 0.02

_GRADIENT_SLACK = 2 * SAMPLE_ERROR * 100 / 255


@dataclass(frozen=True, slots=True)
class _Digest:
    bits: bytes
    coefficients: NDArray[np.float32]
    median: float
    above: float
    gradients: int
    doubtful: int

    @property
    def quality(self) -> int:
        return min(100, self.gradients // 90)

    @property
    def certain(self) -> bool:
        """Whether the reference's rounding errors cannot change the hash or its quality."""
        least, most = self.gradients - self.doubtful, self.gradients + self.doubtful
        return self.above - self.median > 2 * COEFFICIENT_ERROR and min(100, least // 90) == min(
            100, most // 90
        )

    @property
    def value(self) -> HashValue:
        return HashValue(NAME, self.bits, self.quality)


def compute(picture: Picture) -> HashValue:
    """Return the PDQ hash and quality of a picture."""
    if min(picture.height, picture.width) < LEAST_SIZE:
        return HashValue(NAME, bytes(32), 0)
    return _settled(_samples(picture, 1)[0], picture).value


def compute_orientations(picture: Picture) -> tuple[HashValue, ...]:
    """Return the hashes of a picture in each ``Orientation``, in their order.

    The samples of the mirrored pictures are read alongside the picture's own; each hash equals
    that of the turned pixels.
    """
    if min(picture.height, picture.width) < LEAST_SIZE:
        return (HashValue(NAME, bytes(32), 0),) * len(Orientation)
    samples = _samples(picture, 4)
    values = []
    for turn in TURNS.values():
        mirrored = samples[turn.flip_x + 2 * turn.flip_y]
        turned = np.ascontiguousarray(mirrored.T) if turn.swap else mirrored
        values.append(_settled(turned, picture, turn).value)
    return tuple(values)


def pdq_margin(pixels: Any, epsilon: float) -> tuple[HashValue, int]:
    """Return a PDQ hash and how many of its bits a small change of the picture could flip.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8
        The picture.
    epsilon : float
        A bit is fragile if its coefficient lies within so much of the median, in units of the
        coefficients (a grey level, spread evenly over the picture's 64 x 64 samples, moves a
        coefficient by about 1).

    Returns
    -------
    HashValue
        The hash, as :func:`hashmatch.hashing.compute` gives it.
    int
        How many of its 256 bits are fragile; 256 for a picture too small to have a hash.

    Raises
    ------
    PixelError
        If the pixels are none.
    """
    picture = check(pixels)
    if min(picture.height, picture.width) < LEAST_SIZE:
        return HashValue(NAME, bytes(32), 0), 256
    found = _settled(_samples(picture, 1)[0], picture)
    fragile = np.abs(found.coefficients - np.float32(found.median)) <= epsilon
    return found.value, int(np.count_nonzero(fragile))


def _samples(picture: Picture, how_many: int) -> NDArray[np.float32]:
    samples = np.empty((how_many, 64, 64), np.float32)
    kernels.pdq.downsample(picture.rows, picture.channels, kernels.level(), samples)
    return samples


def _settled(samples: NDArray[np.float32], picture: Picture, turn: Turn = UNTURNED) -> _Digest:
    """Digest exact samples, or the reference's where its rounding could make a difference."""
    found = _digest(samples)
    if found.certain:
        return found
    turned = turn.apply(picture)
    replayed = np.empty((64, 64), np.float32)
    kernels.pdq.replay(turned.rows, turned.channels, kernels.level(), replayed)
    return _digest(replayed)


def _digest(samples: NDArray[np.float32]) -> _Digest:
    coefficients = np.empty((16, 16), np.float32)
    bits, median, above, gradients, doubtful = kernels.pdq.digest(
        samples, _GRADIENT_SLACK, kernels.level(), coefficients
    )
    return _Digest(bits, coefficients, median, above, gradients, doubtful)
