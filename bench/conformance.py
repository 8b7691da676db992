"""PDQ on the same pixels as ``pdqhash``: how many hashes are identical, and the largest distance.

Every photograph there is, in several sizes, made pictures from 5x5 up, extreme aspect ratios,
one-pixel borders and flat pictures. Where the quality is 0 a hash says nothing, so such pictures
are counted apart.

Usage: python -m bench.conformance [--json]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pdqhash
from PIL import Image

import hashmatch as hm
from bench.corpus import Pixels, degenerate, photographs, rgb, synthetic
from bench.harness import measured, report

SIDES = (5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97, 127, 128, 129, 255, 513, 1025)
SHAPES = ((5, 2000), (2000, 5), (16, 3000), (3000, 16), (64, 1000), (1000, 64), (63, 65))


@dataclass(slots=True)
class Tally:
    """Distances between the two implementations over one group of pictures."""

    distances: list[int] = field(default_factory=list)
    quality_differs: int = 0
    quality_zero: int = 0
    quality_zero_identical: int = 0

    def add(self, pixels: Pixels) -> None:
        """Hash one picture both ways."""
        ours = hm.hash_pixels(pixels, ["pdq"])["pdq"]
        colour = np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels  # all it accepts
        bits, quality = pdqhash.compute(np.ascontiguousarray(colour))
        theirs = np.packbits(bits).tobytes()
        self.quality_differs += ours.quality != quality
        if quality == 0:
            self.quality_zero += 1
            self.quality_zero_identical += ours.bytes == theirs
        else:
            self.distances.append(hm.distance("pdq", ours.bytes, theirs))

    def to_json(self) -> dict[str, int | float]:
        """Return the counts of the group."""
        n = len(self.distances)
        return {
            "pictures": n,
            "identical": sum(d == 0 for d in self.distances),
            "share_identical": sum(d == 0 for d in self.distances) / n if n else 1.0,
            "largest_distance": max(self.distances, default=0),
            "quality_differs": self.quality_differs,
            "quality_zero": self.quality_zero,
            "quality_zero_identical": self.quality_zero_identical,
        }


def pictures() -> Iterator[tuple[str, Pixels]]:
    """Give every picture with the name of its group."""
    for path in photographs().values():
        whole = rgb(path)
        yield "photographs", np.asarray(whole)
        yield "photographs, grey", np.asarray(whole.convert("L"))
        for share in (0.71, 0.5, 0.25, 0.1):
            size = (max(5, round(whole.width * share)), max(5, round(whole.height * share)))
            small = whole.resize(size, Image.Resampling.BILINEAR)
            yield "photographs, resized", np.asarray(small)
    for number, side in enumerate(SIDES):
        for seed in range(4):
            yield "synthetic squares", synthetic(1000 * number + seed, side, side)
    for number, (height, width) in enumerate(SHAPES):
        for seed in range(4):
            yield "synthetic, extreme aspect", synthetic(50_000 + 10 * number + seed, height, width)
    rng = np.random.default_rng(7)
    for _ in range(200):
        height, width = (int(n) for n in rng.integers(5, 700, 2))
        yield "synthetic, random sizes", synthetic(int(rng.integers(1 << 30)), height, width)
        noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        yield "noise, random sizes", noise
    for side in (5, 16, 64, 100, 512):
        yield from (("degenerate", pixels) for _, pixels in degenerate(side, side + 3))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="the same; it takes a minute or two")
    as_json = parser.parse_args().json
    groups: dict[str, Tally] = {}
    for name, pixels in pictures():
        groups.setdefault(name, Tally()).add(pixels)
    everything = Tally(
        [d for tally in groups.values() for d in tally.distances],
        sum(tally.quality_differs for tally in groups.values()),
        sum(tally.quality_zero for tally in groups.values()),
        sum(tally.quality_zero_identical for tally in groups.values()),
    )
    groups["all"] = everything
    figure = measured(
        f"identical to pdqhash on {len(everything.distances)} pictures",
        [100 * everything.to_json()["share_identical"]],
        "%", 100, below=False, name="conformance.pdq-photographs",
    )  # fmt: skip
    report(
        "PDQ on the same pixels as pdqhash",
        [figure],
        {"pictures": "where the quality is 0 a hash says nothing; such ones are counted apart"},
        as_json,
        more={"groups": {name: tally.to_json() for name, tally in groups.items()}},
    )
    if as_json:
        return
    print()
    print(f"{'group':<26} {'pictures':>8} {'identical':>9} {'largest':>7} {'quality differs':>15}"
          f" {'quality 0 (same)':>17}")  # fmt: skip
    for name, tally in groups.items():
        row = tally.to_json()
        zero = f"{row['quality_zero']} ({row['quality_zero_identical']})"
        print(
            f"{name:<26} {row['pictures']:>8} {row['share_identical']:>9.2%} "
            f"{row['largest_distance']:>7} {row['quality_differs']:>15} {zero:>17}"
        )


if __name__ == "__main__":
    main()
