"""What every index over binary codes promises.

Rows are numbered in the order they were added, for good: a removed row keeps its number and is
never found again. Results are ordered by distance, then row, so equal inputs give equal outputs
whatever the kind of index, the SIMD level or the number of threads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch.errors import IndexArgumentError, IndexCapabilityError

Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RadiusResult:
    """Rows within the radius of each query, in compressed sparse row form.

    Query ``q`` found ``rows[offsets[q]:offsets[q + 1]]`` at the ``distances`` of the same slice.

    Parameters
    ----------
    offsets : (Q + 1,) int64
    rows : (M,) int64
    distances : (M,) int32
        Hamming distances in bits.
    """

    offsets: NDArray[np.int64]
    rows: NDArray[np.int64]
    distances: NDArray[np.int32]

    def of(self, query: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the rows and distances found for one query."""
        span = slice(self.offsets[query], self.offsets[query + 1])
        return self.rows[span], self.distances[span]


@dataclass(frozen=True, slots=True)
class NearestResult:
    """The nearest rows of each query; where fewer than ``k`` exist, row and distance are -1.

    Parameters
    ----------
    rows : (Q, k) int64
    distances : (Q, k) int32
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.int32]


class Index(ABC):
    """A search structure over codes of one width.

    Subclasses state in ``kind`` the name they are created by, and in ``exact`` whether a radius
    search can ever miss a row.
    """

    kind: ClassVar[str]
    exact: ClassVar[bool]

    bits: int

    @classmethod
    @abstractmethod
    def build(cls, codes: Codes, *, bits: int, radius: int, **options: Any) -> Self:
        """Make an index over ``codes``, (N, bits / 8) uint8, tuned for searches at ``radius``."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of rows that can be found."""

    @abstractmethod
    def search_radius(self, queries: Codes, radius: int) -> RadiusResult:
        """Find every row within ``radius`` bits of each query, (Q, bits / 8) uint8."""

    @abstractmethod
    def search_nearest(self, queries: Codes, k: int) -> NearestResult:
        """Find the ``k`` nearest rows of each query."""

    def add(self, codes: Codes) -> None:
        """Append rows; they are found by the next search."""
        raise IndexCapabilityError(f"an index of kind {self.kind!r} cannot be added to")

    def remove(self, rows: NDArray[np.int64]) -> int:
        """Make rows unfindable and return how many were findable until now."""
        raise IndexCapabilityError(f"an index of kind {self.kind!r} cannot remove rows")

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """Return what :meth:`from_arrays` needs besides the arrays, as JSON values."""

    @abstractmethod
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the arrays that hold the index, for storage; always including ``codes``."""

    @classmethod
    @abstractmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], *, bits: int, parameters: Mapping[str, Any]
    ) -> Self:
        """Open a stored index on memory-mapped, read-only arrays without copying them."""


def as_codes(codes: Any, bits: int, what: str = "codes") -> Codes:
    """Check an array of codes and return it C-contiguous.

    Parameters
    ----------
    codes : (N, bits / 8) uint8 array
    bits : int
        Width of one code.
    what : str
        How the message names the array.

    Raises
    ------
    IndexArgumentError
        If the dtype is not uint8 or the shape does not fit; nothing is cast silently.
    """
    if not isinstance(codes, np.ndarray) or codes.dtype != np.uint8:
        found = getattr(codes, "dtype", type(codes).__name__)
        raise IndexArgumentError(f"{what} must be a uint8 array, not {found}")
    if codes.ndim != 2 or codes.shape[1] * 8 != bits:
        raise IndexArgumentError(
            f"{what} must have shape (n, {bits // 8}) for {bits}-bit values, not {codes.shape}"
        )
    return np.ascontiguousarray(codes)
