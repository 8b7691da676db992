"""The hexadecimal kernel against its twin."""

from __future__ import annotations

import numpy as np
import pytest

from hashmatch._ext import _hexadecimal
from hashmatch.reference import hexadecimal as reference


@pytest.mark.parametrize("digits", [2, 4, 16, 30, 32, 40, 64, 288])
def test_every_length(digits: int) -> None:
    source = np.random.default_rng(digits)
    letters = np.frombuffer(b"0123456789abcdefABCDEF", np.uint8)
    text = source.choice(letters, 5000)
    text[source.integers(0, 5000, 40)] = source.integers(0, 256, 40, np.uint8)
    starts = source.integers(0, 5000 - digits + 1, 300)
    codes, good = _hexadecimal.decode_rows(text, starts, digits)
    expected, right = reference.decode_rows(text, starts, digits)
    assert (good == right).all()
    assert (codes[good] == expected[good]).all()
    assert good.sum() > 0


def test_every_character() -> None:
    for place in (0, 1):
        text = np.full(2 * 256, ord("5"), np.uint8)
        text[place::2] = np.arange(256)
        starts = np.arange(0, 512, 2)
        codes, good = _hexadecimal.decode_rows(text, starts, 2)
        expected, right = reference.decode_rows(text, starts, 2)
        assert (good == right).all()
        assert good.sum() == 22
        assert (codes[good] == expected[good]).all()


def test_no_rows() -> None:
    codes, good = _hexadecimal.decode_rows(np.empty(0, np.uint8), np.empty(0, np.int64), 64)
    assert (codes.shape, good.shape) == ((0, 32), (0,))


@pytest.mark.parametrize("start", [-1, 7])
def test_rows_outside_the_text(start: int) -> None:
    with pytest.raises(ValueError, match="outside the text"):
        _hexadecimal.decode_rows(np.zeros(8, np.uint8), np.array([start]), 2)


@pytest.mark.parametrize("digits", [0, 1, 3])
def test_odd_numbers_of_digits(digits: int) -> None:
    with pytest.raises(ValueError, match="even number"):
        _hexadecimal.decode_rows(np.zeros(8, np.uint8), np.array([0]), digits)
