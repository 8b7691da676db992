import numpy as np
from numpy.typing import NDArray

def digest_rows(
    rows: NDArray[np.uint8], person: NDArray[np.uint8], length: int
) -> NDArray[np.uint8]: ...
def digest_spans(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], person: NDArray[np.uint8], length: int
) -> NDArray[np.uint8]: ...
