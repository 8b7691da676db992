"""The one check of what is handed over as pixels, and the picture the kernels read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import kernels
from hashmatch.errors import PixelError
from hashmatch.types import Orientation


@dataclass(frozen=True)
class Picture:
    """Checked pixels.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8
        As they were handed over, in any memory layout.
    """

    pixels: NDArray[np.uint8]

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return int(self.pixels.shape[1])

    @property
    def channels(self) -> int:
        """1 for grey, 3 for red, green and blue."""
        return 1 if self.pixels.ndim == 2 else 3

    @cached_property
    def rows(self) -> NDArray[np.uint8]:
        """The pixels as (H, W * channels), each row contiguous; a copy only if they are not."""
        rows = self.pixels.reshape(self.height, self.width * self.channels)
        if rows.shape[1] > 1 and rows.strides[1] != 1:
            rows = np.ascontiguousarray(rows)
        return rows


def check(pixels: Any) -> Picture:
    """Return pixels as a picture.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8
        An array or anything else with the buffer protocol. It may be read-only and have any
        strides; it is read, never changed, and not kept.

    Raises
    ------
    PixelError
        If dtype or shape are others, or a side is empty or longer than 262144 pixels.
    """
    try:
        array = pixels if isinstance(pixels, np.ndarray) else np.asarray(memoryview(pixels))
    except (TypeError, ValueError) as error:
        raise PixelError(
            f"pixels must be an array, not {type(pixels).__name__}; decode the picture first"
        ) from error
    array = np.asarray(array)
    if array.dtype != np.uint8:
        raise PixelError(f"pixels must be uint8, not {array.dtype}; scale them to 0..255 first")
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] == 3):
        raise PixelError(
            f"pixels must be (H, W) grey or (H, W, 3) red, green and blue, not {array.shape}; "
            "drop or composite an alpha channel first"
        )
    height, width = array.shape[:2]
    if not height or not width:
        raise PixelError(f"a picture of {height} x {width} pixels has nothing to hash")
    if max(height, width) > kernels.pdq.LARGEST_SIZE:
        raise PixelError(
            f"a side may have {kernels.pdq.LARGEST_SIZE} pixels at most, not {max(height, width)}"
        )
    return Picture(array)


@dataclass(frozen=True, slots=True)
class Turn:
    """How a picture is brought into an orientation: mirrored first, then its axes swapped."""

    flip_x: bool
    flip_y: bool
    swap: bool

    def apply(self, picture: Picture) -> Picture:
        """Return the turned picture, without copying it."""
        pixels = picture.pixels
        if self.flip_x:
            pixels = pixels[:, ::-1]
        if self.flip_y:
            pixels = pixels[::-1]
        return Picture(pixels.swapaxes(0, 1) if self.swap else pixels)


# The names are those of Pillow's Image.Transpose: rotations are counter-clockwise, flip_x swaps
# left and right.
TURNS = {
    Orientation.ORIGINAL: Turn(flip_x=False, flip_y=False, swap=False),
    Orientation.ROTATE90: Turn(flip_x=True, flip_y=False, swap=True),
    Orientation.ROTATE180: Turn(flip_x=True, flip_y=True, swap=False),
    Orientation.ROTATE270: Turn(flip_x=False, flip_y=True, swap=True),
    Orientation.FLIP_X: Turn(flip_x=True, flip_y=False, swap=False),
    Orientation.FLIP_Y: Turn(flip_x=False, flip_y=True, swap=False),
    Orientation.TRANSPOSE: Turn(flip_x=False, flip_y=False, swap=True),
    Orientation.TRANSVERSE: Turn(flip_x=True, flip_y=True, swap=True),
}
UNTURNED = TURNS[Orientation.ORIGINAL]
