"""Decoding, by format and size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench.inputs import WRITERS, encoded
from hashmatch import media

Measure = Callable[..., Any]


@pytest.mark.benchmark(group="decode")
@pytest.mark.parametrize("name", WRITERS)
def test_decode(measure: Measure, name: str, side: tuple[int, int]) -> None:
    data = encoded(side, name)
    decoded = measure(lambda: media.decode(data), bytes=len(data))
    assert decoded.complete
    assert decoded.frames[0].pixels.shape[:2] == side


@pytest.mark.benchmark(group="decode")
def test_decode_fast(measure: Measure, side: tuple[int, int]) -> None:
    """JPEG bytes to brightness; ``None`` where the guard asks for the full decode."""
    data = encoded(side)
    measure(lambda: media.decode_fast(data))
