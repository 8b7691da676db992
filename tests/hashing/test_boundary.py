"""What may be handed over as pixels: anything gets a right answer or a PixelError."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from hashmatch import hashing
from hashmatch.errors import PixelError, UnknownHashTypeError
from hashmatch.types import HashValue

Pixels = NDArray[np.uint8]
TYPES = ("pdq", "phash", "dhash")


def plainly(pixels: Pixels) -> dict[str, HashValue]:
    """Hash a contiguous, writable copy."""
    return hashing.compute(np.array(pixels, np.uint8, order="C", copy=True), TYPES)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((8, 8), np.float32),
        np.full((8, 8), np.nan),
        np.zeros((8, 8), np.int8),
        np.zeros((8, 8), np.uint16),
        np.zeros((8, 8), bool),
        np.zeros((8, 8), object),
        np.zeros((8, 8), "S1"),
        np.zeros((8, 8), [("r", "u1"), ("g", "u1")]),
        np.zeros(8, np.uint8),
        np.zeros((), np.uint8),
        np.zeros((8, 8, 1), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
        np.zeros((0, 8), np.uint8),
        np.zeros((8, 0, 3), np.uint8),
        np.zeros((1, 262_145), np.uint8),
        b"\x00\x00",
        "pixels",
        None,
        [[0, 1], [2, 3]],
        3.5,
    ],
    ids=repr,
)
def test_what_are_no_pixels_is_refused(pixels: Any) -> None:
    with pytest.raises(PixelError):
        hashing.compute(pixels, TYPES)
    with pytest.raises(PixelError):
        hashing.compute_orientations(pixels, TYPES)


def test_an_error_repeats_no_content() -> None:
    with pytest.raises(PixelError) as caught:
        hashing.compute(b"secret-content", TYPES)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["photodna", "md5", "nonsense"])
def test_types_that_are_not_computed_are_refused(name: str) -> None:
    pixels = np.zeros((8, 8), np.uint8)
    for call in (hashing.compute, hashing.compute_orientations):
        with pytest.raises(UnknownHashTypeError) as caught:
            call(pixels, ["pdq", name])
        assert caught.value.name == name
    with pytest.raises(UnknownHashTypeError):
        hashing.hash_many([pixels], [name])


def layouts(pixels: Pixels) -> dict[str, Pixels]:
    """Return the same pixels in every memory layout worth a test."""
    height, width = pixels.shape[:2]
    apart = np.zeros((3 * height, 5 * width, *pixels.shape[2:]), np.uint8)
    apart[::3, ::5] = pixels
    wide = np.zeros((height, 200_000), np.uint8)
    wide[:, : pixels[0].size] = pixels.reshape(height, -1)
    backwards = np.ascontiguousarray(pixels[::-1, ::-1])[::-1, ::-1]
    upwards = np.ascontiguousarray(pixels[::-1])[::-1]
    gaps = np.full((height, width, 4), 99, np.uint8)
    gaps[:, :, :3] = pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis]
    turned_gaps = np.ascontiguousarray(gaps[::-1, ::-1].swapaxes(0, 1)).swapaxes(0, 1)[::-1, ::-1]
    read_only = pixels.copy()
    read_only.flags.writeable = False
    shifted = np.zeros(pixels.size + 1, np.uint8)[1:].reshape(pixels.shape)
    shifted[...] = pixels
    return {
        "contiguous": pixels,
        "fortran": np.asfortranarray(pixels),
        "strided": apart[::3, ::5],
        "huge stride": wide[:, : pixels[0].size].reshape(pixels.shape),
        "backwards": backwards,
        "upwards": upwards,
        "swapped": np.ascontiguousarray(pixels.swapaxes(0, 1)).swapaxes(0, 1),
        "turned": np.rot90(np.ascontiguousarray(np.rot90(pixels)), -1),
        "gaps": gaps[:, :, :3] if pixels.ndim == 3 else gaps[:, :, 0],
        "turned gaps": turned_gaps[:, :, :3] if pixels.ndim == 3 else turned_gaps[:, :, 0],
        "read-only": read_only,
        "unaligned": shifted,
        "memoryview": memoryview(np.ascontiguousarray(pixels)),  # type: ignore[dict-item, arg-type]
        "subclass": pixels.view(np.ma.MaskedArray),
    }


@pytest.mark.parametrize("shape", [(40, 70, 3), (40, 70), (5, 1, 3), (1, 9), (65, 130, 3)])
def test_the_memory_layout_does_not_matter(shape: tuple[int, ...], simd_level: int) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    expected = plainly(pixels)
    turned = hashing.compute_orientations(pixels.copy(), TYPES)
    for name, laid_out in layouts(pixels).items():
        assert np.array_equal(np.asarray(laid_out), pixels), name
        assert hashing.compute(laid_out, TYPES) == expected, name
        assert hashing.compute_orientations(laid_out, TYPES) == turned, name


def test_broadcast_and_overlapping_pixels() -> None:
    grey = np.random.default_rng(4).integers(0, 256, (30, 30, 1), dtype=np.uint8)
    spread = np.broadcast_to(grey, (30, 30, 3))
    assert hashing.compute(spread, TYPES) == plainly(spread)
    row = np.arange(200, dtype=np.uint8)
    overlapping = np.lib.stride_tricks.sliding_window_view(row, 90)
    assert hashing.compute(overlapping, TYPES) == plainly(overlapping)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_view_of_any_array(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([np.uint8, np.uint8, np.uint8, np.int16, np.float64]))
    dimensions = data.draw(st.integers(1, 4))
    shape = data.draw(hnp.array_shapes(min_dims=dimensions, max_dims=dimensions, max_side=40))
    if dimensions == 3 and data.draw(st.booleans()):
        shape = (*shape[:2], 3)
    seed = data.draw(st.integers(0, 2**16))
    array = np.random.default_rng(seed).integers(0, 127, shape).astype(dtype)
    view = array[data.draw(hnp.basic_indices(shape, allow_newaxis=True))]
    is_pixels = (
        view.dtype == np.uint8
        and (view.ndim == 2 or (view.ndim == 3 and view.shape[2] == 3))
        and min(view.shape[:2]) > 0
    )
    if is_pixels:
        assert hashing.compute(view, TYPES) == plainly(view)
        both = hashing.compute_orientations(view, ["pdq", "dhash"])
        assert both["pdq"][0] == plainly(view)["pdq"]
    else:
        with pytest.raises(PixelError):
            hashing.compute(view, TYPES)


def test_pixels_are_left_alone() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    before = pixels.copy()
    hashing.compute_orientations(pixels, hashing.computable())
    assert np.array_equal(pixels, before)
