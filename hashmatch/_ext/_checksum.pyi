import numpy as np
from numpy.typing import NDArray

def block_checksums(data: NDArray[np.uint8], block: int, level: int) -> NDArray[np.uint32]: ...
