"""The one check of what is handed over as pixels, and the picture the kernels read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import kernels
from hashmatch.errors import PixelError
from hashmatch.types import Orientation


@dataclass(frozen=True, slots=True)
class Turn:
    """How a picture is brought into an orientation: mirrored first, then its axes swapped."""

    flip_x: bool
    flip_y: bool
    swap: bool

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return (H, W, ...) pixels turned, without copying them."""
        if self.flip_x:
            pixels = pixels[:, ::-1]
        if self.flip_y:
            pixels = pixels[::-1]
        return pixels.swapaxes(0, 1) if self.swap else pixels

    def after(self, first: Turn) -> Turn:
        """Return the one turn that does what ``first`` and then this one do."""
        flip_x, flip_y = self.flip_x, self.flip_y
        if first.swap:  # what is x now was y before
            flip_x, flip_y = flip_y, flip_x
        return Turn(first.flip_x != flip_x, first.flip_y != flip_y, first.swap != self.swap)


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


class Picture:
    """Checked pixels, and how they lie in memory.

    The kernels read rows of pixels that lie side by side. A view that turns such a picture, as
    decoders hand out, is undone rather than copied: ``turn`` applied to ``base`` gives ``pixels``.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8
        As they were handed over, in any memory layout.
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels = pixels
        """What was handed over."""
        base = pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
        turn = _as_it_lies(base)
        if turn is None:
            base, turn = np.ascontiguousarray(base), UNTURNED
        elif turn.swap:
            base = base.swapaxes(0, 1)
        if turn.flip_x:
            base = base[:, ::-1]
        self.base = base
        """The picture as it lies, (H, W, 1) or (H, W, 3)."""
        self.turn = turn
        """What brings ``base`` into the shape that was handed over."""

    @property
    def least_side(self) -> int:
        """Pixels along the shorter side."""
        return int(min(self.pixels.shape[:2]))


def _as_it_lies(pixels: NDArray[np.uint8]) -> Turn | None:
    """Return the turn that was applied to rows of pixels side by side; ``None`` if none was."""
    channels = pixels.shape[2]
    steps = (1,) if channels == 1 else (3, 4)  # four bytes where a decoder leaves one unused
    if channels == 3 and pixels.strides[2] != 1:
        return None
    for swap, step in ((False, pixels.strides[1]), (True, pixels.strides[0])):
        if abs(step) in steps:
            return Turn(flip_x=step < 0, flip_y=False, swap=swap)
    return None


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
