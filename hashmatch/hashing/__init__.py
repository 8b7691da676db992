"""Pixels to hash values, with a quality for every perceptual type."""

from __future__ import annotations

from hashmatch.hashing.compute import computable, compute, compute_orientations, hash_many
from hashmatch.hashing.crypto import CryptoHasher, crypto_hashes
from hashmatch.hashing.golden import check_golden
from hashmatch.hashing.pdq import pdq_margin

__all__ = [
    "CryptoHasher",
    "check_golden",
    "computable",
    "compute",
    "compute_orientations",
    "crypto_hashes",
    "hash_many",
    "pdq_margin",
]
