"""Hash values of media in one call: decoding and hashing composed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types, hashing, media
from hashmatch.errors import (
    HashFormatError,
    MatcherConfigError,
    MediaError,
    UnknownHashTypeError,
)
from hashmatch.hash_types import HashKind
from hashmatch.types import HashValue, Reason

DEFAULT_TYPES = ("pdq",)
Decode = Literal["exact", "fast"]


def hash_bytes(
    data: bytes | bytearray | memoryview,
    types: Sequence[str] = DEFAULT_TYPES,
    *,
    limits: media.Limits = media.DEFAULT_LIMITS,
    decode: Decode = "exact",
) -> dict[str, HashValue]:
    """Hash media held in memory.

    Parameters
    ----------
    data : bytes-like
        An image file as it was received. Nothing of it is kept or written anywhere.
    types : sequence of str
        Hash types to compute. Cryptographic ones are of the bytes as they are, perceptual ones
        of the first picture in them, decoded by the rules of ``docs/decoding.md``.
    limits : hashmatch.media.Limits
        What is refused before it is decoded.
    decode : {"exact", "fast"}
        ``fast`` reads a JPEG's brightness at a reduced scale where PDQ is the only perceptual
        type, and falls back to the full decode wherever that could move more than a few bits
        (``docs/decoding.md`` has the measured drift). Use ``exact`` for values that are shared.

    Returns
    -------
    dict
        Hash type to value, in the order asked for.

    Raises
    ------
    MediaError
        If a perceptual type was asked for and the bytes cannot be decoded; ``reason`` says why.
    MatcherConfigError
        If ``decode`` is neither.
    UnknownHashTypeError
        If a type does not exist or cannot be computed here.
    """
    cryptographic, perceptual = _split(types)
    values = hashing.crypto_hashes(data, cryptographic) if cryptographic else {}
    if decode not in get_args(Decode):
        raise MatcherConfigError(f"unknown decode {decode!r}; choose exact or fast")
    if decode == "fast" and perceptual == ["pdq"]:
        values |= {"pdq": _fast_pdq(data, limits)}
    elif perceptual:
        values |= hashing.compute(_first_picture(data, limits), perceptual)
    return {name: values[name] for name in types}


def hash_file(
    path: str | bytes | os.PathLike[Any],
    types: Sequence[str] = DEFAULT_TYPES,
    *,
    limits: media.Limits = media.DEFAULT_LIMITS,
    decode: Decode = "exact",
) -> dict[str, HashValue]:
    """Hash a media file; see :func:`hash_bytes`.

    Raises
    ------
    MediaError
        Also if the file cannot be read.
    """
    return hash_bytes(media.read_bytes(path, limits), types, limits=limits, decode=decode)


def hash_pixels(
    pixels: NDArray[np.uint8], types: Sequence[str] = DEFAULT_TYPES
) -> dict[str, HashValue]:
    """Hash a decoded picture with perceptual hash types.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8
        Grey, or red, green and blue, as sRGB.
    types : sequence of str
        Perceptual hash types.

    Raises
    ------
    PixelError
        If dtype or shape are others.
    UnknownHashTypeError
        If a type does not exist or is not perceptual.
    """
    return hashing.compute(pixels, types)


def distance(hash_type: str, a: str | bytes, b: str | bytes) -> int:
    """Return the Hamming distance of two hash values in bits.

    Parameters
    ----------
    hash_type : str
        Their common hash type.
    a, b : str or bytes
        Hexadecimal text or the value itself.

    Raises
    ------
    HashFormatError
        If a value does not fit the type.
    UnknownHashTypeError
        If the type does not exist, or its values are held only and not compared by bits.
    """
    known = hash_types.get(hash_type)
    if known.kind is HashKind.HELD:
        raise UnknownHashTypeError(
            hash_type, f"{hash_type} values are kept and reported; their bits are not compared"
        )
    left, right = (known.parse(v) if isinstance(v, str) else bytes(v) for v in (a, b))
    for value in (left, right):
        if len(value) != known.size:
            raise HashFormatError(f"a {known.name} value has {known.size} bytes, not {len(value)}")
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).bit_count()


def _first_picture(data: bytes | bytearray | memoryview, limits: media.Limits) -> NDArray[np.uint8]:
    """Return the picture a viewer shows first, refusing to take another for it."""
    decoded = media.decode(data, limits)
    first = decoded.frames[0]
    if first.index and decoded.incomplete_reason not in (None, Reason.FRAMES_SKIPPED):
        raise MediaError(
            decoded.incomplete_reason or Reason.CORRUPT,
            "the first picture in it cannot be decoded, only a later one; get an intact copy",
        )
    return first.pixels


def _fast_pdq(data: bytes | bytearray | memoryview, limits: media.Limits) -> HashValue:
    """Hash a JPEG's brightness at a reduced scale, unless too many bits hang by a thread."""
    decoded = media.decode_fast(data, limits)
    if decoded is not None:
        value, fragile = hashing.pdq_margin(decoded.frames[0].pixels, media.fast.FRAGILE_WITHIN)
        if fragile <= media.fast.MOST_FRAGILE:
            return value
    return hashing.compute(_first_picture(data, limits), ["pdq"])["pdq"]


def _split(types: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate cryptographic from other hash types, refusing unknown names."""
    cryptographic = [name for name in types if hash_types.get(name).kind is HashKind.CRYPTOGRAPHIC]
    return cryptographic, [name for name in types if name not in cryptographic]
