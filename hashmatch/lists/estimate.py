"""How many unrelated uploads a list will match by chance, at its thresholds.

For hash types whose bits are balanced by construction, two unrelated values are two random halves
of the bits, and the share of pairs within a distance follows exactly (hypergeometric). Real
pictures make bits depend on each other; measured on unrelated pictures, a value behaves as if it
had the number of independent bits in :data:`INDEPENDENT_BITS`. The larger of the two figures is
given. Neither knows of pictures that resemble each other, documents and screenshots above all:
what they match is no chance, and more than this.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Any

from hashmatch import hash_types

UPLOADS = 1_000_000

BALANCED = frozenset({"pdq", "phash", "phash16"})
# from the spread of distances between unrelated ordinary pictures, a small sample; that of phash
# is scaled from phash16
INDEPENDENT_BITS = {
    "pdq": 200, "phash16": 184, "phash": 46, "dhash16": 22, "dhash": 23, "ahash": 12, "whash": 11,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Estimate:
    """What to expect of one hash type of a list.

    Parameters
    ----------
    hash_type : str
    max_distance : int
    values : int
        Values on the list.
    probability : float
        That two unrelated values are within the distance.
    per_million : float
        Expected chance matches in a million uploads, each compared with every value.
    """

    hash_type: str
    max_distance: int
    values: int
    probability: float
    per_million: float

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as JSON values."""
        return {
            "hash_type": self.hash_type,
            "max_distance": self.max_distance,
            "values": self.values,
            "probability": self.probability,
            "per_million_uploads": self.per_million,
        }


def expected(hash_type: str, max_distance: int, values: int) -> Estimate:
    """Estimate the chance matches of a perceptual hash type."""
    bits = hash_types.get(hash_type).bits
    independent = INDEPENDENT_BITS.get(hash_type, bits)
    probability = binomial(independent, max_distance * independent // bits)
    if hash_type in BALANCED:
        probability = max(probability, balanced(bits, max_distance))
    return Estimate(hash_type, max_distance, values, probability, probability * values * UPLOADS)


def balanced(bits: int, max_distance: int) -> float:
    """Return the share of pairs of random balanced values within a distance.

    Two values with half their bits set differ in an even number of bits: in ``2 j`` where ``j``
    of one's set bits are not set in the other.
    """
    half = bits // 2
    within = sum(comb(half, j) ** 2 for j in range(min(max_distance // 2, half) + 1))
    return within / comb(bits, half)


def binomial(bits: int, max_distance: int) -> float:
    """Return the share of pairs of values of independent fair bits within a distance."""
    return sum(comb(bits, j) for j in range(min(max_distance, bits) + 1)) / (1 << bits)
