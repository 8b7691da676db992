"""Synthetic codes and queries for the search benchmarks, made with numpy in seconds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
SIZE = 32
BITS = 8 * SIZE


def uniform(rows: int, seed: int = 1) -> Codes:
    """Return codes whose bits are fair and independent."""
    return np.random.default_rng(seed).integers(0, 256, (rows, SIZE), np.uint8)


def clustered(rows: int, seed: int = 2) -> Codes:
    """Return codes in groups of 50 within some 20 bits of a common centre, as video frames are."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 256, (max(rows // 50, 1), SIZE), np.uint8)
    codes = centres[rng.integers(0, len(centres), rows)]
    for _ in range(12):
        bits = rng.integers(0, BITS, rows)
        codes[np.arange(rows), bits >> 3] ^= (1 << (bits & 7)).astype(np.uint8)
    return codes


def skewed(rows: int, seed: int = 3) -> Codes:
    """Return codes half of whose bits are ones with shares from 0.15 to 0.5, not all a half."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (rows, SIZE), np.uint8)
    for byte in range(0, SIZE, 2):
        codes[:, byte] &= rng.integers(0, 256, rows, np.uint8)  # a quarter
        if byte % 4:
            codes[:, byte] |= rng.integers(0, 256, rows, np.uint8) & np.uint8(0x55)
    return codes


def flipped(codes: Codes, most: int, seed: int = 4) -> Codes:
    """Return each code with 0 to ``most`` bits flipped, every number equally often."""
    rng = np.random.default_rng(seed)
    bits = np.unpackbits(codes, axis=1)
    order = np.argsort(rng.random(bits.shape), axis=1)
    counts = np.arange(len(codes)) % (most + 1)
    ones = (np.arange(BITS) < counts[:, None]).astype(np.uint8)
    flips = np.zeros_like(bits)
    np.put_along_axis(flips, order, ones, axis=1)
    return np.packbits(bits ^ flips, axis=1)


def queries_for(codes: Codes, count: int, like: Codes | None = None, seed: int = 5) -> Codes:
    """Return queries of which half lie 0 to 31 bits from a code and half are random, mixed.

    Random ones are drawn from ``like`` where bits are not fair.
    """
    rng = np.random.default_rng(seed)
    planted = flipped(codes[rng.integers(0, len(codes), count // 2)], 31)
    strange = like if like is not None else uniform(count - len(planted), seed)
    mixed = np.concatenate([planted, strange[: count - len(planted)]])
    return np.ascontiguousarray(mixed[rng.permutation(count)])
