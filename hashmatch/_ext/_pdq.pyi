import numpy as np
from numpy.typing import NDArray

LARGEST_SIZE: int

def downsample(
    pixels: NDArray[np.uint8], along_x: int, along_y: int, level: int, out: NDArray[np.float32]
) -> None: ...
def replay(pixels: NDArray[np.uint8], level: int, out: NDArray[np.float32]) -> None: ...
def digest(
    samples: NDArray[np.float32],
    gradient_tolerance: float,
    coefficient_tolerance: float,
    level: int,
    coefficients: NDArray[np.float32],
) -> tuple[bytes, float, float, int, int]: ...
def digest_turned(
    samples: NDArray[np.float32],
    ways: tuple[tuple[int, bool], ...],
    gradient_tolerance: float,
    coefficient_tolerance: float,
    level: int,
) -> list[tuple[bytes, float, int, int]]: ...
