"""Every perceptual hash of a picture in one call."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from hashmatch import hash_types
from hashmatch.errors import UnknownHashTypeError
from hashmatch.hash_types import HashKind
from hashmatch.hashing import imagehash_types, luma, pdq, registry
from hashmatch.hashing.pixels import TURNS, Picture, check
from hashmatch.types import HashValue

BUILT_IN = (pdq.NAME, *luma.HASHES, imagehash_types.COLORHASH)


def computable() -> tuple[str, ...]:
    """Return the names of the hash types that :func:`compute` knows, built-in ones first."""
    return BUILT_IN + registry.names()


def compute(pixels: Any, types: Sequence[str]) -> dict[str, HashValue]:
    """Return perceptual hashes of a decoded picture.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8
        Grey, or red, green and blue, as sRGB; an array or any buffer, read-only or not, of any
        strides. Contiguous rows are read in place.
    types : sequence of str
        Hash types of pictures: perceptual ones, ``colorhash``, and what plug-ins compute.

    Returns
    -------
    dict
        Hash type to value with quality, in the order asked for.

    Raises
    ------
    PixelError
        If dtype or shape are others, or a side is empty or longer than 262144 pixels.
    UnknownHashTypeError
        If a type does not exist, is a hash of bytes, or cannot be computed here.
    """
    _check_types(types)
    return _all_of(check(pixels), types)


def compute_orientations(pixels: Any, types: Sequence[str]) -> dict[str, tuple[HashValue, ...]]:
    """Return perceptual hashes of a decoded picture in each of its eight orientations.

    Parameters
    ----------
    pixels, types
        As for :func:`compute`.

    Returns
    -------
    dict
        Hash type to eight values, in the order of :class:`hashmatch.types.Orientation`. The
        value of an orientation equals that of the pixels turned that way: ``rotate90`` is the
        hash of ``numpy.rot90(pixels)``, a quarter turn counter-clockwise, and so finds the
        known picture in an input that was turned clockwise.

    Raises
    ------
    PixelError, UnknownHashTypeError
        As for :func:`compute`.
    """
    _check_types(types)
    picture = check(pixels)
    values: dict[str, tuple[HashValue, ...]] = {}
    if pdq.NAME in types:
        values[pdq.NAME] = pdq.compute_orientations(picture)
    wanted = [name for name in types if name in luma.HASHES]
    if wanted:
        values |= luma.compute_orientations(picture, wanted)
    for name in types:
        if name not in values:
            turned = (Picture(turn.apply(picture.pixels)) for turn in TURNS.values())
            values[name] = tuple(_other(name, one) for one in turned)
    return {name: values[name] for name in types}


def hash_many(
    pictures: Iterable[Any], types: Sequence[str] = (pdq.NAME,), *, threads: int | None = None
) -> Iterator[dict[str, HashValue]]:
    """Hash decoded pictures on several threads.

    Parameters
    ----------
    pictures : iterable of (H, W) or (H, W, 3) uint8
        They are taken a few at a time, as earlier ones are done.
    types : sequence of str
        Perceptual hash types.
    threads : int or None
        How many pictures to hash at once; ``None`` for one per processor.

    Yields
    ------
    dict
        What :func:`compute` returns, in the order of the pictures.

    Raises
    ------
    PixelError
        When it is the turn of a picture that :func:`compute` refuses.
    UnknownHashTypeError
        At once, if a type cannot be computed.
    """
    _check_types(types)
    return _hash_many(pictures, tuple(types), threads or os.cpu_count() or 1)


def _hash_many(
    pictures: Iterable[Any], types: tuple[str, ...], threads: int
) -> Iterator[dict[str, HashValue]]:
    ahead: deque[Future[dict[str, HashValue]]] = deque()
    with ThreadPoolExecutor(threads, "hashmatch-hash") as pool:
        try:
            for pixels in pictures:
                ahead.append(pool.submit(compute, pixels, types))
                if len(ahead) > threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for waiting in ahead:
                waiting.cancel()


def _all_of(picture: Picture, types: Sequence[str]) -> dict[str, HashValue]:
    values = {}
    if pdq.NAME in types:
        values[pdq.NAME] = pdq.compute(picture)
    wanted = [name for name in types if name in luma.HASHES]
    if wanted:
        values |= luma.compute(picture, wanted)
    for name in types:
        if name not in values:
            values[name] = _other(name, picture)
    return {name: values[name] for name in types}


def _other(name: str, picture: Picture) -> HashValue:
    if name == imagehash_types.COLORHASH:
        return imagehash_types.colorhash(picture)
    return registry.compute(name, picture)


def _check_types(types: Sequence[str]) -> None:
    for name in types:
        kind = hash_types.get(name).kind
        if kind is HashKind.CRYPTOGRAPHIC:
            raise UnknownHashTypeError(
                name, f"{name} is a hash of a file's bytes, not of pixels; use crypto_hashes"
            )
        if name not in computable():
            raise UnknownHashTypeError(
                name,
                f"{name} values are kept and reported, but cannot be computed here; "
                f"install a plug-in that computes them, or use one of {', '.join(computable())}",
            )
