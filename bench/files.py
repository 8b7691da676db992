"""A JPEG file's bytes to hash values: exact and fast, against what peers do with the same bytes.

Usage: python -m bench.files [--json] [--quick]
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator

import numpy as np
import pdqhash
from PIL import Image

import hashmatch as hm
from bench.corpus import photographs, rgb
from bench.harness import Figure, cost, interleave, report, speedup
from hashmatch import media

FIGURES = ("hash.jpeg-exact", "hash.jpeg-fast", "hash.all-types")
TYPES = ("pdq", "phash", "dhash", "ahash", "whash", "md5", "sha1", "sha256")
NAMES = ("coffee.png", "chelsea.png", "china.jpg")
SIZES = {"512x512": (512, 512), "1600x1004": (1600, 1004), "12 MP": (4032, 3024)}


def jpegs(size: tuple[int, int]) -> list[bytes]:
    """Return photographs of a size with a sensor's grain, as a camera saves them."""
    rng = np.random.default_rng(11)
    made = []
    for name in NAMES:
        pixels = np.asarray(rgb(photographs()[name]).resize(size, Image.Resampling.BICUBIC))
        grain = rng.normal(0, 3, (size[1], size[0], 1)).astype(np.float32)
        grainy = np.clip(pixels + grain, 0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(grainy).save(buffer, "JPEG", quality=88)
        made.append(buffer.getvalue())
    return made


def measure(size: str, rounds: int) -> Iterator[Figure]:
    """Time one size of picture."""
    files = jpegs(SIZES[size])

    def theirs() -> None:
        for data in files:
            with Image.open(io.BytesIO(data)) as opened:
                pdqhash.compute(np.asarray(opened.convert("RGB")))

    times = interleave(
        {
            "exact": lambda: [hm.hash_bytes(data) for data in files],
            "fast": lambda: [hm.hash_bytes(data, decode="fast") for data in files],
            "all": lambda: [hm.hash_bytes(data, TYPES) for data in files],
            "decode": lambda: [media.decode(data) for data in files],
            "theirs": theirs,
        },
        rounds=rounds,
        least=0.02,
    )
    # the promises are about 12 MP, where there is most to do
    names = FIGURES if size == "12 MP" else [f"{name}.{size}" for name in FIGURES]
    goals = (3.5, 10.0, 1.35) if size == "12 MP" else (None, None, None)
    peer = "against Pillow + pdqhash"
    yield speedup(f"{size} JPEG to PDQ, exact, {peer}", times["exact"], times["theirs"], goals[0],
                  name=names[0])  # fmt: skip
    yield speedup(f"{size} JPEG to PDQ, fast, {peer}", times["fast"], times["theirs"], goals[1],
                  name=names[1])  # fmt: skip
    yield cost(f"{size} JPEG to all eight hashes, against its decode alone", times["all"],
               times["decode"], goals[2], name=names[2])  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="three rounds instead of seven")
    chosen = parser.parse_args()
    figures = [figure for size in SIZES for figure in measure(size, 3 if chosen.quick else 7)]
    notes = {
        "pictures": f"{', '.join(NAMES)} with grain, JPEG quality 88, together in each round",
        "threads": "one",
        "seed": "11",
    }
    report("JPEG bytes to hash values", figures, notes, chosen.json)


if __name__ == "__main__":
    main()
