"""Cryptographic hashes of bytes, at once and as they arrive."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from hashmatch import hashing
from hashmatch.errors import UnknownHashTypeError
from hashmatch.hashing.crypto import CHUNK

NAMES = ("md5", "sha1", "sha256")


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17])
def test_values_are_those_of_hashlib(size: int) -> None:
    data = np.random.default_rng(size).bytes(size)
    for given in (data, bytearray(data), memoryview(data)):
        found = hashing.crypto_hashes(given, NAMES)
        assert {n: v.hex for n, v in found.items()} == {
            name: hashlib.new(name, data).hexdigest() for name in NAMES
        }
        assert all(value.quality is None for value in found.values())


def test_values_come_in_the_order_asked_for() -> None:
    assert list(hashing.crypto_hashes(b"x", ["sha256", "md5"])) == ["sha256", "md5"]
    assert hashing.crypto_hashes(b"x", []) == {}


def test_bytes_may_arrive_in_parts() -> None:
    data = np.random.default_rng(5).bytes(200_000)
    hasher = hashing.CryptoHasher(NAMES)
    for start in range(0, len(data), 7_001):
        hasher.update(data[start : start + 7_001])
    assert hasher.finish() == hashing.crypto_hashes(data, NAMES)


@pytest.mark.parametrize("name", ["pdq", "crc32", "md4"])
def test_other_types_are_refused(name: str) -> None:
    with pytest.raises(UnknownHashTypeError, match="cryptographic"):
        hashing.crypto_hashes(b"x", [name])
