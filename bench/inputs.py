"""Inputs of the regression suite, made once for a process and the same every time."""

from __future__ import annotations

import functools
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.codes import Codes, codes, queries
from bench.corpus import photographs, rgb
from hashmatch import indexes
from hashmatch.indexes import Index

RADIUS = 31


@functools.cache
def picture(side: tuple[int, int]) -> Image.Image:
    """Return a photograph of a height and a width, with a little grain."""
    height, width = side
    large = np.asarray(rgb(photographs()["coffee.png"]).resize((width, height)), np.int16)
    grain = np.random.default_rng(3).integers(-4, 5, (height, width, 1), dtype=np.int16)
    return Image.fromarray(np.clip(large + grain, 0, 255).astype(np.uint8))


@functools.cache
def pixels(side: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the pixels of :func:`picture`, (H, W, 3)."""
    return np.ascontiguousarray(picture(side))


WRITERS: dict[str, dict[str, Any]] = {
    "jpeg": {"format": "JPEG", "quality": 88},
    "jpeg progressive": {"format": "JPEG", "quality": 88, "progressive": True},
    "png": {"format": "PNG", "compress_level": 1},
    "gif": {"format": "GIF"},
    "webp": {"format": "WEBP", "quality": 80, "method": 0},
    "bmp": {"format": "BMP"},
    "tiff": {"format": "TIFF"},
    "avif": {"format": "AVIF", "speed": 10},
}


@functools.cache
def encoded(side: tuple[int, int], name: str = "jpeg") -> bytes:
    """Return :func:`picture` as a file, in one of ``WRITERS``."""
    buffer = io.BytesIO()
    picture(side).save(buffer, **WRITERS[name])
    return buffer.getvalue()


@functools.lru_cache(maxsize=2)
def known(rows: int, shape: str = "uniform", bits: int = 256) -> Codes:
    """Return hashes for an index to hold."""
    return codes(rows, shape, bits=bits)


@functools.lru_cache(maxsize=4)
def asked(rows: int, count: int, shape: str = "uniform") -> Codes:
    """Return hashes to search for among :func:`known`."""
    return queries(known(rows, shape), count, RADIUS, shape=shape)


@functools.lru_cache(maxsize=1)
def index(kind: str, rows: int, shape: str = "uniform") -> Index:
    """Return an index over :func:`known`; one at a time is kept."""
    return indexes.create(kind, bits=256, codes=known(rows, shape), radius=RADIUS)
