"""The exhaustive search: exact at any radius, and the fastest for few rows or large radii."""

from __future__ import annotations

from hashmatch.indexes.contract import Codes, RadiusResult
from hashmatch.indexes.native import NativeIndex, scan_radius


class ScanIndex(NativeIndex):
    """Compares every code with every query, at the speed of memory for one query.

    From three queries on, blocks of codes are laid out for SIMD once and meet every query while
    they are in the cache, so a batch costs far less per query than its queries one by one.
    """

    def _search_base(self, queries: Codes, radius: int) -> RadiusResult:
        return scan_radius(self._codes, queries, radius, self._removed)
