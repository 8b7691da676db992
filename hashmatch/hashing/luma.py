"""phash, dhash, ahash and whash: bit for bit those of the imagehash library.

All four look at the picture in Pillow's 8-bit grey, resized by Pillow's Lanczos filter to a few
pixels. From there on each is a few lines.

Sources: imagehash (Johannes Buchner), "Looks Like It" and "Kind of Like That" (Neal Krawetz,
hackerfactor.com, 2011 and 2013).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hashmatch import kernels
from hashmatch.hashing.pixels import TURNS, UNTURNED, Picture, Turn
from hashmatch.hashing.planes import Plane, Request, planes
from hashmatch.hashing.quality import quality
from hashmatch.hashing.wavelet import low_frequencies
from hashmatch.types import HashValue

Bits = NDArray[np.bool_]

# What counts as a clear bit: a difference of a grey level, or, times the plane's side, what noise
# of half a grey level does to a coefficient of the unscaled DCT.
_CLEAR_LEVEL = 1.0


def _phash(plane: Plane, side: int) -> tuple[Bits, Bits, NDArray[np.float64]]:
    from scipy.fftpack import dct  # costs a tenth of a second to import

    frequencies = dct(dct(plane, axis=0), axis=1)[:side, :side]
    median = np.median(frequencies)
    clear = np.abs(frequencies - median) > _CLEAR_LEVEL * plane.shape[0]
    return frequencies > median, clear, plane.astype(np.float64)


def _dhash(plane: Plane, side: int) -> tuple[Bits, Bits, NDArray[np.float64]]:
    steps = np.diff(plane.astype(np.int16), axis=1)
    return steps > 0, np.abs(steps) > _CLEAR_LEVEL, plane.astype(np.float64)


def _ahash(plane: Plane, side: int) -> tuple[Bits, Bits, NDArray[np.float64]]:
    mean = plane.mean()
    return plane > mean, np.abs(plane - mean) > _CLEAR_LEVEL, plane.astype(np.float64)


def _whash(plane: Plane, side: int) -> tuple[Bits, Bits, NDArray[np.float64]]:
    # The Haar transform's low frequencies are block means, but for a constant and a factor.
    block = plane.shape[0] // side
    sums = np.empty((side, side), np.int64)
    kernels.resample.block_sums(plane, kernels.level(), sums)
    ordered = np.sort(sums, axis=None)
    below, above = ordered[sums.size // 2 - 1], ordered[sums.size // 2]
    if below == above:  # the library's rounding errors decide the bits of the tied blocks
        compared = low_frequencies(plane, side)
        bits = compared > np.median(compared)
    else:
        bits = sums >= above
    means = sums / block**2
    return bits, np.abs(means - (below + above) / 2 / block**2) > _CLEAR_LEVEL, means


@dataclass(frozen=True, slots=True)
class LumaHash:
    """One of these hash types.

    Parameters
    ----------
    side : int
        Bits along an axis.
    size : callable
        The plane's (width, height) for a picture.
    compute : callable
        Bits, which of them are clear, and the grey values the quality looks at, of a plane.
    """

    side: int
    size: Callable[[Picture], tuple[int, int]]
    compute: Callable[[Plane, int], tuple[Bits, Bits, NDArray[np.float64]]]


def _wavelet_size(picture: Picture) -> tuple[int, int]:
    scale = max(8, 1 << (picture.least_side.bit_length() - 1))
    return scale, scale


HASHES = {
    "phash": LumaHash(8, lambda _: (32, 32), _phash),
    "dhash": LumaHash(8, lambda _: (9, 8), _dhash),
    "ahash": LumaHash(8, lambda _: (8, 8), _ahash),
    "whash": LumaHash(8, _wavelet_size, _whash),
    "phash16": LumaHash(16, lambda _: (64, 64), _phash),
    "dhash16": LumaHash(16, lambda _: (17, 16), _dhash),
}


def compute(picture: Picture, names: Sequence[str]) -> dict[str, HashValue]:
    """Return the hashes of these names; the grey picture is made once for all of them."""
    return {name: values[0] for name, values in _compute(picture, names, [UNTURNED]).items()}


def compute_orientations(
    picture: Picture, names: Sequence[str]
) -> dict[str, tuple[HashValue, ...]]:
    """Return the hashes of a picture in each ``Orientation``, in their order."""
    return _compute(picture, names, list(TURNS.values()))


def _compute(
    picture: Picture, names: Sequence[str], turns: list[Turn]
) -> dict[str, tuple[HashValue, ...]]:
    requests = []
    for name in names:
        width, height = HASHES[name].size(picture)
        requests += [Request(width, height, turn) for turn in turns]
    made = iter(planes(picture, requests))
    return {name: tuple(_value(name, next(made)) for _ in turns) for name in names}


def _value(name: str, plane: Plane) -> HashValue:
    kind = HASHES[name]
    bits, clear, grey = kind.compute(plane, kind.side)
    return HashValue(name, np.packbits(bits).tobytes(), quality(grey, clear, bits))
