"""Pixels that the tests of hashing share: photographs, and what is not one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage
import sklearn
from numpy.typing import NDArray
from PIL import Image

from hashmatch import kernels

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="session")
def photographs() -> dict[str, Pixels]:
    """Return every ordinary photograph as RGB pixels, by name."""
    found = {}
    for folder in (
        Path(skimage.__file__).parent / "data",
        Path(sklearn.__file__).parent / "datasets" / "images",
    ):
        for path in sorted(folder.iterdir()):
            if path.suffix in (".png", ".jpg"):
                with Image.open(path) as opened:
                    found[path.name] = np.asarray(opened.convert("RGB"))
    return found


def _smooth(rng: np.random.Generator, height: int, width: int) -> Pixels:
    coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(scope="session")
def synthetic() -> dict[str, Pixels]:
    """Return pictures of many sizes and contents that no camera makes, as RGB pixels, by name."""
    rng = np.random.default_rng(20261126)
    sizes = [
        (5, 5), (5, 6), (7, 5), (5, 2000), (2000, 5), (16, 16), (31, 33), (63, 64), (64, 64),
        (64, 65), (65, 64), (127, 128), (128, 128), (129, 128), (128, 129), (130, 257), (256, 256),
        (255, 511), (384, 383), (641, 427), (1004, 803), (33, 1500),
    ]  # fmt: skip
    found = {}
    for height, width in sizes:
        size = f"{height}x{width}"
        y, x = np.mgrid[0:height, 0:width]
        grey = rng.integers(0, 256, (height, width), dtype=np.uint8)
        found[f"noise {size}"] = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        found[f"grey noise {size}"] = np.dstack([grey] * 3)
        found[f"smooth {size}"] = _smooth(rng, height, width)
        found[f"faint {size}"] = _smooth(rng, height, width) // 32 + 100
        found[f"gradient {size}"] = np.dstack([(255 * (x + y) // (height + width))] * 3).astype(
            np.uint8
        )
        border = np.full((height, width, 3), 230, np.uint8)
        border[1:-1, 1:-1] = _smooth(rng, height, width)[1:-1, 1:-1]
        found[f"border {size}"] = border
    for name, value in (("black", 0), ("white", 255), ("teal", (0, 128, 128))):
        found[f"flat {name}"] = np.broadcast_to(np.array(value, np.uint8), (301, 200, 3)).copy()
    y, x = np.mgrid[0:480, 0:600]
    stripes = (255 * (x // 50 % 2)).astype(np.uint8)
    found["stripes"] = np.dstack([stripes] * 3)
    found["bands"] = np.dstack([(255 * (y // 40 % 2)).astype(np.uint8)] * 3)
    found["coloured stripes"] = np.dstack([stripes, stripes // 3, 255 - stripes])
    found["chessboard"] = np.dstack([(255 * ((x // 75 + y // 60) % 2)).astype(np.uint8)] * 3)
    found["symmetric"] = np.concatenate(
        [found["smooth 256x256"], found["smooth 256x256"][:, ::-1]], 1
    )
    page = np.full((480, 600, 3), 255, np.uint8)
    page[40:90, 60:500:7] = 0
    found["page"] = page
    return found


@pytest.fixture(params=kernels.available_levels())
def simd_level(request: pytest.FixtureRequest) -> Iterator[int]:
    """Run a test at every SIMD level this machine has."""
    before = kernels.level().name.lower()
    kernels.set_level(request.param)
    yield int(kernels.level())
    kernels.set_level(before)
