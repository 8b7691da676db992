"""Searching by Hamming distance, as plainly as numpy can say it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROWS = 1 << 15


def distances(codes: NDArray[np.uint8], query: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return the distance of every code, (N, bytes), from one query, (bytes,), in bits."""
    found = np.empty(len(codes), np.int32)
    for start in range(0, len(codes), _ROWS):
        differing = np.bitwise_count(codes[start : start + _ROWS] ^ query)
        found[start : start + _ROWS] = differing.sum(axis=1, dtype=np.int32)
    return found


def search_radius(
    codes: NDArray[np.uint8],
    queries: NDArray[np.uint8],
    radius: int,
    removed: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Return offsets, rows and distances of every row within ``radius`` of each query.

    Parameters
    ----------
    codes, queries : (N, bytes) and (Q, bytes) uint8
    radius : int
    removed : (N,) bool or None
        Rows that must not be found.
    """
    ends, rows, far = [0], [np.empty(0, np.int64)], [np.empty(0, np.int32)]
    for query in queries:
        away = distances(codes, query)
        within = np.flatnonzero((away <= radius) & (True if removed is None else ~removed))
        order = np.lexsort((within, away[within]))
        rows.append(within[order].astype(np.int64))
        far.append(away[within][order])
        ends.append(ends[-1] + len(within))
    return np.array(ends, np.int64), np.concatenate(rows), np.concatenate(far)


def search_nearest(
    codes: NDArray[np.uint8],
    queries: NDArray[np.uint8],
    k: int,
    removed: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return rows and distances, (Q, k), of the nearest rows, -1 where there are fewer."""
    rows = np.full((len(queries), k), -1, np.int64)
    far = np.full((len(queries), k), -1, np.int32)
    offsets, all_rows, all_far = search_radius(codes, queries, codes.shape[1] * 8, removed)
    for query in range(len(queries)):
        span = slice(offsets[query], min(offsets[query + 1], offsets[query] + k))
        taken = span.stop - span.start
        rows[query, :taken], far[query, :taken] = all_rows[span], all_far[span]
    return rows, far
