"""How much of what it should find does an approximate index find?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hashmatch.errors import IndexCapabilityError
from hashmatch.indexes.contract import Codes, Index

PLANTED = 500


@dataclass(frozen=True, slots=True)
class Recall:
    """The share of planted rows that were found.

    Parameters
    ----------
    radius : int
        Queries lay at distances spread evenly over 0 .. ``radius`` from a row.
    queries : int
        How many there were.
    share : float
        The share of them whose row was found.
    by : str
        ``radius`` or ``nearest``, the search that was used.
    """

    radius: int
    queries: int
    share: float
    by: str

    def to_json(self) -> dict[str, Any]:
        """Return the figure as JSON values."""
        return asdict(self)


def measure(index: Index, codes: Codes, radius: int) -> Recall | None:
    """Search an index for copies of its own rows with some bits flipped.

    Parameters
    ----------
    index : Index
    codes : (N, bits / 8) uint8
        What it was built from; rows are drawn from all of them.
    radius : int

    Returns
    -------
    Recall or None
        ``None`` for an empty index.
    """
    if not len(codes):
        return None
    rng = np.random.default_rng(0)
    count = min(PLANTED, max(len(codes), 50))
    rows = rng.integers(0, len(codes), count)
    distances = np.arange(count) % (radius + 1)
    bits = np.unpackbits(codes[rows], axis=1)
    order = np.argsort(rng.random(bits.shape), axis=1)
    np.put_along_axis(flips := np.zeros_like(bits), order, _first(distances, bits.shape[1]), axis=1)
    queries = np.packbits(bits ^ flips, axis=1)
    try:
        found = index.search_radius(queries, radius)
        hit = np.array([row in found.of(query)[0] for query, row in enumerate(rows.tolist())])
        by = "radius"
    except IndexCapabilityError:
        nearest = index.search_nearest(queries, 1)
        # another row may be as near as the planted one, or nearer
        hit = (nearest.rows[:, 0] >= 0) & (nearest.distances[:, 0] <= distances)
        by = "nearest"
    return Recall(radius, count, float(np.mean(hit)), by)


def _first(counts: np.ndarray[Any, Any], width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a row for each count, that many ones before zeros."""
    return (np.arange(width) < counts[:, None]).astype(np.uint8)
