"""The default: multi-index hashing or the scan, whichever is cheaper for a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from numpy.typing import NDArray

from hashmatch.indexes import costs
from hashmatch.indexes.contract import Codes, NearestResult, RadiusResult
from hashmatch.indexes.mih import (
    BAND_BITS,
    MOST_ROWS,
    Tables,
    can_be_cut,
    nearest_by_radius,
    search_tables,
)
from hashmatch.indexes.native import Bitmap, NativeIndex, scan_radius


class AutoIndex(NativeIndex):
    """Codes, with tables where they pay; each search takes the way that costs less.

    Both ways give the same answer. The cost is reckoned from the number of rows, the radius and
    the number of queries (``costs``), and for each query once more from the buckets it would
    really meet, so codes that crowd in few buckets fall back to the scan rather than crawl.

    Whether there are tables is decided for the radius it is built for.
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
        self._tables = tables

    @classmethod
    def build(cls, kind: str, codes: Codes, *, bits: int, radius: int) -> Self:
        """Build tables if searches at ``radius`` are quicker with them."""
        made = cls(kind, bits, codes)
        made.radius = radius
        made._rebuilt()
        return made

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
        link_size = parameters["link_size"]
        tables = None if link_size is None else Tables.from_arrays(arrays, link_size)
        return cls(kind, bits, arrays["codes"], arrays.get("removed"), tables)

    def parameters(self) -> dict[str, Any]:
        """Return the width of links, ``None`` if it has no tables."""
        self._fold()
        return {"link_size": self._tables.link_size if self._tables else None}

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the codes, and the tables if it has them."""
        stored = super().arrays()
        return {**stored, **self._tables.arrays()} if self._tables else stored

    def way(self, radius: int, queries: int) -> str:
        """Return ``mih`` or ``scan``, the way a search of so many queries would be made."""
        rows = len(self._codes)
        if self._tables is None or not rows or not queries:
            return "scan"
        tables = costs.mih_cost(rows, self.bits // BAND_BITS, radius, queries)
        return "mih" if tables < costs.scan_cost(rows, self.bits // 8, radius, queries) else "scan"

    def _rebuilt(self) -> None:
        rows, bands = len(self._codes), self.bits // BAND_BITS
        self._tables = None
        if not can_be_cut(self.bits) or not 0 < rows <= MOST_ROWS:
            return
        if costs.mih_cost(rows, bands, self.radius, 1) < costs.scan_cost(
            rows, self.bits // 8, self.radius, 1
        ):
            self._tables = Tables.build(self._codes)

    def _search_base(self, queries: Codes, radius: int) -> RadiusResult:
        if self._tables is None or self.way(radius, len(queries)) == "scan":
            return scan_radius(self._codes, queries, radius, self._removed)
        budget = costs.mih_budget(
            len(self._codes), self.bits // 8, self.bits // BAND_BITS, radius, len(queries)
        )
        return search_tables(self._tables, self._codes, self._removed, queries, radius, budget)

    def _nearest_in_base(self, queries: Codes, k: int) -> NearestResult:
        bands = self.bits // BAND_BITS
        radii = [times * bands - 1 for times in (1, 2, 3)]
        quick = [radius for radius in radii if self.way(radius, len(queries)) == "mih"]
        return nearest_by_radius(self, self._codes, self._removed, queries, k, quick)
