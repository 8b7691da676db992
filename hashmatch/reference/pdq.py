"""The twin of the PDQ kernels, in the plainest terms: two box filters, a pick, a DCT, a median.

``samples`` states what the samples are, in exact integers; ``replayed`` is the reference's chain
of float operations; both are slow.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

SIDE = 64


def window(size: int) -> int:
    """Return the width of the box along an axis of so many pixels."""
    return (size + 2 * SIDE - 1) // (2 * SIDE)


def centers(size: int) -> list[int]:
    """Return the pixels along an axis that the samples are picked at."""
    return [int((i + 0.5) * size / SIDE) for i in range(SIDE)]


def _box(at: int, size: int) -> range:
    """Return the pixels that the box around a pixel takes the mean of."""
    ahead = window(size) // 2
    behind = window(size) - 1 - ahead
    return range(max(0, at - behind), min(size, at + ahead + 1))


def weights(size: int) -> list[dict[int, Fraction]]:
    """Return each sample's weights along an axis: pixel to weight, adding up to 1."""
    found = []
    for center in centers(size):
        outer = _box(center, size)
        weight: dict[int, Fraction] = {}
        for middle in outer:
            inner = _box(middle, size)
            for pixel in inner:
                weight[pixel] = weight.get(pixel, Fraction(0)) + Fraction(
                    1, len(outer) * len(inner)
                )
        found.append(weight)
    return found


def samples(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the (64, 64) samples of (H, W) or (H, W, 3) pixels, rounded once."""
    height, width = pixels.shape[:2]
    wide = pixels.astype(np.int64)
    if pixels.ndim == 3:
        luma = 299 * wide[:, :, 0] + 587 * wide[:, :, 1] + 114 * wide[:, :, 2]
        unit = 1000
    else:
        luma, unit = wide, 1
    down, down_scale = _whole(weights(height), height)
    across, across_scale = _whole(weights(width), width)
    sums = down.astype(object) @ luma.astype(object) @ across.astype(object).T
    scale = unit * down_scale * across_scale
    return np.array([[float(Fraction(int(s), scale)) for s in row] for row in sums], np.float32)


def _whole(rows: list[dict[int, Fraction]], size: int) -> tuple[NDArray[np.int64], int]:
    """Return weights as whole numbers and what they are to be divided by."""
    scale = int(np.lcm.reduce([w.denominator for row in rows for w in row.values()]))
    matrix = np.zeros((SIDE, size), np.int64)
    for i, row in enumerate(rows):
        for pixel, weight in row.items():
            matrix[i, pixel] = int(weight * scale)
    return matrix, scale


def _box_down(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Filter columns with a running sum, as the reference does, in float."""
    size = values.shape[0]
    sums = np.zeros(values.shape[1], np.float32)
    filtered = np.empty_like(values)
    box = range(0)
    for at in range(size):
        new = _box(at, size)
        for pixel in range(box.stop, new.stop):
            sums = sums + values[pixel]
        for pixel in range(box.start, new.start):
            sums = sums - values[pixel]
        box = new
        filtered[at] = sums / np.float32(len(box))
    return filtered


def replayed(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the (64, 64) samples as the C++ reference rounds them."""
    if pixels.ndim == 3:
        luma = pixels[:, :, 0] * 0.299 + pixels[:, :, 1] * 0.587 + pixels[:, :, 2] * 0.114
    else:
        luma = pixels.astype(np.float64)
    values: NDArray[np.float32] = luma.astype(np.float32)
    if values.shape == (SIDE, SIDE):
        return values
    for _ in range(2):
        values = _box_down(values.T).T
        values = _box_down(values)
    height, width = values.shape
    return np.ascontiguousarray(values[np.ix_(centers(height), centers(width))])


def transform(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (16, 16) low frequencies of (64, 64) samples, adding in the reference's order."""
    i, j = np.mgrid[0:16, 0:SIDE]
    scale = np.float32(np.sqrt(2.0 / SIDE))
    basis = (scale * np.cos((np.pi / 2.0 / SIDE) * (i + 1) * (2 * j + 1))).astype(np.float32)
    down: NDArray[np.float32] = np.zeros((16, SIDE), np.float32)
    for k in range(SIDE):
        down = down + basis[:, k : k + 1] * values[k]
    both: NDArray[np.float32] = np.zeros((16, 16), np.float32)
    for k in range(SIDE):
        both = both + down[:, k : k + 1] * basis[:, k]
    return both


def median(coefficients: NDArray[np.float32]) -> float:
    """Return the 128th smallest coefficient."""
    return float(np.sort(coefficients, axis=None)[127])


def apart(coefficients: NDArray[np.float32], tolerance: float) -> float:
    """Return how far set bits' coefficients stay above the others, each off as much as may be."""
    i, j = np.mgrid[1:17, 1:17].astype(np.float32)
    off = np.float32(tolerance) * (1 / i + 1 / j)
    above = coefficients > np.float32(median(coefficients))
    if np.count_nonzero(above) != 128:
        return -np.inf
    return float((coefficients - off)[above].min() - (coefficients + off)[~above].max())


def bits(coefficients: NDArray[np.float32]) -> bytes:
    """Return the hash: a bit for each coefficient above the median, the last one first."""
    above = coefficients.ravel() > np.float32(median(coefficients))
    return np.packbits(above[::-1]).tobytes()


def gradients(values: NDArray[np.float32], slack: float) -> tuple[int, int]:
    """Return the sum of significant gradients, and how many lie within ``slack`` of a step."""
    steps = np.concatenate([np.diff(values, axis=0).ravel(), np.diff(values, axis=1).ravel()])
    sizes = np.abs(steps * np.float32(100) / np.float32(255))
    whole = np.floor(sizes)
    beyond = sizes - whole
    close = ((whole > 0) & (beyond < np.float32(slack))) | (beyond > 1 - np.float32(slack))
    return int(whole.sum()), int(close.sum())
