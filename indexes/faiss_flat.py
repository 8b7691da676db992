"""FAISS's exhaustive binary index: exact, the reference others are measured against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from hashmatch.indexes.contract import (
    Codes,
    Index,
    NearestResult,
    RadiusResult,
    as_codes,
    as_rows,
)
from hashmatch.indexes.faiss_results import nearest_result, radius_result
from hashmatch.indexes.results import nearest_of


class FaissFlatIndex(Index):
    """``faiss.IndexBinaryFlat``.

    FAISS renumbers what follows a removed vector; here rows keep their numbers, so the row of
    each FAISS position is kept beside it.
    """

    exact = True

    def __init__(self, kind: str, bits: int, codes: Codes, rows: NDArray[np.int64]) -> None:
        self.kind = kind
        self.bits = bits
        self._index = faiss.IndexBinaryFlat(bits)
        self._index.add(codes)
        self._rows = rows
        self._added = len(codes) if not len(rows) else int(rows[-1]) + 1

    @classmethod
    def build(cls, kind: str, codes: Codes, *, bits: int, radius: int) -> Self:
        """Copy the codes into FAISS."""
        return cls(kind, bits, codes, np.arange(len(codes), dtype=np.int64))

    @classmethod
    def from_arrays(
        cls,
        kind: str,
        arrays: Mapping[str, NDArray[Any]],
        *,
        bits: int,
        parameters: Mapping[str, Any],
    ) -> Self:
        """Open a stored index; FAISS copies the codes."""
        codes, rows = arrays["codes"], arrays["rows"]
        opened = cls(kind, bits, codes if len(rows) == len(codes) else codes[rows], rows)
        opened._added = len(codes)
        return opened

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search_radius(self, queries: Codes, radius: int) -> RadiusResult:
        """Find every row within ``radius`` bits of each query. See the contract."""
        return radius_result(self._index, queries, radius, self._rows)

    def search_nearest(self, queries: Codes, k: int) -> NearestResult:
        """Find the ``k`` nearest rows of each query. See the contract.

        FAISS takes any of the rows that are equally far as its last one, so it is asked twice:
        how far the nearest rows reach, and for everything that near.
        """
        found = nearest_result(self._index, queries, k, self._rows)
        if not found.rows.size or k >= len(self):
            return found
        for reach in np.unique(found.distances[:, -1]).tolist():
            here = np.flatnonzero(found.distances[:, -1] == reach)
            within = nearest_of(radius_result(self._index, queries[here], reach, self._rows), k)
            found.rows[here], found.distances[here] = within.rows, within.distances
        return found

    def add(self, codes: Codes) -> None:
        """Append rows. See the contract."""
        codes = as_codes(codes, self.bits)
        self._index.add(codes)
        new = np.arange(self._added, self._added + len(codes), dtype=np.int64)
        self._rows = np.concatenate([self._rows, new])
        self._added += len(codes)

    def remove(self, rows: NDArray[np.int64]) -> int:
        """Make rows unfindable. See the contract. FAISS moves everything behind them."""
        unique = as_rows(rows, self._added)
        at = np.searchsorted(self._rows, unique)
        there = (at < len(self._rows)) & (self._rows[np.minimum(at, len(self._rows) - 1)] == unique)
        positions = at[there].astype(np.int64)
        if len(positions):
            self._index.remove_ids(positions)
            self._rows = np.delete(self._rows, positions)
        return len(positions)

    def parameters(self) -> dict[str, Any]:
        """Return nothing: the arrays say everything."""
        return {}

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return a code for every row ever added, and which rows are left."""
        size = self.bits // 8
        left = faiss.vector_to_array(self._index.xb).reshape(-1, size)  # type: ignore[attr-defined]
        if len(left) == self._added:
            return {"codes": left, "rows": self._rows}
        codes = np.zeros((self._added, size), np.uint8)
        codes[self._rows] = left
        return {"codes": codes, "rows": self._rows}
