"""Decoding, by format and size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench.inputs import encoded
from hashmatch import media

Measure = Callable[..., Any]


@pytest.mark.benchmark(group="decode")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_decode(measure: Measure, kind: str, side: tuple[int, int]) -> None:
    data = encoded(side, kind)
    decoded = measure(lambda: media.decode(data), bytes=len(data))
    assert decoded.frames[0].pixels.shape[:2] == side
