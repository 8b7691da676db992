"""Many pictures, and the order and completeness of answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch import hash_types, hashing
from hashmatch.errors import PixelError
from hashmatch.hash_types import HashKind

Pixels = NDArray[np.uint8]


def pictures(count: int) -> list[Pixels]:
    rng = np.random.default_rng(11)
    return [rng.integers(0, 256, (60 + i, 80, 3), dtype=np.uint8) for i in range(count)]


def test_every_perceptual_type_is_computed() -> None:
    perceptual = {n for n in hash_types.names() if hash_types.get(n).kind is HashKind.PERCEPTUAL}
    assert perceptual | {"colorhash"} == set(hashing.computable())
    for name, value in hashing.compute(pictures(1)[0], sorted(perceptual)).items():
        assert value.hash_type == name
        assert len(value.bytes) == hash_types.get(name).size
        assert value.quality is not None
        assert 0 <= value.quality <= 100


def test_values_come_in_the_order_asked_for() -> None:
    wanted = ["dhash", "pdq", "phash16", "ahash"]
    pixels = pictures(1)[0]
    assert list(hashing.compute(pixels, wanted)) == wanted
    assert list(hashing.compute_orientations(pixels, wanted)) == wanted
    assert hashing.compute(pixels, []) == {}
    together = hashing.compute(pixels, wanted)
    for name in wanted:
        assert hashing.compute(pixels, [name])[name] == together[name]


@pytest.mark.parametrize("threads", [1, 2, 5, None])
def test_many_pictures_are_hashed_in_order(threads: int | None) -> None:
    several = pictures(23)
    expected = [hashing.compute(pixels, ["pdq", "ahash"]) for pixels in several]
    found = list(hashing.hash_many(several, ["pdq", "ahash"], threads=threads))
    assert found == expected
    assert list(hashing.hash_many([], ["pdq"])) == []


def test_hash_many_reads_only_a_little_ahead() -> None:
    taken = 0

    def source() -> Iterator[Pixels]:
        nonlocal taken
        for pixels in pictures(50):
            taken += 1
            yield pixels

    found = hashing.hash_many(source(), ["pdq"], threads=2)
    next(found)
    assert taken <= 4
    found.close()  # type: ignore[attr-defined]


def test_hash_many_raises_at_the_picture_it_refuses() -> None:
    several = [*pictures(2), np.zeros((0, 4), np.uint8), *pictures(1)]
    found = hashing.hash_many(several, ["pdq"], threads=2)
    assert next(found)
    assert next(found)
    with pytest.raises(PixelError):
        next(found)


def test_threads_hashing_one_picture_agree() -> None:
    pixels = pictures(1)[0]
    expected = hashing.compute_orientations(pixels, ["pdq"])
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(hashing.compute_orientations(pixels, ["pdq"])))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8
