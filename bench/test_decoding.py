"""Regression benchmarks of decoding, by format; run with `pytest bench --benchmark-enable`."""

from __future__ import annotations

import io
from typing import Any

import pytest
import skimage.data
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from hashmatch import media

WRITERS: dict[str, dict[str, Any]] = {
    "jpeg": {"format": "JPEG", "quality": 88},
    "jpeg progressive": {"format": "JPEG", "quality": 88, "progressive": True},
    "png": {"format": "PNG", "compress_level": 1},
    "gif": {"format": "GIF"},
    "webp": {"format": "WEBP", "method": 0},
    "bmp": {"format": "BMP"},
    "tiff": {"format": "TIFF"},
    "avif": {"format": "AVIF", "speed": 10},
}


def encoded(name: str) -> bytes:
    """Return a photograph of 2 megapixels in an encoding."""
    picture = Image.fromarray(skimage.data.coffee()).resize((1728, 1152))
    buffer = io.BytesIO()
    picture.save(buffer, **WRITERS[name])
    return buffer.getvalue()


@pytest.mark.benchmark(group="decode")
@pytest.mark.parametrize("name", WRITERS)
def test_decode(benchmark: BenchmarkFixture, name: str) -> None:
    """Bytes to pixels."""
    assert benchmark(media.decode, encoded(name)).complete


@pytest.mark.benchmark(group="decode")
def test_decode_fast(benchmark: BenchmarkFixture) -> None:
    """JPEG bytes to brightness."""
    assert benchmark(media.decode_fast, encoded("jpeg")) is not None
