import numpy as np
from numpy.typing import NDArray

LARGEST_SIZE: int

def downsample(
    rows: NDArray[np.uint8], channels: int, level: int, out: NDArray[np.float32]
) -> None: ...
def replay(
    rows: NDArray[np.uint8], channels: int, level: int, out: NDArray[np.float32]
) -> None: ...
def digest(
    samples: NDArray[np.float32], slack: float, level: int, coefficients: NDArray[np.float32]
) -> tuple[bytes, float, float, int, int]: ...
