"""Multi-index hashing: exact radius search that looks at a small part of the codes.

How it works, and why it misses nothing, is told in ``src_ext/mih/mih.h`` and ``docs/indexes.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch import kernels
from hashmatch.errors import IndexArgumentError, IndexCapabilityError
from hashmatch.indexes.contract import Codes, NearestResult, RadiusResult
from hashmatch.indexes.native import Bitmap, NativeIndex, scan_nearest, scan_radius
from hashmatch.indexes.results import by_query, nearest_of

BAND_BITS = 16
MOST_ROWS = (1 << 32) - 1
_MOST_BANDS = 128


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables over some codes, for searches at any radius.

    Parameters
    ----------
    starts : (bands, 65537) uint32
        Where the bucket of each value of a band begins.
    tags : (bands, N) uint16
        In the order of each band's buckets, the value in the next band.
    anchors : (anchored bands, N) uint32
        In that order, the row.
    links : (other bands, link_size * N) uint8
        In that order, the place within the next band's bucket.
    link_size : int
        0, 1 or 2 bytes, the least that the longest bucket allows; 0 if every band is anchored.
    """

    starts: NDArray[np.uint32]
    tags: NDArray[np.uint16]
    anchors: NDArray[np.uint32]
    links: NDArray[np.uint8]
    link_size: int

    @classmethod
    def build(cls, codes: Codes) -> Self:
        """Make the tables, in one pass over the codes per band."""
        rows, bands = len(codes), codes.shape[1] * 8 // BAND_BITS
        starts = np.zeros((bands, (1 << BAND_BITS) + 1), np.uint32)
        longest = kernels.mih.count(codes, starts)
        link_size = 1 if longest <= 1 << 8 else 2 if longest <= 1 << 16 else 0
        anchored = sum(kernels.mih.anchored(bands, link_size))
        tags = np.empty((bands, rows), np.uint16)
        anchors = np.empty((anchored, rows), np.uint32)
        links = np.empty((bands - anchored, link_size * rows), np.uint8)
        kernels.mih.fill(codes, starts, tags, anchors, links, link_size)
        return cls(starts, tags, anchors, links, link_size)

    def search(
        self, codes: Codes, removed: Bitmap | None, queries: Codes, radius: int, budget: int
    ) -> tuple[RadiusResult, NDArray[np.bool_]]:
        """Search, but for queries that would have to compare more than ``budget`` tags.

        Returns
        -------
        found : RadiusResult
            Empty for the queries that were left out.
        left_out : (Q,) bool
        """
        offsets, rows, distances, deferred = kernels.mih.search_radius(
            codes,
            self.starts,
            self.tags,
            self.anchors,
            self.links,
            self.link_size,
            removed,
            queries,
            radius,
            budget,
            kernels.level(),
        )
        return RadiusResult(offsets, rows, distances), deferred.view(np.bool_)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, for storage."""
        return {
            "starts": self.starts,
            "tags": self.tags,
            "anchors": self.anchors,
            "links": self.links,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], link_size: int) -> Self:
        """Open stored tables.

        Raises
        ------
        IndexArgumentError
            If their shapes do not belong together.
        """
        rows, bands = len(arrays["codes"]), arrays["codes"].shape[1] * 8 // BAND_BITS
        anchored = sum(kernels.mih.anchored(bands, link_size))
        expected = {
            "starts": (bands, (1 << BAND_BITS) + 1),
            "tags": (bands, rows),
            "anchors": (anchored, rows),
            "links": (bands - anchored, link_size * rows),
        }
        for name, shape in expected.items():
            if arrays[name].shape != shape:
                raise IndexArgumentError(
                    f"stored {name} of shape {arrays[name].shape}, not {shape}"
                )
        return cls(arrays["starts"], arrays["tags"], arrays["anchors"], arrays["links"], link_size)


def check_tables_possible(kind: str, bits: int, rows: int) -> None:
    """Refuse what tables cannot be made for.

    Raises
    ------
    IndexCapabilityError
        If codes cannot be cut into bands.
    IndexArgumentError
        If there are too many of them.
    """
    if not can_be_cut(bits):
        raise IndexCapabilityError(
            f"an index of kind {kind!r} needs codes of a multiple of {BAND_BITS} bits, from "
            f"{2 * BAND_BITS} to {_MOST_BANDS * BAND_BITS}, not {bits}; use 'auto' or 'scan'"
        )
    if rows > MOST_ROWS:
        raise IndexArgumentError(f"an index of kind {kind!r} holds at most {MOST_ROWS:,} rows")


def can_be_cut(bits: int) -> bool:
    """Say whether codes of a width can be cut into bands."""
    return bits % BAND_BITS == 0 and 2 <= bits // BAND_BITS <= _MOST_BANDS


class MihIndex(NativeIndex):
    """Multi-index hashing at any radius.

    Where a query would have to compare so many tags that reading every code is certainly quicker,
    the codes are read; the answer is the same.
    """

    def __init__(
        self,
        kind: str,
        bits: int,
        codes: Codes,
        removed: Bitmap | None = None,
        tables: Tables | None = None,
    ) -> None:
        super().__init__(kind, bits, codes, removed)
        check_tables_possible(kind, bits, len(codes))
        self._tables = tables or Tables.build(codes)

    @classmethod
    def from_arrays(
        cls,
        kind: str,
        arrays: Mapping[str, NDArray[Any]],
        *,
        bits: int,
        parameters: Mapping[str, Any],
    ) -> Self:
        """Open a stored index."""
        tables = Tables.from_arrays(arrays, parameters["link_size"])
        return cls(kind, bits, arrays["codes"], arrays.get("removed"), tables)

    def parameters(self) -> dict[str, Any]:
        """Return the width of links."""
        self._fold()
        return {"link_size": self._tables.link_size}

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the codes and the tables."""
        return {**super().arrays(), **self._tables.arrays()}

    def _rebuilt(self) -> None:
        check_tables_possible(self.kind, self.bits, len(self._codes))
        self._tables = Tables.build(self._codes)

    def _search_base(self, queries: Codes, radius: int) -> RadiusResult:
        budget = len(self._codes) * (self.bits // BAND_BITS) // 4
        return search_tables(self._tables, self._codes, self._removed, queries, radius, budget)

    def _nearest_in_base(self, queries: Codes, k: int) -> NearestResult:
        bands = self.bits // BAND_BITS
        radii = [times * bands - 1 for times in (1, 2, 3)]
        return nearest_by_radius(self, self._codes, self._removed, queries, k, radii)


def search_tables(
    tables: Tables,
    codes: Codes,
    removed: Bitmap | None,
    queries: Codes,
    radius: int,
    budget: int,
) -> RadiusResult:
    """Search tables, and the codes themselves for the queries that exceed the budget."""
    found, left_out = tables.search(codes, removed, queries, radius, budget)
    if not left_out.any():
        return found
    rest = np.flatnonzero(left_out)
    scanned = scan_radius(codes, queries[rest], radius, removed)
    everyone = np.arange(len(queries), dtype=np.int64)
    return by_query(len(queries), [(everyone, found), (rest, scanned)])


def nearest_by_radius(
    index: NativeIndex,
    codes: Codes,
    removed: Bitmap | None,
    queries: Codes,
    k: int,
    radii: list[int],
) -> NearestResult:
    """Find nearest rows by radius searches that reach further until ``k`` rows are found.

    What a radius search finds is ordered as the nearest rows are, so its first ``k`` are they.
    Queries that still lack some after the last radius are compared with every code.
    """
    rows = np.full((len(queries), k), -1, np.int64)
    distances = np.full((len(queries), k), -1, np.int32)
    waiting = np.arange(len(queries))
    for radius in radii:
        if not k or k > len(codes) or not len(waiting):
            break
        found = index._search_base(queries[waiting], radius)
        enough = np.diff(found.offsets) >= k
        nearest = nearest_of(found, k)
        rows[waiting[enough]] = nearest.rows[enough]
        distances[waiting[enough]] = nearest.distances[enough]
        waiting = waiting[~enough]
    if len(waiting):
        rest = scan_nearest(codes, queries[waiting], k, removed)
        rows[waiting], distances[waiting] = rest.rows, rest.distances
    return NearestResult(rows, distances)
