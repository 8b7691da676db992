"""MD5, SHA-1 and SHA-256 in one pass over the bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hashmatch.errors import UnknownHashTypeError
from hashmatch.types import HashValue

NAMES = ("md5", "sha1", "sha256")
CHUNK = 64 * 1024
"""Bytes given to each algorithm in turn, so that the later ones find them in cache."""


class CryptoHasher:
    """Hashes bytes as they arrive.

    Parameters
    ----------
    names : sequence of str
        Of ``md5``, ``sha1`` and ``sha256``.

    Raises
    ------
    UnknownHashTypeError
        If a name is none of these.

    Examples
    --------
    >>> hasher = CryptoHasher(["md5"])
    >>> hasher.update(b"hash")
    >>> hasher.update(b"match")
    >>> hasher.finish()["md5"].hex
    '2b8e9f2de23960e7313e057baf0b4838'
    """

    def __init__(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in NAMES:
                raise UnknownHashTypeError(
                    name, f"{name!r} is no cryptographic hash type; they are {', '.join(NAMES)}"
                )
        # they identify files here and secure nothing, which FIPS builds of OpenSSL want to hear
        self._running = {name: hashlib.new(name, usedforsecurity=False) for name in names}

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take in more bytes."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), CHUNK):
            chunk = view[start : start + CHUNK]
            for running in self._running.values():
                running.update(chunk)

    def finish(self) -> dict[str, HashValue]:
        """Return the values of everything taken in so far, in the order asked for."""
        return {name: HashValue(name, run.digest()) for name, run in self._running.items()}


def crypto_hashes(
    data: bytes | bytearray | memoryview, names: Sequence[str]
) -> dict[str, HashValue]:
    """Return cryptographic hash values of bytes.

    Parameters
    ----------
    data : bytes-like
        The bytes; contiguous, of any item size.
    names : sequence of str
        Of ``md5``, ``sha1`` and ``sha256``.

    Raises
    ------
    UnknownHashTypeError
        If a name is none of these.
    """
    hasher = CryptoHasher(names)
    hasher.update(data)
    return hasher.finish()
