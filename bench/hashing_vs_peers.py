"""Hashing decoded pixels against pdqhash and imagehash, on one thread unless a line says two.

Three photographs, brought to each size and given the noise of a sensor, so that neither luck with
one picture nor its compressibility decides. The peers are handed what they take: pdqhash RGB
arrays (grey stacked three times beforehand), imagehash PIL images of the same pixels.

Usage: python -m bench.hashing_vs_peers [--json] [--quick]
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Sequence
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

Pixels = NDArray[np.uint8]

LARGE = (4032, 3024)
SIZES = {"512x512": (512, 512), "1600x1004": (1600, 1004), "4032x3024": LARGE}
ALL_TYPES = ("pdq", "phash", "dhash", "ahash", "whash")


def pictures(size: tuple[int, int], seed: int = 7) -> list[Pixels]:
    """Return three photographs of a size in RGB, with a sensor's noise."""
    rng = np.random.default_rng(seed)
    data = Path(skimage.__file__).parent / "data"
    images = Path(sklearn.__file__).parent / "datasets" / "images"
    found = []
    for path in (data / "chelsea.png", data / "coffee.png", images / "china.jpg"):
        with Image.open(path) as opened:
            resized = opened.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        noise = rng.normal(0, 3, (size[1], size[0], 3)).astype(np.float32)
        found.append(np.clip(np.asarray(resized) + noise, 0, 255).astype(np.uint8))
    return found


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
        colour = pictures(size)
        grey = [np.ascontiguousarray(pixels[:, :, 1]) for pixels in colour]
        stacked = [np.dstack([pixels] * 3) for pixels in grey]
        times = interleave(
            {
                "colour": each(lambda p: hashing.compute(p, ["pdq"]), colour),
                "pdqhash colour": each(pdqhash.compute, colour),
                "grey": each(lambda p: hashing.compute(p, ["pdq"]), grey),
                "pdqhash grey": each(pdqhash.compute, stacked),
                "eight": each(lambda p: hashing.compute_orientations(p, ["pdq"]), colour),
            },
            rounds=rounds,
        )
        large = size == LARGE
        figures += [
            speedup(
                f"pdq RGB {name}, times pdqhash",
                times["colour"],
                times["pdqhash colour"],
                40 if large else None,
            ),
            speedup(
                f"pdq grey {name}, times pdqhash",
                times["grey"],
                times["pdqhash grey"],
                80 if large else None,
            ),
            cost(
                f"pdq in eight orientations {name}, against one",
                times["eight"],
                times["colour"],
                2.5 if large else None,
            ),
        ]
    return figures


def imagehash_figures(rounds: int) -> list[Figure]:
    """The four imagehash types on decoded 12 megapixels, and all in one call."""
    colour = pictures(LARGE)
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
            speedup(f"{name} RGB 4032x3024, times imagehash", times["ours"], times["theirs"], goal)
        )
    return figures


def replay_figure(rounds: int) -> Figure:
    """What a PDQ costs where the reference's rounding decides: its operations, one by one."""
    pixels = pictures(LARGE)[0]
    rows = pixels.reshape(pixels.shape[0], -1)
    samples = np.empty((64, 64), np.float32)
    times = interleave(
        {
            "replay": lambda: kernels.pdq.replay(rows, 3, kernels.level(), samples),
            "pdqhash": lambda: pdqhash.compute(pixels),
        },
        rounds=rounds,
    )
    return speedup("pdq RGB 4032x3024 replayed, times pdqhash", times["replay"], times["pdqhash"])


def threads_figure(rounds: int) -> Figure:
    """hash_many on two threads against one."""
    many = pictures(LARGE) * 4

    def on(threads: int) -> Callable[[], None]:
        def call() -> None:
            for _ in hashing.hash_many(many, ALL_TYPES, threads=threads):
                pass

        return call

    times = interleave({"two": on(2), "one": on(1)}, rounds=rounds)
    return speedup("hash_many, 2 threads against 1", times["two"], times["one"], 1.8)


def everything_figure(rounds: int) -> Figure:
    """Five perceptual and three cryptographic types from JPEG bytes, against decoding alone."""
    buffer = io.BytesIO()
    Image.fromarray(pictures(LARGE)[2]).save(buffer, "JPEG", quality=85)
    data = buffer.getvalue()

    def decode() -> Pixels:
        with Image.open(io.BytesIO(data)) as opened:
            return np.asarray(opened.convert("RGB"))

    def everything() -> None:
        hashing.crypto_hashes(data, ("md5", "sha1", "sha256"))
        hashing.compute(decode(), ALL_TYPES)

    times = interleave({"all": everything, "decode": decode}, rounds=rounds)
    what = f"all 8 types from a JPEG of 12 MP, {len(data) / 1e6:.1f} MB, against its decoding"
    return cost(what, times["all"], times["decode"], 1.35)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="three rounds instead of seven")
    options = parser.parse_args()
    rounds = 3 if options.quick else 7
    figures = [
        *pdq_figures(rounds),
        replay_figure(rounds),
        *imagehash_figures(rounds),
        threads_figure(rounds),
        everything_figure(rounds),
    ]
    report("Hashing decoded pixels", figures, {"threads": "one, unless said"}, options.json)


if __name__ == "__main__":
    main()
