"""The digest kernel against the standard library."""

from __future__ import annotations

import numpy as np
import pytest

from hashmatch._ext import _digest
from hashmatch.reference import digest as reference


@pytest.mark.parametrize("size", [0, 1, 8, 16, 20, 32, 84, 127, 128, 129, 144, 255, 256, 257, 1000])
@pytest.mark.parametrize("length", [1, 8, 16, 33, 64])
def test_every_size_of_row(size: int, length: int) -> None:
    source = np.random.default_rng(size + length)
    rows = source.integers(0, 256, (7, size), np.uint8)
    person = source.integers(0, 256, 16, np.uint8)
    found = _digest.digest_rows(rows, person, length)
    assert (found == reference.digest_rows(rows, person, length)).all()


def test_no_rows() -> None:
    person = np.zeros(16, np.uint8)
    assert _digest.digest_rows(np.empty((0, 32), np.uint8), person, 16).shape == (0, 16)


@pytest.mark.parametrize(("person", "length"), [(15, 16), (16, 0), (16, 65)])
def test_what_the_algorithm_has_not(person: int, length: int) -> None:
    with pytest.raises(ValueError, match="1 to 64 bytes"):
        _digest.digest_rows(np.zeros((1, 4), np.uint8), np.zeros(person, np.uint8), length)


def test_spans_of_every_length() -> None:
    source = np.random.default_rng(3)
    lengths = [*range(300), 1000, 0, 128, 256]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    data = source.integers(0, 256, offsets[-1], np.uint8)
    person = source.integers(0, 256, 16, np.uint8)
    found = _digest.digest_spans(data, offsets, person, 16)
    assert (found == reference.digest_spans(data, offsets, person, 16)).all()


def test_no_spans() -> None:
    person = np.zeros(16, np.uint8)
    nothing = np.empty(0, np.uint8)
    assert _digest.digest_spans(nothing, np.zeros(1, np.int64), person, 8).shape == (0, 8)


@pytest.mark.parametrize("offsets", [[], [1, 5], [0, 4], [0, 6], [0, 4, 2, 5]])
def test_offsets_that_do_not_fit(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="offsets"):
        _digest.digest_spans(
            np.zeros(5, np.uint8), np.array(offsets, np.int64), np.zeros(16, np.uint8), 8
        )
