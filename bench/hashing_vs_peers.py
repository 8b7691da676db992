"""Hashing decoded pixels against pdqhash and imagehash, on one thread unless a line says two.

Photographs brought to each size and given the noise of a sensor. The peers are handed what they
take: pdqhash RGB arrays (grey stacked three times beforehand), imagehash PIL images of the same
pixels. A few pictures in a hundred take longer in PDQ, because their hash hangs on the rounding
of the reference (docs/hashing.md); a line of its own says how long, and another takes the mean
over six photographs.

Usage: python -m bench.hashing_vs_peers [--json] [--quick]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import imagehash
import numpy as np
import pdqhash
import skimage
import sklearn
from numpy.typing import NDArray
from PIL import Image

from bench.harness import Figure, cost, interleave, report, speedup
from hashmatch import hashing, kernels

FIGURES = (
    "hash.pdq-rgb", "hash.pdq-grey", "hash.orientations", "hash.phash", "hash.dhash", "hash.ahash",
    "hash.whash", "hash.threads",
)  # fmt: skip
Pixels = NDArray[np.uint8]

LARGE = (4032, 3024)
SIZES = {"512x512": (512, 512), "1600x1004": (1600, 1004), "4032x3024": LARGE}
ALL_TYPES = ("pdq", "phash", "dhash", "ahash", "whash")


NAMES = (
    "chelsea.png", "coffee.png", "china.jpg", "flower.jpg", "astronaut.png", "rocket.jpg",
)  # fmt: skip


def picture(name: str, size: tuple[int, int]) -> Pixels:
    """Return a photograph of a size in RGB, with a sensor's noise."""
    folders = (
        Path(skimage.__file__).parent / "data",
        Path(sklearn.__file__).parent / "datasets" / "images",
    )
    (path,) = (folder / name for folder in folders if (folder / name).exists())
    with Image.open(path) as opened:
        resized = opened.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    noise = np.random.default_rng(7).normal(0, 3, (size[1], size[0], 3)).astype(np.float32)
    return np.clip(np.asarray(resized) + noise, 0, 255).astype(np.uint8)


def each(function: Callable[[Pixels], object], items: Sequence[Pixels]) -> Callable[[], None]:
    """Return a call that applies a function to every picture."""

    def call() -> None:
        for item in items:
            function(item)

    return call


def pdq_figures(rounds: int) -> list[Figure]:
    """PDQ of colour and of grey pixels at each size, and eight orientations against one."""
    figures = []
    for name, size in SIZES.items():
        for photo in NAMES[:3]:
            colour = picture(photo, size)
            grey = np.ascontiguousarray(colour[:, :, 1])
            stacked = np.dstack([grey] * 3)
            times = interleave(
                {
                    "colour": partial(hashing.compute, colour, ["pdq"]),
                    "pdqhash colour": partial(pdqhash.compute, colour),
                    "grey": partial(hashing.compute, grey, ["pdq"]),
                    "pdqhash grey": partial(pdqhash.compute, stacked),
                    "eight": partial(hashing.compute_orientations, colour, ["pdq"]),
                },
                rounds=rounds,
            )
            what = f"{photo} {name}"
            one, eight = times["colour"], times["eight"]
            rgb, grey_only = (f"pdq {kind} {what}, times pdqhash" for kind in ("RGB", "grey"))
            figures += [
                speedup(rgb, one, times["pdqhash colour"]),
                speedup(grey_only, times["grey"], times["pdqhash grey"]),
                cost(f"pdq eight orientations {what}, against one", eight, one),
            ]
    return figures


def mean_figures(rounds: int) -> list[Figure]:
    """The mean over six photographs, slow ones and all, and the cost of a slow one."""
    colour = [picture(name, LARGE) for name in NAMES]
    grey = [np.ascontiguousarray(pixels[:, :, 1]) for pixels in colour]
    stacked = [np.dstack([pixels] * 3) for pixels in grey]  # all pdqhash takes
    samples = np.empty((64, 64), np.float32)
    times = interleave(
        {
            "grey": each(lambda p: hashing.compute(p, ["pdq"]), grey),
            "theirs, grey": each(pdqhash.compute, stacked),
            "ours": each(lambda p: hashing.compute(p, ["pdq"]), colour),
            "eight": each(lambda p: hashing.compute_orientations(p, ["pdq"]), colour),
            "replay": each(lambda p: kernels.pdq.replay(p, kernels.level(), samples), colour),
            "theirs": each(pdqhash.compute, colour),
        },
        rounds=max(3, rounds // 2),
    )
    return [
        speedup("pdq RGB, mean of 6 photographs of 12 MP", times["ours"], times["theirs"], 40,
                name="hash.pdq-rgb"),
        speedup("pdq grey, mean of 6 photographs of 12 MP", times["grey"], times["theirs, grey"],
                80, name="hash.pdq-grey"),
        cost("pdq eight orientations, mean of 6 photographs", times["eight"], times["ours"], 2.5,
             name="hash.orientations"),
        speedup("pdq RGB replayed, what a slow one adds", times["replay"], times["theirs"]),
    ]  # fmt: skip


def imagehash_figures(rounds: int) -> list[Figure]:
    """The four imagehash types on decoded 12 megapixels, and all in one call."""
    colour = [picture(name, LARGE) for name in NAMES[:3]]
    images = [Image.fromarray(pixels) for pixels in colour]
    library: dict[str, tuple[Callable[[Image.Image], object], float]] = {
        "phash": (imagehash.phash, 4),
        "dhash": (imagehash.dhash, 4),
        "ahash": (imagehash.average_hash, 4),
        "whash": (imagehash.whash, 20),
    }
    figures = []
    for name, (function, goal) in library.items():

        def theirs(function: Callable[[Image.Image], object] = function) -> None:
            for image in images:
                function(image)

        def ours(name: str = name) -> None:
            for pixels in colour:
                hashing.compute(pixels, [name])

        times = interleave({"ours": ours, "theirs": theirs}, rounds=rounds)
        figures.append(
            speedup(
                f"{name} RGB 4032x3024, times imagehash",
                times["ours"],
                times["theirs"],
                goal,
                name=f"hash.{name}",
            )
        )
    return figures


def threads_figure(rounds: int) -> Figure:
    """hash_many on two threads against one."""
    many = [picture(name, LARGE) for name in NAMES[:3]] * 4

    def on(threads: int) -> Callable[[], None]:
        def call() -> None:
            for _ in hashing.hash_many(many, ALL_TYPES, threads=threads):
                pass

        return call

    times = interleave({"two": on(2), "one": on(1)}, rounds=rounds)
    return speedup("hash_many, 2 threads against 1", times["two"], times["one"], 1.8,
                   name="hash.threads")  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="three rounds instead of seven")
    options = parser.parse_args()
    rounds = 3 if options.quick else 7
    figures = [
        *pdq_figures(rounds),
        *mean_figures(rounds),
        *imagehash_figures(rounds),
        threads_figure(rounds),
    ]
    notes = {
        "pictures": f"{', '.join(NAMES)}, with a sensor's noise",
        "threads": "one, unless said",
        "seed": "7",
    }
    report("Hashing decoded pixels", figures, notes, options.json)


if __name__ == "__main__":
    main()
