"""Exact values: which entries have this MD5, SHA-1 or SHA-256.

The values lie sorted, with the entry of each beside them. A table tells where the values with a
given prefix begin, and its prefixes are so long that a handful share one: a lookup reads the
table once and then a few neighbouring values. Cryptographic hashes are evenly spread by nature;
values that were chosen by hand cost a binary search among those with their prefix.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import kernels
from hashmatch.errors import IndexArgumentError
from hashmatch.indexes.contract import Codes, as_codes

_MOST_PREFIX_BITS = 28
_CHUNK = 1 << 20
MOST = (1 << 32) - 2
"""Positions are stored in 32 bits."""


class ValueIndex:
    """Finds entries by equal values.

    Parameters
    ----------
    bits : int
        Width of a value, at least 32.
    values : (N, bits / 8) uint8
        Sorted.
    entries : (N,) uint32
        The entry of each value; equal values keep the order they were given in.
    prefixes : (2 ** prefix_bits + 1,) uint32
    prefix_bits : int
    """

    def __init__(
        self,
        bits: int,
        values: Codes,
        entries: NDArray[np.uint32],
        prefixes: NDArray[np.uint32],
        prefix_bits: int,
    ) -> None:
        if len(entries) != len(values) or len(prefixes) != (1 << prefix_bits) + 1:
            raise IndexArgumentError("stored values, entries and prefixes do not belong together")
        self.bits = bits
        self.values = values
        self.entries = entries
        self._prefixes = prefixes
        self._prefix_bits = prefix_bits

    def __len__(self) -> int:
        return len(self.values)

    def find(self, codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Find the entries of each value.

        Parameters
        ----------
        codes : (Q, bits / 8) uint8

        Returns
        -------
        offsets : (Q + 1,) int64
        entries : (M,) int64
            Query ``q`` found ``entries[offsets[q]:offsets[q + 1]]``.

        Raises
        ------
        IndexArgumentError
            If the values do not fit.
        """
        asked = as_codes(codes, self.bits, "values")
        first, last = kernels.values.find(self.values, self._prefix_bits, self._prefixes, asked)
        offsets = np.zeros(len(asked) + 1, np.int64)
        np.cumsum(last - first, out=offsets[1:])
        positions = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], last - first)
        return offsets, self.entries[positions].astype(np.int64)


class ValueSorter:
    """Sorts values for a :class:`ValueIndex`, in little more memory than they take themselves.

    Positions are grouped by first byte in one pass; each group is then sorted by itself, so what
    is compared fits a cache and what was written is never held as a whole.

    Parameters
    ----------
    codes : (N, bits / 8) uint8
        In any order.
    entries : (N,) integers

    Raises
    ------
    IndexArgumentError
        If there are too many, or the two do not belong together.
    """

    def __init__(self, codes: NDArray[np.uint8], entries: NDArray[Any]) -> None:
        if codes.ndim != 2 or codes.shape[1] < 4:
            raise IndexArgumentError("values must have shape (n, bytes), at least 4 bytes each")
        self._codes = as_codes(codes, codes.shape[1] * 8, "values")
        if len(entries) != len(codes):
            raise IndexArgumentError(f"{len(codes):,} values need as many entries")
        if len(codes) > MOST:
            raise IndexArgumentError(f"at most {MOST:,} values of one hash type can be stored")
        self._entries = entries
        per_prefix = max(len(codes) // 4, 1)
        self.prefix_bits = min(math.ceil(math.log2(per_prefix)), _MOST_PREFIX_BITS)
        self._firsts, self.prefixes, self._order = kernels.values.group(
            self._codes, self.prefix_bits
        )

    def chunks(self) -> Iterator[tuple[Codes, NDArray[np.uint32]]]:
        """Give the values in order with their entries, some at a time."""
        for start, stop in zip(self._firsts[:-1].tolist(), self._firsts[1:].tolist(), strict=True):
            order = self._order[start:stop]
            kernels.values.sort(self._codes, order)
            for at in range(0, len(order), _CHUNK):
                taken = order[at : at + _CHUNK]
                yield self._codes[taken], self._entries[taken].astype(np.uint32)
