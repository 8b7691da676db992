"""The twin of ``src_ext/probes``: samples of changed views of a picture, in float64 numpy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

GRID = 192
SIDE = 64
LUMA = np.array([0.299, 0.587, 0.114])

Floats = NDArray[np.float64]


def reduce(pixels: NDArray[np.uint8], block: int) -> Floats:
    """Return the mean luma of blocks of ``block`` x ``block`` pixels of (H, W, 1 or 3)."""
    grey = pixels[..., 0] * 1.0 if pixels.shape[2] == 1 else pixels @ LUMA
    down, across = (range(0, size, block) for size in grey.shape)
    return np.array([[grey[y : y + block, x : x + block].mean() for x in across] for y in down])


def profiles(plane: Floats, step: float) -> tuple[Floats, Floats]:
    """Return mean, deviation and share of steps of each row and of each column, (n, 3)."""
    return _profile(plane, step), _profile(plane.T, step)


def grid(
    plane: Floats, block: int, size: tuple[int, int], box: tuple[float, float, float, float]
) -> Floats:
    """Return the blurred grid over a box: top, bottom, left, right in pixels.

    ``size`` is the picture's height and width; the plane's last blocks may be smaller.
    """
    top, bottom, left, right = box
    down = _weights(plane.shape[0], block, size[0], top, bottom)
    across = _weights(plane.shape[1], block, size[1], left, right)
    return down @ plane @ across.T


def sample(grid: Floats, view: tuple[float, float, float, float, float, float]) -> Floats:
    """Return the samples of a view: top, bottom, left, right, degrees, aspect."""
    top, bottom, left, right, degrees, aspect = view
    middles = (np.arange(SIDE) + 0.5) / SIDE
    v, u = np.meshgrid(
        top + (bottom - top) * middles, left + (right - left) * middles, indexing="ij"
    )
    if degrees:
        angle = math.radians(degrees)
        x, y = (u - 0.5) * aspect, v - 0.5
        u = (math.cos(angle) * x - math.sin(angle) * y) / aspect + 0.5
        v = math.sin(angle) * x + math.cos(angle) * y + 0.5
    (row, down), (column, across) = _place(v), _place(u)
    above = grid[row, column] * (1 - across) + grid[row, column + 1] * across
    below = grid[row + 1, column] * (1 - across) + grid[row + 1, column + 1] * across
    return above * (1 - down) + below * down


def _profile(plane: Floats, step: float) -> Floats:
    shares = np.zeros(len(plane))
    shares[:-2] = (np.abs(plane[2:] - plane[:-2]) > step).mean(axis=1)
    return np.stack([plane.mean(axis=1), plane.std(axis=1), shares], axis=1)


def _weights(blocks: int, block: int, full: int, low: float, high: float) -> Floats:
    """Return (GRID, blocks): how much each block counts for each grid point along an axis."""
    half = max((high - low) / 128, block / 2)
    middles = (low + (np.arange(GRID) + 0.5) / GRID * (high - low))[:, None]
    nearest, furthest = np.maximum(middles - half, low), np.minimum(middles + half, high)
    starts = np.arange(blocks) * block
    ends = np.minimum(starts + block, full)
    left = np.clip(starts, nearest, furthest)
    right = np.clip(ends, nearest, furthest)
    weights: Floats = _triangle_below((right - middles) / half) - _triangle_below(
        (left - middles) / half
    )
    total: Floats = weights.sum(axis=1, keepdims=True)
    return weights / total


def _triangle_below(at: Floats) -> Floats:
    """Return the share of a triangle of half width 1 about 0 that lies left of each point."""
    at = np.clip(at, -1, 1)
    return np.where(at < 0, 0.5 * (1 + at) ** 2, 1 - 0.5 * (1 - at) ** 2)


def _place(at: Floats) -> tuple[NDArray[np.int64], Floats]:
    scaled = np.clip(at * GRID - 0.5, 0, GRID - 1)
    index = np.minimum(scaled.astype(np.int64), GRID - 2)
    return index, scaled - index
