"""FAISS's approximate binary indexes: they may miss rows, and say how many when they are built.

What a FAISS index cannot do is refused rather than imitated: HNSW has no radius search; HNSW and
both hashes cannot remove.
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from hashmatch.errors import IndexArgumentError, IndexCapabilityError
from hashmatch.indexes import recall
from hashmatch.indexes.contract import (
    Codes,
    Index,
    NearestResult,
    RadiusResult,
    as_codes,
    as_radius,
    as_rows,
)
from hashmatch.indexes.faiss_results import nearest_result, radius_result

_SEED_ROWS_PER_LIST = 39
"""FAISS warns below so many training points for each list."""


class FaissApproximateIndex(Index):
    """A FAISS binary index beside the codes it was given.

    The codes are kept because a snapshot must be able to rebuild its indexes; FAISS keeps its own
    copy and, opened from a snapshot, is copied into memory.
    """

    exact = False

    def __init__(self, kind: str, bits: int, codes: Codes, index: Any, tuned: Mapping[str, Any]):
        self.kind = kind
        self.bits = bits
        self._codes = codes
        self._index = index
        self._tuned = dict(tuned)

    @classmethod
    def build(cls, kind: str, codes: Codes, *, bits: int, radius: int) -> Self:
        """Build the FAISS index and measure its recall on planted queries."""
        numbers = [int(number) for number in re.findall(r"\d+", kind)]
        index, tuned = cls._made(kind, numbers, codes, bits, radius)
        made = cls(kind, bits, codes, index, tuned)
        made._fill(codes, 0)
        measured = recall.measure(made, codes, radius)
        made._tuned["recall"] = measured.to_json() if measured else None
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
        index = faiss.deserialize_index_binary(np.array(arrays["faiss"]))
        opened = cls(kind, bits, arrays["codes"], index, parameters)
        opened._tune()
        return opened

    @classmethod
    @abstractmethod
    def _made(
        cls, kind: str, numbers: list[int], codes: Codes, bits: int, radius: int
    ) -> tuple[Any, dict[str, Any]]:
        """Return the empty FAISS index, and what it was tuned to."""

    def _fill(self, codes: Codes, first_row: int) -> None:
        self._index.add(codes)

    def _tune(self) -> None:
        """Set what FAISS does not store."""

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search_radius(self, queries: Codes, radius: int) -> RadiusResult:
        """Find rows within ``radius`` bits of each query; some may be missed."""
        return radius_result(self._index, queries, radius, None)

    def search_nearest(self, queries: Codes, k: int) -> NearestResult:
        """Find near rows of each query; nearer ones may be missed."""
        return nearest_result(self._index, queries, k, None)

    def add(self, codes: Codes) -> None:
        """Append rows. See the contract. The recall that was measured is not measured again."""
        codes = as_codes(codes, self.bits)
        self._fill(codes, len(self._codes))
        self._codes = np.concatenate([self._codes, codes])

    def parameters(self) -> dict[str, Any]:
        """Return what it was tuned to, and the recall that was measured when it was built."""
        return dict(self._tuned)

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the codes and the FAISS index in FAISS's own format."""
        return {"codes": self._codes, "faiss": faiss.serialize_index_binary(self._index)}


class FaissIvfIndex(FaissApproximateIndex):
    """``faiss.IndexBinaryIVF``: codes in lists around centres, a few of which are searched.

    With fewer rows than FAISS needs to train that many lists, it makes as many as it can.
    """

    @classmethod
    def _made(
        cls, kind: str, numbers: list[int], codes: Codes, bits: int, radius: int
    ) -> tuple[Any, dict[str, Any]]:
        lists = min(numbers[0], max(len(codes) // _SEED_ROWS_PER_LIST, 1))
        if not lists:
            raise IndexArgumentError(f"{kind} needs at least one list")
        probes = max(lists // 16, min(lists, 8))
        quantizer = faiss.IndexBinaryFlat(bits)
        index = faiss.IndexBinaryIVF(quantizer, bits, lists)
        quantizer.this.disown()  # type: ignore[attr-defined]
        index.own_fields = True
        index.cp.seed = 1
        index.train(codes if len(codes) else np.zeros((1, bits // 8), np.uint8))
        index.nprobe = probes
        return index, {"lists": lists, "probes": probes}

    def _fill(self, codes: Codes, first_row: int) -> None:
        rows = np.arange(first_row, first_row + len(codes), dtype=np.int64)
        self._index.add_with_ids(codes, rows)

    def _tune(self) -> None:
        self._index.nprobe = self._tuned["probes"]

    def remove(self, rows: NDArray[np.int64]) -> int:
        """Make rows unfindable. See the contract. FAISS looks through every list."""
        return int(self._index.remove_ids(as_rows(rows, len(self._codes))))


class FaissHnswIndex(FaissApproximateIndex):
    """``faiss.IndexBinaryHNSW``: a graph of near neighbours, for nearest searches only."""

    @classmethod
    def _made(
        cls, kind: str, numbers: list[int], codes: Codes, bits: int, radius: int
    ) -> tuple[Any, dict[str, Any]]:
        if numbers[0] < 2:
            raise IndexArgumentError(f"{kind} needs at least 2 links for each row")
        index = faiss.IndexBinaryHNSW(bits, numbers[0])
        index.hnsw.efSearch = 64
        return index, {"links": numbers[0], "breadth": 64}

    def _tune(self) -> None:
        self._index.hnsw.efSearch = self._tuned["breadth"]

    def search_radius(self, queries: Codes, radius: int) -> RadiusResult:
        """Refuse: FAISS's HNSW has no radius search.

        Raises
        ------
        IndexCapabilityError
            Always, once the arguments fit.
        """
        as_codes(queries, self.bits, "queries")
        as_radius(radius, self.bits)
        raise IndexCapabilityError(
            f"an index of kind {self.kind!r} has no radius search; use another kind, 'auto' say"
        )


class FaissHashIndex(FaissApproximateIndex):
    """``faiss.IndexBinaryHash``: buckets by the first bits, searched with a few of them flipped."""

    @classmethod
    def _made(
        cls, kind: str, numbers: list[int], codes: Codes, bits: int, radius: int
    ) -> tuple[Any, dict[str, Any]]:
        width = _width(kind, numbers[0], bits)
        index = faiss.IndexBinaryHash(bits, width)
        # so many of the differing bits are expected among the first ones, and a spread on top
        share = min(radius, bits) * width / bits
        flips = min(math.ceil(share + math.sqrt(share)), 4, width)
        index.nflip = flips
        return index, {"bits": width, "flips": flips}

    def _tune(self) -> None:
        self._index.nflip = self._tuned["flips"]


class FaissMultiHashIndex(FaissApproximateIndex):
    """``faiss.IndexBinaryMultiHash``: several tables of buckets, each by other bits.

    Enough bits are flipped for the radius it is built for, if that takes at most three; then a
    search at that radius misses nothing. Beyond it, or where it takes more, it may.
    """

    @classmethod
    def _made(
        cls, kind: str, numbers: list[int], codes: Codes, bits: int, radius: int
    ) -> tuple[Any, dict[str, Any]]:
        tables, width = numbers[0], _width(kind, numbers[1], bits)
        if not tables or tables * width > bits:
            raise IndexArgumentError(f"{kind} needs more bits than the {bits} of a code")
        index = faiss.IndexBinaryMultiHash(bits, tables, width)
        flips = min(-(-(min(radius, bits) + 1) // tables) - 1, 3, width)
        index.nflip = flips
        return index, {"tables": tables, "bits": width, "flips": flips}

    def _tune(self) -> None:
        self._index.nflip = self._tuned["flips"]


def _width(kind: str, width: int, bits: int) -> int:
    if not 1 <= width <= min(bits, 32):
        raise IndexArgumentError(f"{kind} needs buckets by 1 to {min(bits, 32)} bits, not {width}")
    return width
