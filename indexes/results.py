"""Putting results together: from several parts of an index, without some of the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hashmatch.indexes.contract import NearestResult, RadiusResult


def gather(
    queries: int, asked: NDArray[np.int64], rows: NDArray[np.int64], distances: NDArray[np.int32]
) -> RadiusResult:
    """Order hits, given in any order with the query each belongs to, as a result."""
    order = np.lexsort((rows, distances, asked))
    offsets = np.zeros(queries + 1, np.int64)
    np.cumsum(np.bincount(asked, minlength=queries), out=offsets[1:])
    return RadiusResult(offsets, rows[order], distances[order])


def query_of(result: RadiusResult) -> NDArray[np.int64]:
    """Return the query that each hit of a result belongs to."""
    counts = np.diff(result.offsets)
    return np.repeat(np.arange(len(counts), dtype=np.int64), counts)


def merged(parts: Sequence[RadiusResult]) -> RadiusResult:
    """Join the results of the same queries in disjoint parts of an index."""
    full = [part for part in parts if len(part.rows)]
    if len(full) < 2:
        return full[0] if full else parts[0]
    return gather(
        len(parts[0].offsets) - 1,
        np.concatenate([query_of(part) for part in full]),
        np.concatenate([part.rows for part in full]),
        np.concatenate([part.distances for part in full]),
    )


def by_query(queries: int, parts: Sequence[tuple[NDArray[np.int64], RadiusResult]]) -> RadiusResult:
    """Join results of some of the queries each, given with the numbers of those queries."""
    return gather(
        queries,
        np.concatenate([numbers[query_of(part)] for numbers, part in parts]),
        np.concatenate([part.rows for _, part in parts]),
        np.concatenate([part.distances for _, part in parts]),
    )


def kept(result: RadiusResult, keep: NDArray[np.bool_]) -> RadiusResult:
    """Return a result without the hits whose ``keep`` is false."""
    if keep.all():
        return result
    before = np.zeros(len(keep) + 1, np.int64)
    np.cumsum(keep, out=before[1:])
    return RadiusResult(before[result.offsets], result.rows[keep], result.distances[keep])


def nearest_of(result: RadiusResult, k: int) -> NearestResult:
    """Return the first ``k`` hits of each query of a result, padded with -1."""
    queries = len(result.offsets) - 1
    rows = np.full((queries, k), -1, np.int64)
    distances = np.full((queries, k), -1, np.int32)
    for query in range(queries):
        found_rows, found_distances = result.of(query)
        taken = min(k, len(found_rows))
        rows[query, :taken] = found_rows[:taken]
        distances[query, :taken] = found_distances[:taken]
    return NearestResult(rows, distances)


def nearest_merged(parts: Sequence[NearestResult]) -> NearestResult:
    """Join the nearest rows of the same queries in disjoint parts of an index."""
    if len(parts) == 1:
        return parts[0]
    k = parts[0].rows.shape[1]
    rows = np.concatenate([part.rows for part in parts], axis=1)
    distances = np.concatenate([part.distances for part in parts], axis=1)
    far = np.where(rows < 0, np.iinfo(np.int32).max, distances)
    order = np.lexsort((rows, far), axis=1)[:, :k]
    return NearestResult(
        np.take_along_axis(rows, order, axis=1), np.take_along_axis(distances, order, axis=1)
    )
