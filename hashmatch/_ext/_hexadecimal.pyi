import numpy as np
from numpy.typing import NDArray

def decode_rows(
    text: NDArray[np.uint8], starts: NDArray[np.int64], digits: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]: ...
