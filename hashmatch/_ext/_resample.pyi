import numpy as np
from numpy.typing import NDArray

class Filter:
    def __init__(self, size_in: int, size_out: int, mirrored: bool = False) -> None: ...
    @property
    def symmetric(self) -> bool: ...

def grey(pixels: NDArray[np.uint8], out: NDArray[np.uint8], level: int) -> None: ...
def across(
    pixels: NDArray[np.uint8],
    channels: int,
    filters: list[Filter],
    outs: list[NDArray[np.uint8]],
    level: int,
) -> None: ...
def down(
    pixels: NDArray[np.uint8], weights: Filter, out: NDArray[np.uint8], level: int
) -> None: ...
def block_sums(plane: NDArray[np.uint8], level: int, out: NDArray[np.int64]) -> None: ...
