import numpy as np
from numpy.typing import NDArray

def anchored(bands: int, link_size: int) -> list[bool]: ...
def count(codes: NDArray[np.uint8], starts: NDArray[np.uint32]) -> int: ...
def fill(
    codes: NDArray[np.uint8],
    starts: NDArray[np.uint32],
    tags: NDArray[np.uint16],
    anchors: NDArray[np.uint32],
    links: NDArray[np.uint8],
    link_size: int,
) -> None: ...
def search_radius(
    codes: NDArray[np.uint8],
    starts: NDArray[np.uint32],
    tags: NDArray[np.uint16],
    anchors: NDArray[np.uint32],
    links: NDArray[np.uint8],
    link_size: int,
    removed: NDArray[np.uint8] | None,
    queries: NDArray[np.uint8],
    radius: int,
    budget: int,
    level: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]: ...
