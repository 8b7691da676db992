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

    Searches may run on any number of threads at a time; :meth:`add` and :meth:`remove` must have
    the index to themselves.

    Attributes
    ----------
    kind : str
        The name it was created by.
    bits : int
        Width of one code.
    radius : int
        The radius it was built for.
    exact : bool
        Whether a radius search finds every row there is, whatever the codes.
    """

    exact: ClassVar[bool]

    kind: str
    bits: int
    radius: int

    @classmethod
    @abstractmethod
    def build(cls, kind: str, codes: Codes, *, bits: int, radius: int) -> Self:
        """Make an index over ``codes``, (N, bits / 8) uint8, tuned for searches at ``radius``.

        A kind that takes options adds them as keywords.
        """

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of rows that can be found."""

    @abstractmethod
    def search_radius(self, queries: Codes, radius: int) -> RadiusResult:
        """Find every row within ``radius`` bits of each query, (Q, bits / 8) uint8.

        A radius beyond ``bits`` finds every row.

        Raises
        ------
        IndexArgumentError
            If the queries do not fit or the radius is negative.
        IndexCapabilityError
            If the kind has no radius search.
        """

    @abstractmethod
    def search_nearest(self, queries: Codes, k: int) -> NearestResult:
        """Find the ``k`` nearest rows of each query; of equally near ones the lower rows.

        Raises
        ------
        IndexArgumentError
            If the queries do not fit or ``k`` is negative.
        """

    def add(self, codes: Codes) -> None:
        """Append rows; they are found by the next search.

        Raises
        ------
        IndexArgumentError
            If the codes do not fit.
        IndexCapabilityError
            If the kind cannot be added to.
        """
        raise IndexCapabilityError(f"an index of kind {self.kind!r} cannot be added to")

    def remove(self, rows: NDArray[np.int64]) -> int:
        """Make rows unfindable and return how many were findable until now.

        Raises
        ------
        IndexArgumentError
            If a row was never added.
        IndexCapabilityError
            If the kind cannot remove.
        """
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
        cls,
        kind: str,
        arrays: Mapping[str, NDArray[Any]],
        *,
        bits: int,
        parameters: Mapping[str, Any],
    ) -> Self:
        """Open a stored index on memory-mapped, read-only arrays, without copying where it can."""


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


def as_radius(radius: int, bits: int) -> int:
    """Check a radius and return it, at most ``bits``.

    Raises
    ------
    IndexArgumentError
        If it is not a whole number of bits, 0 or more.
    """
    if isinstance(radius, bool) or not isinstance(radius, int | np.integer) or radius < 0:
        raise IndexArgumentError(f"a radius is a number of bits, 0 or more, not {radius!r}")
    return min(int(radius), bits)


def as_count(k: int) -> int:
    """Check how many nearest rows are asked for.

    Raises
    ------
    IndexArgumentError
        If it is not a whole number, 0 or more.
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 0:
        raise IndexArgumentError(f"the number of nearest rows is 0 or more, not {k!r}")
    return int(k)


def as_rows(rows: Any, count: int) -> NDArray[np.int64]:
    """Check row numbers against how many rows were ever added, and return them sorted, once each.

    Raises
    ------
    IndexArgumentError
        If they are not whole numbers or one was never added.
    """
    found = np.asarray(rows)
    if found.size and not np.issubdtype(found.dtype, np.integer):
        raise IndexArgumentError(f"rows must be whole numbers, not {found.dtype}")
    unique = np.unique(found.astype(np.int64))
    if len(unique) and (unique[0] < 0 or unique[-1] >= count):
        raise IndexArgumentError(f"rows must be below {count}, the number of rows ever added")
    return unique
