"""What the native kinds share: the codes, rows added since the build, and rows removed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch import kernels
from hashmatch.indexes.contract import (
    Codes,
    Index,
    NearestResult,
    RadiusResult,
    as_codes,
    as_count,
    as_radius,
    as_rows,
)
from hashmatch.indexes.results import merged, nearest_merged

Bitmap = NDArray[np.uint8]


class NativeIndex(Index):
    """Codes in a base that a kind may have built tables for, and a tail of rows added since.

    Rows that were removed are marked in a bitmap; a mark is looked at only when a row is about
    to be found. Adding folds the tail into the base once it is an eighth as long, so adding one
    row at a time costs a bounded number of copies per row.

    Parameters
    ----------
    kind : str
    bits : int
    codes : (N, bits / 8) uint8
        The base; may be read-only and mapped.
    removed : bitmap or None
        One bit per row of the base, the lowest bit of a byte first.
    """

    exact = True

    def __init__(self, kind: str, bits: int, codes: Codes, removed: Bitmap | None = None) -> None:
        self.kind = kind
        self.bits = bits
        self._codes = codes
        self._removed = removed
        self._gone = 0 if removed is None else int(np.bitwise_count(removed).sum(dtype=np.int64))
        self._tail = np.empty((0, bits // 8), np.uint8)
        self._tail_rows = 0

    @classmethod
    def build(cls, kind: str, codes: Codes, *, bits: int, radius: int) -> Self:
        """Keep the codes, with whatever the kind makes of them at any radius."""
        return cls(kind, bits, codes)

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
        return cls(kind, bits, arrays["codes"], arrays.get("removed"))

    @abstractmethod
    def _search_base(self, queries: Codes, radius: int) -> RadiusResult:
        """Search the base; the arguments are checked."""

    def _nearest_in_base(self, queries: Codes, k: int) -> NearestResult:
        """Find the nearest rows of the base; the arguments are checked."""
        return scan_nearest(self._codes, queries, k, self._removed)

    def _rebuilt(self) -> None:
        """Bring what the kind keeps besides the codes up to date with a new base."""

    def __len__(self) -> int:
        return len(self._codes) + self._tail_rows - self._gone

    def search_radius(self, queries: Codes, radius: int) -> RadiusResult:
        """Find every row within ``radius`` bits of each query. See the contract."""
        queries = as_codes(queries, self.bits, "queries")
        radius = as_radius(radius, self.bits)
        found = self._search_base(queries, radius)
        if not self._tail_rows:
            return found
        tail = self._tail[: self._tail_rows]
        beyond = scan_radius(tail, queries, radius, self._removed_tail(), len(self._codes))
        return merged([found, beyond])

    def search_nearest(self, queries: Codes, k: int) -> NearestResult:
        """Find the ``k`` nearest rows of each query. See the contract."""
        queries = as_codes(queries, self.bits, "queries")
        k = as_count(k)
        found = self._nearest_in_base(queries, k)
        if not self._tail_rows:
            return found
        tail = self._tail[: self._tail_rows]
        beyond = scan_nearest(tail, queries, k, self._removed_tail(), len(self._codes))
        return nearest_merged([found, beyond])

    def add(self, codes: Codes) -> None:
        """Append rows. See the contract."""
        codes = as_codes(codes, self.bits)
        needed = self._tail_rows + len(codes)
        if needed > len(self._tail):
            grown = np.empty((max(needed, 2 * len(self._tail), 64), self.bits // 8), np.uint8)
            grown[: self._tail_rows] = self._tail[: self._tail_rows]
            self._tail = grown
        self._tail[self._tail_rows : needed] = codes
        self._tail_rows = needed
        if self._removed is not None:
            self._grow_removed(len(self._codes) + needed)
        if needed > max(FOLD, len(self._codes) // 8):
            self._fold()

    def remove(self, rows: NDArray[np.int64]) -> int:
        """Make rows unfindable. See the contract."""
        total = len(self._codes) + self._tail_rows
        unique = as_rows(rows, total)
        self._grow_removed(total)
        assert self._removed is not None
        bits = (1 << (unique & 7)).astype(np.uint8)
        new = (self._removed[unique >> 3] & bits) == 0
        np.bitwise_or.at(self._removed, unique[new] >> 3, bits[new])
        self._gone += int(new.sum())
        return int(new.sum())

    def parameters(self) -> dict[str, Any]:
        """Return nothing: the arrays say everything."""
        return {}

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the codes, and the bitmap of removed rows if there are any."""
        self._fold()
        stored: dict[str, NDArray[Any]] = {"codes": self._codes}
        if self._gone and self._removed is not None:
            stored["removed"] = self._removed
        return stored

    def _fold(self) -> None:
        """Make the tail part of the base."""
        if not self._tail_rows:
            return
        self._codes = np.concatenate([self._codes, self._tail[: self._tail_rows]])
        self._tail = self._tail[:0].copy()
        self._tail_rows = 0
        self._rebuilt()

    def _grow_removed(self, rows: int) -> None:
        """Have a writable bitmap for so many rows."""
        size = (rows + 7) // 8
        have = self._removed
        if have is None or len(have) < size or not have.flags.writeable:
            room = np.zeros(max(size, 0 if have is None else len(have) * 5 // 4), np.uint8)
            if have is not None:
                room[: len(have)] = have[: len(room)]
            self._removed = room

    def _removed_tail(self) -> Bitmap | None:
        """Return the bitmap of the tail alone."""
        if self._removed is None:
            return None
        bits = np.unpackbits(self._removed, bitorder="little")
        return np.packbits(bits[len(self._codes) :], bitorder="little")


FOLD = 65_536
"""So many added rows are scanned rather than folded in; they cost some 50 microseconds a query."""


def scan_radius(
    codes: Codes, queries: Codes, radius: int, removed: Bitmap | None = None, first_row: int = 0
) -> RadiusResult:
    """Compare every code with every query."""
    return RadiusResult(
        *kernels.scan.search_radius(codes, queries, radius, removed, first_row, kernels.level())
    )


def scan_nearest(
    codes: Codes, queries: Codes, k: int, removed: Bitmap | None = None, first_row: int = 0
) -> NearestResult:
    """Compare every code with every query and keep the nearest ``k``."""
    return NearestResult(
        *kernels.scan.search_nearest(codes, queries, k, removed, first_row, kernels.level())
    )
