"""Do the hash types still give the values they gave when this version was made?

The pictures are arithmetic, so none ships. A library or compiler that changed a result shows
here, in ``hashmatch doctor``, before it shows as missed pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hashmatch.hashing import golden_values
from hashmatch.hashing.crypto import NAMES, crypto_hashes
from hashmatch.hashing.pictures import BUILT_IN, compute

_BYTES = bytes(range(256)) * 300


def golden_pictures() -> dict[str, NDArray[np.uint8]]:
    """Return the golden pictures: integer arithmetic only, the same on every machine."""
    y, x = np.mgrid[0:240, 0:321].astype(np.int64)
    waves = np.stack(
        [
            (x * x + 3 * y * y) // 512,
            (x * y) // 128 + 40 * ((x // 37 + y // 29) % 3),
            255 - (x + 2 * y) // 4,
        ],
        axis=2,
    )
    blocks = 60 * ((x // 41) % 2) + 90 * ((y // 53) % 2) + (x * y * 7 // 256) % 50
    return {
        "waves": (waves % 256).astype(np.uint8),
        "blocks": blocks.astype(np.uint8),
        "small": (waves[::31, ::23] % 256).astype(np.uint8),
    }


def golden_hashes() -> dict[str, dict[str, tuple[str, int | None]]]:
    """Return hash type to golden picture to (hex, quality), as computed now."""
    found: dict[str, dict[str, tuple[str, int | None]]] = {}
    for picture, pixels in golden_pictures().items():
        for name, value in compute(pixels, BUILT_IN).items():
            found.setdefault(name, {})[picture] = (value.hex, value.quality)
    for name, value in crypto_hashes(_BYTES, NAMES).items():
        found[name] = {"bytes": (value.hex, None)}
    return found


def check_golden() -> list[str]:
    """Return the names of the hash types that no longer give their golden values."""
    found = golden_hashes()
    return [name for name, values in golden_values.VALUES.items() if found[name] != values]
