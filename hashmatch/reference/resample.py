"""The twin of the resize kernels: Pillow's grey and Lanczos filter in Python integers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

PRECISION = 22
SUPPORT = 3.0


def grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 3) colours as (H, W) grey."""
    red, green, blue = (pixels[:, :, c].astype(np.int64) for c in range(3))
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).astype(np.uint8)


def _sinc(x: float) -> float:
    return 1.0 if x == 0 else math.sin(x * math.pi) / (x * math.pi)


def _lanczos(x: float) -> float:
    return _sinc(x) * _sinc(x / SUPPORT) if -SUPPORT <= x < SUPPORT else 0.0


def weights(size_in: int, size_out: int) -> NDArray[np.int64]:
    """Return the (size_out, size_in) weights of a resize, scaled by 2**22."""
    matrix = np.zeros((size_out, size_in), np.int64)
    if size_in == size_out:
        return matrix + np.diag([1 << PRECISION] * size_in)
    scale = size_in / size_out
    stretch = max(scale, 1.0)
    for o in range(size_out):
        center = (o + 0.5) * scale
        start = max(0, int(center - SUPPORT * stretch + 0.5))
        end = min(size_in, int(center + SUPPORT * stretch + 0.5))
        row = [_lanczos((x - center + 0.5) * (1.0 / stretch)) for x in range(start, end)]
        total = 0.0
        for weight in row:
            total += weight
        for x, weight in zip(range(start, end), row, strict=True):
            scaled = (weight / total if total else weight) * (1 << PRECISION)
            matrix[o, x] = int(scaled - 0.5) if scaled < 0 else int(scaled + 0.5)
    return matrix


def down(pixels: NDArray[np.uint8], size_out: int) -> NDArray[np.uint8]:
    """Resize (H, W) grey along y."""
    sums = weights(pixels.shape[0], size_out) @ pixels.astype(np.int64)
    rounded: NDArray[np.int64] = (sums + (1 << (PRECISION - 1))) >> PRECISION
    return rounded.clip(0, 255).astype(np.uint8)


def across(pixels: NDArray[np.uint8], size_out: int) -> NDArray[np.uint8]:
    """Resize (H, W) grey along x."""
    return down(pixels.T, size_out).T
