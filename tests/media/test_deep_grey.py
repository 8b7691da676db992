"""Grey pictures with more than 8 bits: scaled, never clipped."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from PIL import Image

from hashmatch import media

SLOPE = np.arange(256, dtype=np.uint8).reshape(8, 32)


def decoded(pixels: NDArray[np.generic], kind: str = "TIFF") -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return media.decode(buffer.getvalue()).frames[0].pixels


def tiff(samples: bytes, bits: int, *, photometric: int = 1, kind: int = 1) -> bytes:
    """Return an uncompressed little-endian TIFF of 32 x 8 samples."""
    entries = [(256, 3, 1, 32), (257, 3, 1, 8), (258, 3, 1, bits), (259, 3, 1, 1),
               (262, 3, 1, photometric), (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 8),
               (279, 4, 1, len(samples)), (339, 3, 1, kind)]  # fmt: skip
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(samples)) + samples + directory


def test_sixteen_bits_keep_their_upper_eight() -> None:
    deep = SLOPE.astype(np.uint16) * 256 + 77
    for kind in ("PNG", "TIFF"):
        assert np.array_equal(decoded(deep, kind), SLOPE)
    big_endian = tiff(deep.astype("<u2").tobytes(), 16)
    assert np.array_equal(media.decode(big_endian).frames[0].pixels, SLOPE)


def test_twelve_bits_keep_their_upper_eight() -> None:
    values = (SLOPE.astype(np.uint16) * 16 + 5).ravel()
    packed = bytearray()
    for first, second in values.reshape(-1, 2).tolist():
        packed += bytes([first >> 4, (first & 15) << 4 | second >> 8, second & 255])
    assert np.array_equal(media.decode(tiff(bytes(packed), 12)).frames[0].pixels, SLOPE)


@pytest.mark.parametrize(("bits", "dtype"), [(8, "u1"), (16, "<u2")])
def test_a_tiff_that_counts_from_white_is_inverted(bits: int, dtype: str) -> None:
    samples = (SLOPE.astype(np.uint32) << (bits - 8)).astype(dtype).tobytes()
    pixels = media.decode(tiff(samples, bits, photometric=0)).frames[0].pixels
    assert np.array_equal(pixels, 255 - SLOPE)


def test_integers_take_the_smallest_scale_that_holds_them() -> None:
    assert np.array_equal(decoded(SLOPE.astype(np.int32)), SLOPE)
    assert np.array_equal(decoded(SLOPE.astype(np.int32) * 256 + 99), SLOPE)
    assert np.array_equal(decoded(SLOPE.astype(np.int32) * 1_000_000 - 7), SLOPE)
    assert np.array_equal(decoded(SLOPE.astype(np.int32) - 100), SLOPE)
    signed = tiff((SLOPE.astype("<i2") * 100 - 9000).tobytes(), 16, kind=2)
    assert np.array_equal(media.decode(signed).frames[0].pixels, SLOPE)


def test_floats_take_the_smallest_scale_that_holds_them() -> None:
    for factor, offset in ((1 / 255, 0), (1, 0), (1000, 0), (3.5, -400), (1e-9, -1e-7)):
        pixels = decoded((SLOPE.astype(float) * factor + offset).astype(np.float32))
        assert np.abs(pixels.astype(int) - SLOPE).max() <= 1, factor


def test_what_is_no_number_is_black_and_infinity_an_end() -> None:
    values = SLOPE.astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    pixels = decoded(values)
    assert pixels[0, :3].tolist() == [0, 255, 0]
    assert np.array_equal(pixels[0, 3:], SLOPE[0, 3:])
    assert (decoded(np.full((4, 4), np.nan, np.float32)) == 0).all()


@given(npst.arrays(np.float32, (3, 5), elements=st.floats(width=32)))
def test_any_floats_give_an_ordered_picture(values: NDArray[np.float32]) -> None:
    pixels = decoded(values)
    finite = np.isfinite(values)
    order = np.argsort(values[finite], kind="stable")
    assert (np.diff(pixels[finite][order].astype(int)) >= 0).all()
