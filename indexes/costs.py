"""What a search costs by either way, so that the cheaper one is taken.

The constants are nanoseconds, measured with ``bench/index_costs.py`` on one core of an AMD EPYC
(Zen 4, AVX-512) with 10 million codes. Other machines differ, mostly by a common factor, which
does not matter for the choice. The answer is the same either way; only time depends on this.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache

SCAN_BYTE = 0.034
"""A byte of code met by a single query: memory bandwidth."""
SCAN_WORD = 0.035
"""32 bits of code in a batch, per query."""
SCAN_CALL = 3_400.0
MIH_CALL = 5_000.0
MIH_BUCKET = 8.0
"""A bucket to be found and read from its beginning."""
MIH_TAG = 0.2
MIH_CANDIDATE = 70.0
"""A code that passed its first two bands and is followed."""
BATCH = 3
"""From so many queries on a scan shares its work among them."""


@cache
def binomial_tail(bits: int, most: int) -> float:
    """Return the share of words of ``bits`` random bits that have at most ``most`` ones."""
    if most < 0:
        return 0.0
    return sum(math.comb(bits, ones) for ones in range(min(most, bits) + 1)) / 2.0**bits


@lru_cache(4096)  # a search asks again and again about the same few
def scan_cost(rows: int, size: int, radius: int, queries: int) -> float:
    """Return the nanoseconds per query of comparing every code of ``size`` bytes."""
    if queries < BATCH:
        return SCAN_CALL + rows * size * SCAN_BYTE
    words = math.ceil(size / 4)
    early = next(
        (w for w in range(1, min(words, 8)) if 16 * w - 3.25 * math.sqrt(8 * w) > radius), words
    )
    laid_out = rows * size * SCAN_BYTE / queries
    return SCAN_CALL / queries + rows * early * SCAN_WORD + laid_out


@cache
def mih_work(bands: int, radius: int) -> tuple[float, float, float]:
    """Return buckets visited, and the shares of the rows that are compared and followed.

    Bits are taken to be evenly spread and thresholds to be shared evenly.
    """
    units, rest = divmod(radius + 1, bands)
    buckets = compared = followed = 0.0
    for band in range(bands):
        own = units + (band < rest)
        after = units + ((band + 1) % bands < rest)
        for apart in range(min(own, 17)):
            ring = math.comb(16, apart)
            buckets += ring
            compared += ring / 65536
            followed += ring / 65536 * binomial_tail(16, own + after - 1 - apart)
    return buckets, compared, followed


@lru_cache(4096)
def mih_cost(rows: int, bands: int, radius: int, queries: int) -> float:
    """Return the nanoseconds per query of searching the tables."""
    buckets, compared, followed = mih_work(bands, radius)
    return (
        MIH_CALL / queries
        + buckets * MIH_BUCKET
        + rows * (compared * MIH_TAG + followed * MIH_CANDIDATE)
    )


@lru_cache(4096)
def mih_budget(rows: int, size: int, bands: int, radius: int, queries: int) -> int:
    """Return how many tags a query may compare before reading every code is cheaper."""
    _, compared, followed = mih_work(bands, radius)
    per_tag = MIH_TAG + MIH_CANDIDATE * (followed / compared if compared else 0.0)
    return int(scan_cost(rows, size, radius, queries) / per_tag)
