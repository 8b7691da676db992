import numpy as np
from numpy.typing import NDArray

def group(
    values: NDArray[np.uint8], bits: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]: ...
def sort(values: NDArray[np.uint8], order: NDArray[np.uint32]) -> None: ...
def find(
    values: NDArray[np.uint8],
    bits: int,
    prefixes: NDArray[np.uint32],
    queries: NDArray[np.uint8],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
