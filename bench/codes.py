"""Hash values to search among and to search for, made from a seed.

Real lists are not uniform: frames of one video lie close together, and some bits are set more
often than others. So every search figure can be had for three kinds of list.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]

BITS = 256
SHAPES = ("uniform", "clustered", "skewed")
CLUSTER = 50
"""Rows that lie near one another in a clustered list, as frames of a video do."""
NEAR = 12
"""Bits that differ between a cluster's centre and a member."""


def codes(rows: int, shape: str = "uniform", *, bits: int = BITS, seed: int = 1) -> Codes:
    """Return a list of codes.

    Parameters
    ----------
    rows : int
    shape : str
        ``uniform``; ``clustered``, where every 50 rows differ in about 12 bits from a common
        centre; ``skewed``, where a bit's share of ones varies from 20 % to 80 %.
    bits : int
    seed : int

    Returns
    -------
    (rows, bits / 8) uint8
    """
    rng = np.random.default_rng(seed)
    width = bits // 8
    if shape == "uniform":
        return rng.integers(0, 256, (rows, width), np.uint8)
    if shape == "clustered":
        centres = rng.integers(0, 256, (-(-rows // CLUSTER), width), np.uint8)
        made = np.repeat(centres, CLUSTER, axis=0)[:rows]
        flip(made, rng.integers(0, 2 * NEAR + 1, rows), rng)
        return made
    if shape == "skewed":
        shares = np.linspace(0.2, 0.8, bits)
        np.random.default_rng(0).shuffle(shares)  # the same bits in every list and query
        made = np.empty((rows, width), np.uint8)
        for start in range(0, rows, 100_000):
            part = made[start : start + 100_000]
            part[:] = np.packbits(rng.random((len(part), bits), np.float32) < shares, axis=1)
        return made
    raise ValueError(f"unknown shape {shape!r}; there are {', '.join(SHAPES)}")


def flip(rows: Codes, counts: NDArray[np.int64], rng: np.random.Generator) -> None:
    """Flip so many distinct bits of each row, in place."""
    bits = rows.shape[1] * 8
    for start in range(0, len(rows), 50_000):
        part, many = rows[start : start + 50_000], counts[start : start + 50_000]
        most = int(many.max(initial=0))
        if most == 0:
            continue
        order = rng.random((len(part), bits), np.float32).argpartition(most - 1, axis=1)[:, :most]
        # argpartition leaves the first ``most`` in an order that is as random as the draw
        chosen = np.zeros((len(part), bits), np.uint8)
        np.put_along_axis(chosen, order, np.arange(most) < many[:, None], axis=1)
        part ^= np.packbits(chosen, axis=1)


def queries(
    known: Codes, count: int, radius: int = 31, *, shape: str = "uniform", seed: int = 2
) -> Codes:
    """Return codes to search for, half of them near a row of ``known`` and half strangers.

    Parameters
    ----------
    known : Codes
    count : int
    radius : int
        The near ones have 0 to so many bits flipped.
    shape : str
        What kind of list the strangers are drawn from.
    seed : int
    """
    rng = np.random.default_rng(seed)
    planted = known[rng.integers(0, len(known), count // 2)].copy()
    flip(planted, rng.integers(0, radius + 1, len(planted)), rng)
    bits = 8 * known.shape[1]
    strange = codes(count - len(planted), shape, bits=bits, seed=seed + 1000)
    mixed = np.concatenate([planted, strange])
    rng.shuffle(mixed)
    return mixed


def within(known: Codes, asked: Codes, radius: int) -> list[list[tuple[int, int]]]:
    """Return (distance, row) of everything within the radius of each query, by brute force."""
    found = []
    for code in asked:
        distances = np.bitwise_count(known ^ code).sum(axis=1, dtype=np.int64)
        (near,) = np.nonzero(distances <= radius)
        found.append(sorted((int(distances[row]), int(row)) for row in near))
    return found
