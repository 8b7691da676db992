import numpy as np
from numpy.typing import NDArray

def search_radius(
    codes: NDArray[np.uint8],
    queries: NDArray[np.uint8],
    radius: int,
    removed: NDArray[np.uint8] | None,
    first_row: int,
    level: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]: ...
def search_nearest(
    codes: NDArray[np.uint8],
    queries: NDArray[np.uint8],
    k: int,
    removed: NDArray[np.uint8] | None,
    first_row: int,
    level: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]: ...
