"""The measurement behind PDQ's guard: how far rounding carries the reference from exact sums.

Exact sums are used where no error within the guard could change the hash or its quality, and the
reference's own operations are repeated elsewhere. So the guard must be wider than the errors.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hashmatch import hashing, kernels
from hashmatch.hashing import pdq

Pixels = NDArray[np.uint8]


def errors(pixels: Pixels) -> tuple[float, float, bool]:
    """Return the largest errors over what is tolerated, and whether one slipped past the guard.

    First that of a sample, then that of a coefficient; of the coefficients only the middle half
    in size, because no other changes places around the median.
    """
    level = kernels.level()
    exact = np.empty((1, 64, 64), np.float32)
    replayed = np.empty((64, 64), np.float32)
    kernels.pdq.downsample(pixels, 1, 1, level, exact)
    kernels.pdq.replay(pixels, level, replayed)
    ours, theirs = pdq._digest(exact[0]), pdq._digest(replayed)
    i, j = np.mgrid[1:17, 1:17]
    tolerated = pdq.COEFFICIENT_ERROR * (1 / i + 1 / j)
    middle = np.argsort(ours.coefficients, axis=None)[64:192]
    apart = (np.abs(ours.coefficients - theirs.coefficients) / tolerated).ravel()[middle]
    sample = float(np.abs(exact[0] - replayed).max()) / pdq.SAMPLE_ERROR
    return sample, float(apart.max()), ours.certain and ours.value != theirs.value


def scaled(photographs: dict[str, Pixels], factors: tuple[float, ...]) -> Iterator[Pixels]:
    for pixels in photographs.values():
        for factor in factors:
            size = (int(pixels.shape[1] * factor), int(pixels.shape[0] * factor))
            if size[0] * size[1] < 12e6:
                yield np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def drawn(count: int, seed: int) -> Iterator[Pixels]:
    """Give drawings on coloured flat grounds, whose running sums may err the same way each time."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        width, height = (int(side) for side in rng.integers(300, 4000, 2))
        page = Image.new("RGB", (width, height), tuple(rng.integers(0, 256, 3).tolist()))
        draw = ImageDraw.Draw(page)
        for _ in range(int(rng.integers(5, 300))):
            x, y = int(rng.integers(width)), int(rng.integers(height))
            corner = (x + int(rng.integers(1, width // 4)), y + int(rng.integers(1, height // 9)))
            draw.rectangle((x, y, *corner), fill=tuple(rng.integers(0, 256, 3).tolist()))
        yield np.asarray(page)


def test_the_guard_is_wider_than_the_references_errors(photographs: dict[str, Pixels]) -> None:
    for pixels in (*scaled(photographs, (0.7, 2.3)), *drawn(10, seed=1)):
        sample, coefficient, missed = errors(pixels)
        assert sample < 1
        assert coefficient < 1
        assert not missed


@pytest.mark.heavy
def test_no_hash_slips_past_the_guard(photographs: dict[str, Pixels]) -> None:
    """Many more, with room for one in a thousand to exceed the errors without consequence."""
    found = [errors(p) for p in (*scaled(photographs, (0.3, 1.4, 3.1, 4.2)), *drawn(900, seed=2))]
    assert not any(missed for *_, missed in found)
    assert sum(sample >= 1 for sample, *_ in found) <= len(found) / 1000
    assert sum(error >= 1 for _, error, _ in found) <= len(found) / 1000


def test_most_photographs_need_no_replay(
    photographs: dict[str, Pixels], monkeypatch: pytest.MonkeyPatch
) -> None:
    replayed = []

    def counting(*arguments: object) -> None:
        replayed.append(1)
        original(*arguments)  # type: ignore[arg-type]

    original = kernels.pdq.replay
    monkeypatch.setattr(kernels.pdq, "replay", counting)
    for pixels in photographs.values():
        hashing.compute(pixels, ["pdq"])
    assert 0 < len(replayed) < len(photographs) / 5
