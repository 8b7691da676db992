"""The kernel that samples changed views, against its twin and against what the views mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hashmatch import kernels
from hashmatch.reference import probes as twin

Opener = Callable[[str], Image.Image]
Box = tuple[float, float, float, float]
View = tuple[float, float, float, float, float, float]
kernel = kernels.probes


def reduced(pixels: NDArray[np.uint8], block: int) -> NDArray[np.float32]:
    height, width, _ = pixels.shape
    plane = np.empty((-(-height // block), -(-width // block)), np.float32)
    kernel.reduce(pixels, block, plane)
    return plane


def gridded(
    plane: NDArray[np.float32], block: int, size: tuple[int, int], box: Box
) -> NDArray[np.float32]:
    out = np.empty((kernel.GRID, kernel.GRID), np.float32)
    height, width = size
    top, bottom, left, right = box
    kernel.grid(plane, block, height, width, top, bottom, left, right, out)
    return out


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 9), (2, 3), (5, 4), (7, 33), (31, 15), (64, 65), (97, 63), (301, 520)]
)
@pytest.mark.parametrize("block", [1, 2, 3, 7, 256, 300])
def test_blocks_are_means_of_luma(size: tuple[int, int], channels: int, block: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*size, channels), np.uint8)
    np.testing.assert_allclose(reduced(pixels, block), twin.reduce(pixels, block), atol=1e-3)


def test_rows_may_be_four_bytes_a_pixel_unaligned_or_upside_down() -> None:
    memory = np.random.default_rng(2).integers(0, 256, (40, 53, 4), np.uint8)
    for pixels in (memory[..., :3], memory[1:, 1:, :3], memory[::-1, :, :3], memory[:, :, 3:]):
        expected = twin.reduce(np.ascontiguousarray(pixels), 3)
        np.testing.assert_allclose(reduced(pixels, 3), expected, atol=1e-3)


def test_what_is_no_picture_is_refused() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    plane = np.zeros((4, 4), np.float32)
    with pytest.raises(ValueError, match="does not fit"):
        kernel.reduce(pixels, 3, plane)
    with pytest.raises(ValueError, match="in order"):
        kernel.reduce(pixels[:, ::-1], 2, plane)
    with pytest.raises(ValueError, match="block"):
        kernel.reduce(pixels, 0, plane)
    with pytest.raises(ValueError, match="inside"):
        kernel.grid(plane, 2, 8, 8, 0, 9, 0, 8, np.zeros((192, 192), np.float32))
    with pytest.raises(ValueError, match="inside"):
        kernel.profiles(
            plane, 0, 5, 0, 4, 1, np.zeros((5, 3), np.float32), np.zeros((4, 3), np.float32)
        )
    with pytest.raises(ValueError, match="as many"):
        kernel.sample(
            np.zeros((192, 192), np.float32), np.zeros((2, 6)), np.zeros((1, 64, 64), np.float32)
        )


@pytest.mark.parametrize("size", [(3, 3), (17, 40), (64, 64), (200, 131)])
def test_profiles_agree_with_the_twin(size: tuple[int, int]) -> None:
    plane = np.random.default_rng(3).uniform(0, 255, size).astype(np.float32)
    rows, columns = np.empty((size[0], 3), np.float32), np.empty((size[1], 3), np.float32)
    kernel.profiles(plane, 0, size[0], 0, size[1], 90.0, rows, columns)
    by_row, by_column = twin.profiles(plane.astype(np.float64), 90.0)
    np.testing.assert_allclose(rows, by_row, atol=1e-3)
    np.testing.assert_allclose(columns, by_column, atol=1e-3)


def test_profiles_of_a_part_are_those_of_the_part_alone() -> None:
    plane = np.random.default_rng(4).uniform(0, 255, (50, 60)).astype(np.float32)
    rows, columns = np.empty((20, 3), np.float32), np.empty((31, 3), np.float32)
    kernel.profiles(plane, 10, 30, 5, 36, 90.0, rows, columns)
    by_row, by_column = twin.profiles(plane[10:30, 5:36].astype(np.float64), 90.0)
    np.testing.assert_allclose(rows, by_row, atol=1e-3)
    np.testing.assert_allclose(columns, by_column, atol=1e-3)


@pytest.mark.parametrize("block", [1, 3])
@pytest.mark.parametrize("size", [(32, 45), (193, 640), (500, 333)])
@pytest.mark.parametrize("box", [(0, 1, 0, 1), (0.21, 0.83, 0.02, 0.97), (0.5, 0.52, 0, 1)])
def test_grids_agree_with_the_twin(size: tuple[int, int], box: Box, block: int) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (*size, 1), np.uint8)
    plane = reduced(pixels, block)
    inside = (box[0] * size[0], box[1] * size[0], box[2] * size[1], box[3] * size[1])
    expected = twin.grid(plane.astype(np.float64), block, size, inside)
    np.testing.assert_allclose(gridded(plane, block, size, inside), expected, atol=1e-2)


VIEWS: list[View] = [
    (0, 1, 0, 1, 0, 1.5),
    (-0.1, 1.1, -0.1, 1.1, 0, 1.5),
    (0, 1, 1, 0, 0, 1.5),
    (0, 1, 0, 1, 3.5, 1.5),
    (-0.04, 1.04, -0.04, 1.04, -2, 0.6),
]


@pytest.mark.parametrize("view", VIEWS)
def test_samples_agree_with_the_twin(view: View) -> None:
    grid = np.random.default_rng(6).uniform(0, 255, (192, 192)).astype(np.float32)
    out = np.empty((1, 64, 64), np.float32)
    kernel.sample(grid, np.array([view], np.float64), out)
    expected = twin.sample(grid.astype(np.float64), view)
    np.testing.assert_allclose(out[0], expected, atol=2e-2)


def test_a_constant_picture_stays_constant_in_every_view() -> None:
    plane = reduced(np.full((90, 133, 3), 77, np.uint8), 2)
    grid = gridded(plane, 2, (90, 133), (3.7, 88.1, 10.0, 131.2))
    out = np.empty((len(VIEWS), 64, 64), np.float32)
    kernel.sample(grid, np.array(VIEWS, np.float64), out)
    np.testing.assert_allclose(out, 77, atol=1e-3)


def test_a_mirrored_view_is_the_view_mirrored(open_photograph: Opener) -> None:
    pixels = np.asarray(open_photograph("chelsea.png"))
    size = pixels.shape[:2]
    grid = gridded(reduced(pixels, 1), 1, size, (0, size[0], 0, size[1]))
    out = np.empty((2, 64, 64), np.float32)
    kernel.sample(grid, np.array([(0, 1, 0, 1, 0, 1.5), (0, 1, 1, 0, 0, 1.5)], np.float64), out)
    np.testing.assert_allclose(out[1], out[0][:, ::-1], atol=1e-3)
