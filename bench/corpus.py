"""The pictures that figures are measured on: ordinary ones that ship in wheels, and made ones.

None is committed. Every made picture comes from a seed, so a figure can be measured again.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def photographs() -> dict[str, Path]:
    """Return the photographs of the scikit-image and scikit-learn wheels by file name."""
    return {
        path.name: path
        for folder in (_package("skimage") / "data", _package("sklearn") / "datasets" / "images")
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in (".png", ".jpg", ".jpeg")
    }


def _package(name: str) -> Path:
    """Return the folder of an installed package without importing it, which takes seconds."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return Path(found.origin).parent


def rgb(path: Path) -> Image.Image:
    """Return a picture as RGB, as Pillow converts it."""
    with Image.open(path) as opened:
        return opened.convert("RGB")


def twelve_megapixels(name: str = "rocket.jpg") -> Image.Image:
    """Return a photograph enlarged to 4032 x 3024 with a little noise, as a phone takes them."""
    large = rgb(photographs()[name]).resize((4032, 3024), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(12).integers(-6, 7, (3024, 4032, 3), dtype=np.int16)
    pixels = np.clip(np.asarray(large, np.int16) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def synthetic(seed: int, height: int, width: int, *, grey: bool = False) -> Pixels:
    """Return a picture with detail at every scale, like a photograph's (a 1/f spectrum)."""
    rng = np.random.default_rng(seed)
    planes = []
    for _ in range(1 if grey else 3):
        rows = np.fft.fftfreq(height)[:, None]
        columns = np.fft.rfftfreq(width)[None, :]
        falloff = np.maximum(np.hypot(rows, columns), 1 / max(height, width))
        phases = rng.standard_normal(falloff.shape) + 1j * rng.standard_normal(falloff.shape)
        plane = np.fft.irfft2(phases / falloff, (height, width))
        spread = plane.std() or 1.0
        planes.append(np.clip(128 + 48 * (plane - plane.mean()) / spread, 0, 255))
    made = np.stack(planes, -1).astype(np.uint8)
    return made[..., 0] if grey else made


def degenerate(height: int, width: int) -> Iterator[tuple[str, Pixels]]:
    """Give pictures with little or no detail, by name."""
    yield "flat", np.full((height, width, 3), 120, np.uint8)
    yield "black", np.zeros((height, width, 3), np.uint8)
    bordered = np.full((height, width, 3), 200, np.uint8)
    bordered[[0, -1]] = 0
    bordered[:, [0, -1]] = 0
    yield "border", bordered
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    yield "ramp", np.ascontiguousarray(np.broadcast_to(ramp[None, :, None], (height, width, 3)))
    split = np.zeros((height, width, 3), np.uint8)
    split[:, width // 2 :] = 255
    yield "halves", split
