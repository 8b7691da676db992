"""Every kernel at every SIMD level against its readable twin, bit for bit."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch import kernels
from hashmatch.reference import pdq as pdq_twin
from hashmatch.reference import resample as resample_twin

Pixels = NDArray[np.uint8]

# around the widths of vectors: 4, 8, 16, 32, 64 bytes or pixels, and of 64 samples
SIDES = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 21, 22, 31, 32, 33, 43, 63, 64, 65, 97, 127, 128, 129]
SHAPES = [(5, 5), (5, 300), (300, 5), (64, 64), (63, 65), (129, 128), (128, 257), (385, 260)]


def noise(*shape: int, unaligned: int = 0) -> Pixels:
    """Return noise that starts so many bytes after an aligned address."""
    rng = np.random.default_rng([*shape, unaligned])
    flat = np.zeros(int(np.prod(shape)) + 64 + unaligned, np.uint8)
    start = -flat.ctypes.data % 64 + unaligned
    view = flat[start : start + int(np.prod(shape))].reshape(shape)
    view[...] = rng.integers(0, 256, shape)
    return view


def as_rows(pixels: Pixels) -> Pixels:
    """Return grey or colour pixels with an axis of channels, as the kernels take them."""
    return pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels


def with_gaps(pixels: Pixels) -> Pixels:
    """Return colours four bytes apart, as decoders leave them, but for the last of all bytes."""
    height, width = pixels.shape[:2]
    flat = np.full(height * width * 4 - 1, 201, np.uint8)
    spread = np.lib.stride_tricks.as_strided(flat, (height, width, 3), (4 * width, 4, 1))
    spread[...] = pixels
    return spread


def samples(pixels: Pixels, level: int, mirrors: int = 1) -> NDArray[np.float32]:
    out = np.full((4 if mirrors == 3 else 1, 64, 64), np.nan, np.float32)
    kernels.pdq.downsample(as_rows(pixels), mirrors, mirrors, level, out)
    return out


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("channels", [1, 3])
def test_pdq_samples(simd_level: int, side: int, channels: int) -> None:
    for shape in ((side, 40), (40, side), (side, side)):
        pixels = noise(*shape, *([3] if channels == 3 else []), unaligned=side % 7)
        expected = pdq_twin.samples(pixels)
        assert np.array_equal(samples(pixels, simd_level)[0], expected), shape
        if channels == 3:
            assert np.array_equal(samples(with_gaps(pixels), simd_level)[0], expected), shape


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_pdq_samples_of_mirrored_pictures(simd_level: int, shape: tuple[int, int]) -> None:
    pixels = noise(*shape, 3, unaligned=1)
    found = samples(pixels, simd_level, 3)
    assert np.array_equal(found[3], samples(pixels, simd_level, 2)[0])
    for at, mirrored in enumerate((pixels, pixels[:, ::-1], pixels[::-1], pixels[::-1, ::-1])):
        assert np.array_equal(found[at], pdq_twin.samples(mirrored)), at


@cache
def high_picture(height: int, bright: bool) -> tuple[Pixels, list[NDArray[np.float32]]]:
    """Return colours, and the twin's samples of them, of them mirrored, and of their green."""
    colour = noise(height, 11, 3)
    if bright:  # the largest sums there are
        colour[...] = 255
    wanted = (colour, colour[::-1, ::-1], colour[:, :, 1])
    return colour, [pdq_twin.samples(pixels) for pixels in wanted]


# rows are summed in 16 bits as far as these hold them: the box is 16, 17, 33, 64 and 65 rows high
HIGH = [(2048, True), (2049, False), (4100, True), (8192, True), (8193, False)]


@pytest.mark.parametrize(("height", "bright"), HIGH)
def test_pdq_samples_of_high_pictures(simd_level: int, height: int, bright: bool) -> None:
    colour, (as_it_is, mirrored, green) = high_picture(height, bright)
    for pixels in (colour, with_gaps(colour)):
        found = samples(pixels, simd_level, 3)
        assert np.array_equal(found[0], as_it_is)
        assert np.array_equal(found[3], mirrored)
    assert np.array_equal(samples(colour[:, :, 1].copy(), simd_level)[0], green)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_pdq_replay(simd_level: int, shape: tuple[int, int], channels: int) -> None:
    pixels = noise(*shape, *([3] if channels == 3 else []), unaligned=3)
    out = np.full((64, 64), np.nan, np.float32)
    kernels.pdq.replay(as_rows(pixels), simd_level, out)
    assert np.array_equal(out, pdq_twin.replayed(pixels))
    for turned in (pixels[::-1, ::-1], pixels.swapaxes(0, 1), pixels[::2, 1::2]):
        kernels.pdq.replay(as_rows(turned), simd_level, out)
        assert np.array_equal(out, pdq_twin.replayed(turned))
    if channels == 3:
        kernels.pdq.replay(with_gaps(pixels), simd_level, out)
        assert np.array_equal(out, pdq_twin.replayed(pixels))


def test_pdq_replay_and_samples_agree_but_for_rounding() -> None:
    for shape in SHAPES:
        pixels = noise(*shape, 3)
        assert np.abs(pdq_twin.samples(pixels) - pdq_twin.replayed(pixels)).max() < 0.002


@pytest.mark.parametrize("kind", ["noise", "levels", "flat", "steps", "tied"])
def test_pdq_digest(simd_level: int, kind: str) -> None:
    rng = np.random.default_rng(9)
    values = {
        "noise": rng.uniform(0, 255, (64, 64)),
        "levels": rng.integers(0, 256, (64, 64)),
        "flat": np.full((64, 64), 17.0),
        "steps": np.add.outer(np.arange(64), np.arange(64)) % 6 * 51.0,
        "tied": np.repeat(rng.integers(0, 256, (1, 64)), 64, axis=0),
    }[kind].astype(np.float32)
    coefficients = np.empty((16, 16), np.float32)
    bits, median, apart, gradients, doubtful = kernels.pdq.digest(
        values, 0.01, 0.02, simd_level, coefficients
    )
    assert np.array_equal(coefficients, pdq_twin.transform(values))
    assert median == pdq_twin.median(coefficients)
    assert apart == pdq_twin.apart(coefficients, 0.02)
    assert bits == pdq_twin.bits(coefficients)
    assert (gradients, doubtful) == pdq_twin.gradients(values, 0.01)


def test_pdq_digests_of_turned_samples(simd_level: int) -> None:
    several = np.random.default_rng(3).uniform(0, 255, (4, 64, 64)).astype(np.float32)
    ways = ((0, False), (3, True), (2, False), (3, False), (1, True))
    coefficients = np.empty((16, 16), np.float32)
    expected = []
    for which, swapped in ways:
        one = several[which].T if swapped else several[which]
        bits, _, *rest = kernels.pdq.digest(
            np.ascontiguousarray(one), 0.01, 0.02, simd_level, coefficients
        )
        expected.append((bits, *rest))
    assert kernels.pdq.digest_turned(several, ways, 0.01, 0.02, simd_level) == expected
    with pytest.raises(ValueError, match="not there"):
        kernels.pdq.digest_turned(several, ((4, False),), 0.01, 0.02, simd_level)


@pytest.mark.parametrize("width", SIDES)
def test_grey(simd_level: int, width: int) -> None:
    pixels = noise(6, width, 3, unaligned=width % 5)
    out = np.zeros((6, width), np.uint8)
    kernels.resample.grey(pixels, out, simd_level)
    assert np.array_equal(out, resample_twin.grey(pixels))
    out[...] = 0
    kernels.resample.grey(with_gaps(pixels), out, simd_level)
    assert np.array_equal(out, resample_twin.grey(pixels))


def test_grey_of_every_extreme(simd_level: int) -> None:
    corners = np.stack(np.meshgrid(*[[0, 1, 127, 128, 254, 255]] * 3), axis=-1)
    pixels = corners.reshape(6, 36, 3).astype(np.uint8)
    out = np.zeros((6, 36), np.uint8)
    kernels.resample.grey(pixels, out, simd_level)
    assert np.array_equal(out, resample_twin.grey(pixels))


@pytest.mark.parametrize("size_in", [*SIDES, 300, 801])
def test_resize(simd_level: int, size_in: int) -> None:
    """Also 0s and 255s side by side, where the filter's negative weights must be clipped."""
    harsh = (noise(size_in, 35) > 127) * np.uint8(255)
    for size_out in (1, 8, 9, 16, 17, 32, 64, 70, size_in):
        for pixels in (noise(size_in, 35, unaligned=2), harsh):
            by = kernels.resample.Filter(size_in, size_out)
            out = np.zeros((size_out, 35), np.uint8)
            kernels.resample.down(as_rows(pixels), by, out, simd_level)
            assert np.array_equal(out, resample_twin.down(pixels, size_out)), size_out
            flat = np.ascontiguousarray(pixels.T)
            out = np.zeros((35, size_out), np.uint8)
            kernels.resample.across(as_rows(flat), [by], [out], simd_level)
            assert np.array_equal(out, resample_twin.across(flat, size_out)), size_out


@pytest.mark.parametrize("size", [(40, 129), (17, 64), (300, 47)])
def test_resize_by_several_filters_from_colours(simd_level: int, size: tuple[int, int]) -> None:
    pixels = noise(*size, 3, unaligned=5)
    sizes = (8, 32, 9, 64)
    outs = [np.zeros((size[0], out), np.uint8) for out in sizes]
    filters = [kernels.resample.Filter(size[1], out) for out in sizes]
    grey = resample_twin.grey(pixels)
    for colours in (pixels, with_gaps(pixels), pixels[::-1][::-1]):
        kernels.resample.across(colours, filters, outs, simd_level)
        for out, found in zip(sizes, outs, strict=True):
            assert np.array_equal(found, resample_twin.across(grey, out))


@pytest.mark.parametrize("sizes", [(97, 8), (64, 9), (33, 64), (5, 5), (1000, 17)])
def test_a_mirrored_filter_resizes_the_mirrored_picture(sizes: tuple[int, int]) -> None:
    pixels = noise(sizes[0], 20)
    by = kernels.resample.Filter(*sizes, True)
    out = np.zeros((sizes[1], 20), np.uint8)
    kernels.resample.down(as_rows(pixels), by, out, 0)
    assert np.array_equal(out, resample_twin.down(pixels[::-1], sizes[1]))
    if by.symmetric:
        assert np.array_equal(out, resample_twin.down(pixels, sizes[1])[::-1])


@pytest.mark.parametrize("size", [8, 16, 64, 256])
def test_block_sums(simd_level: int, size: int) -> None:
    plane = noise(size, size)
    for side in (1, 8):
        out = np.zeros((side, side), np.int64)
        kernels.resample.block_sums(plane, simd_level, out)
        blocks = plane.reshape(side, size // side, side, size // side)
        assert np.array_equal(out, blocks.sum(axis=(1, 3), dtype=np.int64))


def test_kernels_refuse_what_does_not_fit() -> None:
    grey = noise(10, 30, 1)
    colour = noise(10, 30, 3)
    out = np.zeros((1, 64, 64), np.float32)
    with pytest.raises(ValueError, match="pixels are"):
        kernels.pdq.downsample(noise(10, 30, 4), 1, 1, 0, out)
    with pytest.raises(ValueError, match="channels"):
        kernels.pdq.downsample(colour[:, :, ::-1], 1, 1, 0, out)
    for apart in (grey[:, ::2], colour[:, ::2], colour[:, ::-1]):
        with pytest.raises(ValueError, match="side by side"):
            kernels.pdq.downsample(apart, 1, 1, 0, out)
        with pytest.raises(ValueError, match="side by side"):
            kernels.resample.across(apart, [], [], 0)
    with pytest.raises(ValueError, match="64"):
        kernels.pdq.downsample(colour, 1, 1, 0, np.zeros((1, 64, 63), np.float32))
    with pytest.raises(ValueError, match="room"):
        kernels.pdq.downsample(colour, 3, 1, 0, out)
    with pytest.raises(ValueError, match="mirrors"):
        kernels.pdq.downsample(colour, 0, 1, 0, out)
    by = kernels.resample.Filter(30, 8)
    with pytest.raises(ValueError, match="another height"):
        kernels.resample.down(grey, by, np.zeros((8, 30), np.uint8), 0)
    with pytest.raises(ValueError, match="only grey"):
        kernels.resample.down(colour, by, np.zeros((8, 30), np.uint8), 0)
    with pytest.raises(ValueError, match="no colours"):
        kernels.resample.grey(grey, np.zeros((10, 30), np.uint8), 0)
    with pytest.raises(ValueError, match="another shape"):
        kernels.resample.across(grey, [by], [np.zeros((10, 9), np.uint8)], 0)
    with pytest.raises(ValueError, match="each filter"):
        kernels.resample.across(grey, [by], [], 0)
    with pytest.raises(ValueError, match="sizes begin"):
        kernels.resample.Filter(0, 8)
    with pytest.raises(ValueError, match="blocks"):
        kernels.resample.block_sums(grey[:, :, 0], 0, np.zeros((3, 3), np.int64))
