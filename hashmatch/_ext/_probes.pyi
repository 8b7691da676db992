import numpy as np
from numpy.typing import NDArray

GRID: int
SIDE: int

def reduce(pixels: NDArray[np.uint8], block: int, out: NDArray[np.float32]) -> None: ...
def profiles(
    plane: NDArray[np.float32],
    top: int,
    bottom: int,
    left: int,
    right: int,
    step: float,
    rows: NDArray[np.float32],
    columns: NDArray[np.float32],
) -> None: ...
def grid(
    plane: NDArray[np.float32],
    block: int,
    height: int,
    width: int,
    top: float,
    bottom: float,
    left: float,
    right: float,
    out: NDArray[np.float32],
) -> None: ...
def sample(
    grid: NDArray[np.float32], views: NDArray[np.float64], out: NDArray[np.float32]
) -> None: ...
