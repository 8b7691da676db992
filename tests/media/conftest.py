"""The oracle the tests hold decoded pixels against, and where the odd pictures are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pdqhash
import pytest
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="session")
def pdq_distance() -> Callable[[Pixels, Pixels], int]:
    """Return how many bits the reference PDQ hashes of two pictures differ in."""

    def bits(pixels: Pixels) -> NDArray[np.uint8]:
        colour = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=2)
        vector, _ = pdqhash.compute(np.ascontiguousarray(colour))
        return np.asarray(vector)

    return lambda a, b: int((bits(a) != bits(b)).sum())


@pytest.fixture(scope="session")
def corpus() -> list[Path]:
    """Return the files of Pillow's own test suite, which `corpus.py` fetches."""
    script = Path(__file__).with_name("corpus.py")
    asked = subprocess.run(
        [sys.executable, script, "--where"], capture_output=True, text=True, check=True
    )
    folder = Path(asked.stdout.strip())
    if not folder.is_dir():
        message = f"{folder} is missing; run 'python {script}'"
        if os.environ.get("HASHMATCH_NO_CORPUS"):
            pytest.skip(message)
        pytest.fail(message)
    return sorted(path for path in folder.rglob("*") if path.is_file())
