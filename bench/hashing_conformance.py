"""Every hash type on the same pixels as its library: identical values, largest distance, quality.

Thousands of pictures: photographs cut, scaled, turned, dimmed and given noise, drawings on flat
grounds, noise, stripes, gradients and flat pictures, of odd sizes and in grey. Those whose PDQ
quality is 0 are counted apart: their values mean nothing, and need not agree.

Usage: python -m bench.hashing_conformance [--json] [--count N] [--largest MEGAPIXELS] [--seed N]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import imagehash
import numpy as np
import pdqhash
import skimage
import sklearn
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bench.harness import measured, report
from hashmatch import hashing

FIGURES = ("hash.conformance",)
Pixels = NDArray[np.uint8]

LIBRARY: dict[str, Callable[[Image.Image], imagehash.ImageHash]] = {
    "phash": imagehash.phash,
    "dhash": imagehash.dhash,
    "ahash": imagehash.average_hash,
    "whash": imagehash.whash,
    "phash16": lambda image: imagehash.phash(image, hash_size=16),
    "dhash16": lambda image: imagehash.dhash(image, hash_size=16),
}


@dataclass(slots=True)
class Tally:
    """How one type compares over the pictures seen so far."""

    pictures: int = 0
    identical: int = 0
    largest_distance: int = 0
    quality_differs: int = 0
    quality_zero: int = 0
    quality_zero_identical: int = 0

    def add(self, ours: bytes, theirs: bytes, *, counts: bool, same_quality: bool = True) -> None:
        """Take in one picture."""
        same = ours == theirs
        if not counts:
            self.quality_zero += 1
            self.quality_zero_identical += same
            return
        self.pictures += 1
        self.identical += same
        self.quality_differs += not same_quality
        apart = int.from_bytes(ours, "big") ^ int.from_bytes(theirs, "big")
        self.largest_distance = max(self.largest_distance, apart.bit_count())


def pictures(count: int, largest: float, seed: int) -> Iterator[Pixels]:
    """Give so many pictures of up to so many megapixels."""
    rng = np.random.default_rng(seed)
    folders = (
        Path(skimage.__file__).parent / "data",
        Path(sklearn.__file__).parent / "datasets" / "images",
    )
    paths = [p for folder in folders for p in folder.iterdir() if p.suffix in (".png", ".jpg")]
    for _ in range(count):
        megapixels = np.exp(rng.uniform(np.log(2e-4), np.log(largest)))
        width = max(1, int(np.sqrt(megapixels * 1e6 * np.exp(rng.uniform(-1.2, 1.2)))))
        height = max(1, int(megapixels * 1e6 / width))
        kind = rng.integers(0, 8)
        if kind < 4:
            with Image.open(paths[rng.integers(len(paths))]) as opened:
                photo = opened.convert("RGB")
            left, top = (int(rng.integers(0, side // 2)) for side in photo.size)
            photo = photo.crop((left, top, photo.width - left // 3, photo.height - top // 3))
            pixels = np.asarray(photo.resize((width, height), Image.Resampling.BICUBIC))
            if kind == 1:
                grain = rng.normal(0, rng.uniform(1, 20), pixels.shape)
                pixels = np.clip(pixels + grain, 0, 255).astype(np.uint8)
            elif kind == 2:
                pixels = np.rot90(pixels // np.uint8(rng.integers(1, 30)), int(rng.integers(4)))
            elif kind == 3:
                pixels = pixels[:, :, int(rng.integers(3))]
        elif kind == 4:
            page = Image.new("RGB", (width, height), tuple(rng.integers(200, 256, 3).tolist()))
            draw = ImageDraw.Draw(page)
            for _ in range(int(rng.integers(1, 200))):
                x, y = int(rng.integers(width)), int(rng.integers(height))
                box = (x, y, x + int(rng.integers(1, width + 1)) // 8, y + height // 40)
                draw.rectangle(box, fill=tuple(rng.integers(0, 256, 3).tolist()))
            pixels = np.asarray(page)
        elif kind == 5:
            pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        elif kind == 6:
            y, x = np.mgrid[0:height, 0:width]
            period = int(rng.integers(1, 90))
            wave = (x // period + rng.integers(0, 2) * (y // period)) % 2 * 200
            pixels = np.dstack([wave, wave // 2, 255 - wave]).astype(np.uint8)
        else:
            y, x = np.mgrid[0:height, 0:width]
            ramp = (x * rng.integers(0, 256) // width + y * rng.integers(0, 256) // height) // 2
            pixels = np.dstack([ramp, 255 - ramp, ramp // 3]).astype(np.uint8)
        yield pixels


def compare(count: int, largest: float, seed: int) -> dict[str, Tally]:
    """Hash pictures both ways."""
    tallies = {name: Tally() for name in ("pdq", *LIBRARY)}
    for pixels in pictures(count, largest, seed):
        ours = hashing.compute(pixels, tuple(tallies))
        colour = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
        bits, quality = pdqhash.compute(np.ascontiguousarray(colour))
        tallies["pdq"].add(
            ours["pdq"].bytes,
            np.packbits(bits).tobytes(),
            counts=bool(quality > 0 or ours["pdq"].quality),
            same_quality=quality == ours["pdq"].quality,
        )
        image = Image.fromarray(np.ascontiguousarray(pixels))
        for name, function in LIBRARY.items():
            theirs = np.packbits(function(image).hash).tobytes()
            tallies[name].add(ours[name].bytes, theirs, counts=bool(ours[name].quality))
    return tallies


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--count", type=int, default=1000, help="pictures")
    parser.add_argument("--largest", type=float, default=1.0, help="largest picture, megapixels")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="100 pictures")
    options = parser.parse_args()
    if options.quick:
        options.count = 100
    tallies = compare(options.count, options.largest, options.seed)
    shares = {name: 100 * t.identical / max(1, t.pictures) for name, t in tallies.items()}
    figures = [
        measured("identical to its library, the worst of all types", [min(shares.values())], "%",
                 100, below=False, name="hash.conformance"),
        *(measured(f"{name}: identical over {tallies[name].pictures} pictures", [share], "%", 100,
                   below=False, name=f"conformance.{name}",
                   note=f"largest distance {tallies[name].largest_distance}")
          for name, share in shares.items()),
    ]  # fmt: skip
    report(
        "Every hash type on the same pixels as its library",
        figures,
        {
            "pictures": f"{options.count} of up to {options.largest:g} megapixels; those of "
            "quality 0 are counted apart, because their values say nothing",
            "seed": options.seed,
        },
        options.json,
        more={"types": {name: asdict(tally) for name, tally in tallies.items()}},
    )
    if options.json:
        return
    print()
    print(f"{'type':<8} {'quality > 0':>11} {'identical':>9} {'largest distance':>16} "
          f"{'quality differs':>15} {'quality 0':>9} {'identical':>9}")  # fmt: skip
    for name, tally in tallies.items():
        print(
            f"{name:<8} {tally.pictures:>11} {tally.identical:>9} {tally.largest_distance:>16} "
            f"{tally.quality_differs:>15} {tally.quality_zero:>9} {tally.quality_zero_identical:>9}"
        )


if __name__ == "__main__":
    main()
