"""Evidence and runs that several tests of scanning share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import hashmatch as hm
from hashmatch.home import Home
from hashmatch.scan import REPORTED_TYPES

Photograph = Callable[[str], Path]


@pytest.fixture(scope="session")
def matcher(known_home: Home) -> Iterator[hm.Matcher]:
    with hm.Matcher.open(known_home.path, also_compute=REPORTED_TYPES) as opened:
        yield opened


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory, photograph: Photograph) -> Path:
    """Return a folder of 120 small files: pictures, known ones among them, and other things."""
    folder = tmp_path_factory.mktemp("many") / "evidence"
    rng = np.random.default_rng(7)
    known = Image.open(photograph("coffee.png")).convert("RGB")
    for number in range(120):
        path = folder / f"{number % 7}" / f"{number:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number % 50 == 3:
            known.resize((300 + number, 200)).save(path, quality=80)
        elif number % 11 == 0:
            path.write_bytes(b"text" * (number + 1))
        else:
            pixels = rng.integers(0, 256, (12, 16, 3), np.uint8)
            Image.fromarray(pixels).resize((160, 120), Image.Resampling.BICUBIC).save(path)
    return folder


def records(output: Path) -> list[dict[str, Any]]:
    """Return the records of a run."""
    lines = (output / "results.jsonl").read_text(encoding="utf-8").split("\n")
    assert lines.pop() == "", "the last line ends, too"
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def read_records() -> Callable[[Path], list[dict[str, Any]]]:
    return records
