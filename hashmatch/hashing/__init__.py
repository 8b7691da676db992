"""Pixels to hash values, with a quality for every perceptual type.

``pdq`` and ``luma`` compute hash types of their own, ``imagehash_types`` wraps those of the
imagehash library, ``registry`` holds those of plug-ins, and ``pictures`` brings them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashmatch.hashing import registry
from hashmatch.hashing.crypto import CryptoHasher, crypto_hashes
from hashmatch.hashing.imagehash_types import crop_resistant
from hashmatch.hashing.pdq import pdq_margin, pdq_of_samples
from hashmatch.hashing.pictures import computable, compute, compute_orientations, hash_many
from hashmatch.hashing.registry import Hasher
from hashmatch.on_use import loader

if TYPE_CHECKING:
    from hashmatch.hashing.golden import check_golden
    from hashmatch.hashing.origin import provenance

# what a worker process never asks for
__getattr__ = loader(
    __name__,
    {"check_golden": "hashmatch.hashing.golden", "provenance": "hashmatch.hashing.origin"},
)

__all__ = [
    "CryptoHasher",
    "Hasher",
    "check_golden",
    "computable",
    "compute",
    "compute_orientations",
    "crop_resistant",
    "crypto_hashes",
    "hash_many",
    "pdq_margin",
    "pdq_of_samples",
    "provenance",
    "registry",
]

registry.load_plugins()
