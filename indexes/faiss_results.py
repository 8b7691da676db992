"""FAISS asked as the contract says, and its answers in the contract's shape and order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch.indexes.contract import (
    Codes,
    NearestResult,
    RadiusResult,
    as_codes,
    as_count,
    as_radius,
)
from hashmatch.indexes.results import gather, nearest_of


def radius_result(
    index: Any, queries: Codes, radius: int, rows: NDArray[np.int64] | None
) -> RadiusResult:
    """Search a FAISS binary index by radius.

    Parameters
    ----------
    index : faiss.IndexBinary
    queries : (Q, bits / 8) uint8
    radius : int
        In bits, and inclusive here; FAISS itself leaves out what lies exactly at its radius.
    rows : (N,) int64 or None
        The row of each FAISS id, where the two differ.

    Raises
    ------
    IndexArgumentError
        If the queries do not fit or the radius is negative.
    """
    queries, radius = as_codes(queries, index.d, "queries"), as_radius(radius, index.d)
    limits, distances, ids = index.range_search(queries, radius + 1)
    limits = limits.astype(np.int64)
    asked = np.repeat(np.arange(len(queries), dtype=np.int64), np.diff(limits))
    ids = ids.astype(np.int64)
    return gather(
        len(queries), asked, ids if rows is None else rows[ids], distances.astype(np.int32)
    )


def nearest_result(
    index: Any, queries: Codes, k: int, rows: NDArray[np.int64] | None
) -> NearestResult:
    """Search a FAISS binary index for the nearest rows.

    FAISS picks any of the rows that are equally far as the last one.

    Parameters
    ----------
    index, queries, rows
        As for :func:`radius_result`.
    k : int
        How many rows of each query.

    Raises
    ------
    IndexArgumentError
        If the queries do not fit or ``k`` is negative.
    """
    queries, k = as_codes(queries, index.d, "queries"), as_count(k)
    count = len(queries)
    if not k or not index.ntotal or not count:
        return NearestResult(np.full((count, k), -1, np.int64), np.full((count, k), -1, np.int32))
    distances, ids = index.search(queries, min(k, index.ntotal))
    found = ids >= 0
    asked = np.repeat(np.arange(count, dtype=np.int64), found.sum(axis=1))
    flat = ids[found].astype(np.int64)
    ordered = gather(
        count, asked, flat if rows is None else rows[flat], distances[found].astype(np.int32)
    )
    return nearest_of(ordered, k)
