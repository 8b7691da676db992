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
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import kernels
from hashmatch.hashing.pixels import TURNS, Picture, Turn, check
from hashmatch.types import HashValue

NAME = "pdq"
LEAST_SIZE = 5
"""Pictures with a shorter side have no PDQ hash: the reference gives zeros and quality 0."""

# How far the reference's rounding errors are taken to carry it from the exact sums: a sample by
# so many grey levels, and coefficient (i, j) by so much times 1 / (i + 1) + 1 / (j + 1), because
# running sums err slowly along the picture and so mostly in low frequencies. Measured over
# photographs, noise, patterns and drawings of up to 24 megapixels: photographs reach a third of
# it, drawings on flat colours come near it (tests/hashing/test_pdq_margins.py).
SAMPLE_ERROR = 0.005
COEFFICIENT_ERROR = 0.006

_GRADIENT_ERROR = 2 * SAMPLE_ERROR * 100 / 255


@dataclass(frozen=True, slots=True)
class _Digest:
    bits: bytes
    coefficients: NDArray[np.float32]
    median: float
    apart: float
    gradients: int
    doubtful: int

    @property
    def certain(self) -> bool:
        return _certain(self.apart, self.gradients, self.doubtful)

    @property
    def value(self) -> HashValue:
        return HashValue(NAME, self.bits, _quality(self.gradients))


def compute(picture: Picture) -> HashValue:
    """Return the PDQ hash and quality of a picture."""
    if picture.least_side < LEAST_SIZE:
        return HashValue(NAME, bytes(32), 0)
    return _digest_of(picture).value


def compute_orientations(picture: Picture) -> tuple[HashValue, ...]:
    """Return the hashes of a picture in each ``Orientation``, in their order.

    The samples of the mirrored pictures are read alongside the picture's own; each hash equals
    that of the turned pixels.
    """
    if picture.least_side < LEAST_SIZE:
        return (HashValue(NAME, bytes(32), 0),) * len(TURNS)
    samples = _samples(picture, _BOTH, _BOTH)
    turns, ways = _ways(picture.turn)
    digests = kernels.pdq.digest_turned(
        samples, ways, _GRADIENT_ERROR, COEFFICIENT_ERROR, kernels.level()
    )
    return tuple(
        HashValue(NAME, bits, _quality(gradients))
        if _certain(apart, gradients, doubtful)
        else _replayed(picture, turn).value
        for turn, (bits, apart, gradients, doubtful) in zip(turns, digests, strict=True)
    )


def pdq_of_samples(samples: NDArray[np.float32]) -> HashValue:
    """Return the PDQ hash and quality of 64 x 64 samples that were taken elsewhere.

    Parameters
    ----------
    samples : (64, 64) float32
        Grey levels, C-contiguous. Nothing is known of how they were rounded, so unlike
        :func:`hashmatch.hashing.compute` this does not promise the reference's bits in a tie.
    """
    return _digest(samples).value


def pdq_margin(pixels: Any, epsilon: float) -> tuple[HashValue, int]:
    """Return a PDQ hash and how many of its bits a small change of the picture could flip.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8
        The picture.
    epsilon : float
        A bit is fragile if its coefficient lies within so much of the median, in units of the
        coefficients: noise of one grey level in each of the 64 x 64 samples moves a coefficient
        by about 1.

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
    if picture.least_side < LEAST_SIZE:
        return HashValue(NAME, bytes(32), 0), 256
    found = _digest_of(picture)
    fragile = np.abs(found.coefficients - np.float32(found.median)) <= epsilon
    return found.value, int(np.count_nonzero(fragile))


# which mirrored pictures the kernel is asked for, along an axis
_AS_IT_IS, _MIRRORED, _BOTH = 1, 2, 3


def _digest_of(picture: Picture) -> _Digest:
    turn = picture.turn
    along_x = _MIRRORED if turn.flip_x else _AS_IT_IS
    along_y = _MIRRORED if turn.flip_y else _AS_IT_IS
    return _settled(_samples(picture, along_x, along_y)[0], picture, turn)


def _samples(picture: Picture, along_x: int, along_y: int) -> NDArray[np.float32]:
    """Return the samples of the picture as it lies, and mirrored as asked for, x fastest."""
    count = (1 + (along_x == _BOTH)) * (1 + (along_y == _BOTH))
    samples = np.empty((count, 64, 64), np.float32)
    kernels.pdq.downsample(picture.base, along_x, along_y, kernels.level(), samples)
    return samples


@cache
def _ways(first: Turn) -> tuple[tuple[Turn, ...], tuple[tuple[int, bool], ...]]:
    """Return what brings a picture as it lies into each orientation, and into its samples.

    The samples are told by their number among the mirrored ones, and whether to transpose them.
    """
    turns = tuple(way.after(first) for way in TURNS.values())
    return turns, tuple((turn.flip_x + 2 * turn.flip_y, turn.swap) for turn in turns)


def _settled(mirrored: NDArray[np.float32], picture: Picture, turn: Turn) -> _Digest:
    """Digest exact samples, or the reference's where its rounding could make a difference."""
    found = _digest(np.ascontiguousarray(mirrored.T) if turn.swap else mirrored)
    return found if found.certain else _replayed(picture, turn)


def _certain(apart: float, gradients: int, doubtful: int) -> bool:
    """Say whether the reference's rounding errors cannot change a hash or its quality."""
    return apart > 0 and _quality(gradients - doubtful) == _quality(gradients + doubtful)


def _quality(gradients: int) -> int:
    return min(100, gradients // 90)


def _replayed(picture: Picture, turn: Turn) -> _Digest:
    replayed = np.empty((64, 64), np.float32)
    kernels.pdq.replay(turn.apply(picture.base), kernels.level(), replayed)
    return _digest(replayed)


def _digest(samples: NDArray[np.float32]) -> _Digest:
    coefficients = np.empty((16, 16), np.float32)
    bits, median, apart, gradients, doubtful = kernels.pdq.digest(
        samples, _GRADIENT_ERROR, COEFFICIENT_ERROR, kernels.level(), coefficients
    )
    return _Digest(bits, coefficients, median, apart, gradients, doubtful)
