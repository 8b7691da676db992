"""A home whose snapshot holds many made-up PDQ values and those of some photographs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.corpus import photographs
from hashmatch import api, hash_types, indexes
from hashmatch.home import Home
from hashmatch.indexes.snapshot import SnapshotWriter, current_id
from hashmatch.types import Polarity

KNOWN = ("chelsea.png", "coffee.png", "astronaut.png")
CODES = "codes.npy"


def codes_of(size: int, seed: int = 7) -> NDArray[np.uint8]:
    """Return the values of the list: those of ``KNOWN`` first, then random ones."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (size, 32), dtype=np.uint8)
    for row, name in enumerate(KNOWN):
        value = api.hash_file(photographs()[name])["pdq"].bytes
        codes[row] = np.frombuffer(value, np.uint8)
    return codes


def publish(home: Home, codes: NDArray[np.uint8]) -> str:
    """Write a snapshot of these values and make it the live one; return its id."""
    size = len(codes)
    rules = {
        name: {
            "max_distance": hash_types.get(name).max_distance,
            "min_quality": hash_types.get(name).min_quality,
        }
        for name in hash_types.names()
        if hash_types.get(name).max_distance
    }
    described = {
        "name": "made-up",
        "version": 1,
        "polarity": Polarity.KNOWN_BAD.value,
        "scheme": None,
        "entries": size,
        "values": {"pdq": size},
        "thresholds": rules,
        "category_thresholds": {},
    }

    def records() -> Iterator[bytes]:
        for number in range(size):
            yield b'{"list":0,"id":"%d"}' % number

    index = indexes.create("auto", bits=256, codes=codes, radius=31)
    with SnapshotWriter(home.snapshots, [described], {"engine": "bench"}) as writer:
        writer.add_entries(records())
        numbers = np.arange(size, dtype=np.uint32)
        writer.add_index("pdq", index, numbers, np.full(size, 255, np.uint8))
        return writer.publish()


def ready(folder: Path, size: int) -> Home:
    """Return a home with a list of this size, made unless it is there already.

    ``codes.npy`` beside it holds the same values for a service that is compared.
    """
    home = Home(folder / f"list-{size}")
    home.ensure()
    if current_id(home.snapshots) is None:
        codes = codes_of(size)
        np.save(home.path / CODES, codes)
        publish(home, codes)
    return home
