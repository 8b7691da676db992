"""Decoding against Pillow's own load, and how far the fast decode lets PDQ hashes drift.

Usage: python -m bench.decoding [--json] [--quick]
       python -m bench.decoding --drift [--json] [--quick]

The first form times. The second counts: it re-encodes every photograph of scikit-image and
scikit-learn as JPEG at several qualities and sizes, adds the JPEGs of Pillow's own test suite
(fetched by tests/media/corpus.py), and compares PDQ hashes of the fast and the full decode.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image

from bench import corpus
from bench.harness import Figure, cost, interleave, measured, report, speedup
from hashmatch import media
from hashmatch.errors import MediaError
from hashmatch.media.fast import FRAGILE_WITHIN, LEAST_SIDE, MOST_FRAGILE

FIGURES = ("hash.fast-drift-mean", "hash.fast-drift-max")
Pixels = NDArray[np.uint8]

CORPUS = Path(__file__).resolve().parent.parent / ".corpus"
LUMA_ONLY = 1 << 20  # a least side no picture has: brightness alone, never scaled
LEAST_SIDES = (256, 384, 512, 768, 1024, LUMA_ONLY)


def photographs() -> dict[str, Image.Image]:
    """Return the photographs of scikit-image and scikit-learn as RGB, by name."""
    return {name: corpus.rgb(path) for name, path in corpus.photographs().items()}


def encoded(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Return a picture in an encoding."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def of_megapixels(picture: Image.Image, megapixels: float) -> Image.Image:
    """Return a picture enlarged or shrunk to so many megapixels."""
    factor = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
    width, height = (round(side * factor) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def camera_like(megapixels: float) -> Image.Image:
    """Return a photograph of that size with the grain a camera adds."""
    large = np.asarray(of_megapixels(photographs()["coffee.png"], megapixels)).astype(np.int16)
    grain = np.random.default_rng(0).normal(0, 4, (*large.shape[:2], 1)).astype(np.int16)
    return Image.fromarray((large + grain).clip(0, 255).astype(np.uint8))


def timed(quick: bool) -> list[Figure]:
    """Time our decode against Pillow's in one interleaved run."""
    megapixels = 3.1 if quick else 12.2
    picture = camera_like(megapixels)
    lying = Image.Exif()
    lying[274] = 6
    jpeg = encoded(picture, quality=88)
    inputs = {
        "JPEG": jpeg,
        "JPEG lying on its side": encoded(picture, quality=88, exif=lying),
        "PNG": encoded(picture, "PNG", compress_level=1),
        "WebP": encoded(of_megapixels(picture, 3.1), "WEBP", quality=80, method=0),
    }

    def load(data: bytes) -> Callable[[], object]:
        return lambda: Image.open(io.BytesIO(data)).load()

    def as_array(data: bytes) -> Callable[[], object]:
        return lambda: np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    figures = []
    rounds = 5 if quick else 7
    for name, data in inputs.items():
        times = interleave(
            {
                "ours": lambda data=data: media.decode(data),  # type: ignore[misc]
                "load": load(data),
                "array": as_array(data),
            },
            rounds=rounds,
        )
        figures += [
            cost(
                f"{name} to array, against Pillow's load alone", times["ours"], times["load"], 1.05
            ),
            speedup(f"{name} to array, against Pillow to numpy", times["ours"], times["array"]),
        ]
    times = interleave(
        {
            "fast": lambda: media.decode_fast(jpeg),
            "exact": lambda: media.decode(jpeg),
            "array": as_array(jpeg),
            "pdqhash": lambda: pdqhash.compute(
                np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))
            ),
        },
        rounds=rounds,
    )
    return [
        *figures,
        speedup("JPEG to pixels, fast, against our exact decode", times["fast"], times["exact"]),
        speedup(
            "JPEG to pixels, exact, against Pillow + pdqhash (our hash not included)",
            times["exact"], times["pdqhash"],
        ),
        speedup(
            "JPEG to pixels, fast, against Pillow + pdqhash (our hash not included)",
            times["fast"], times["pdqhash"],
        ),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drift:
    """How far hashes of the fast decode lie from those of the full one, over one set.

    ``accepted`` is the share of JPEGs whose hash the guard accepts. ``mean`` and ``max`` are over
    what is then reported (an unaccepted one is computed from the full decode, so it does not
    drift); the ``unguarded`` ones are over all.
    """

    least_side: int
    pictures: str
    count: int
    accepted: float
    mean: float
    max: int
    unguarded_mean: float
    unguarded_max: int
    quality_max: int


def coefficients(pixels: Pixels) -> tuple[NDArray[np.float64], int]:
    """Return the reference's 256 DCT coefficients and its quality."""
    colour = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=2)
    found, quality = pdqhash.compute_float(np.ascontiguousarray(colour))
    return np.asarray(found, np.float64), int(quality)


def samples(quick: bool) -> Iterator[tuple[str, bytes]]:
    """Give every JPEG of the study with the name of its set."""
    photos = photographs()
    if quick:
        photos = dict(list(photos.items())[::3])
    for picture in photos.values():
        for quality in (50, 75, 95):
            for subsampling in (0, 2):
                yield "own size", encoded(picture, quality=quality, subsampling=subsampling)
        yield "own size", encoded(picture.convert("L"), quality=85)
        for megapixels in (1.5, 3.1, 12.2):
            for quality in (70, 90):
                yield (
                    f"{megapixels} MP",
                    encoded(of_megapixels(picture, megapixels), quality=quality),
                )
    # real detail at full resolution: many photographs side by side
    tiles = [picture.resize((504, 504)) for picture in photos.values()]
    for shift in range(2 if quick else 8):
        mosaic = Image.new("RGB", (4032, 3024))
        for place in range(48):
            tile = tiles[(place * 5 + shift * 3) % len(tiles)]
            mosaic.paste(tile, (place % 8 * 504, place // 8 * 504))
        yield "12.2 MP mosaic", encoded(mosaic, quality=80)
    for path in sorted(CORPUS.rglob("*.jp*g")):
        yield "Pillow's tests", path.read_bytes()


def drift(quick: bool) -> list[Drift]:
    """Compare the hashes of fast and full decodes over all samples."""
    rows: list[tuple[int, str, int, int, int]] = []
    for group, data in samples(quick):
        try:
            full, quality = coefficients(media.decode(data).frames[0].pixels)
        except MediaError:
            continue
        if quality < 50:  # below PDQ's own gate a hash is neither indexed nor searched
            continue
        seen: dict[bytes, tuple[int, int, int]] = {}
        for least_side in LEAST_SIDES:
            fast = media.decode_fast(data, least_side=least_side)
            if fast is None:
                break
            pixels = fast.frames[0].pixels
            key = pixels[::7, ::5].tobytes()  # several least sides lead to the same scale
            if key not in seen:
                found, its_quality = coefficients(pixels)
                middle = np.median(found)
                differing = int(((found > middle) != (full > np.median(full))).sum())
                fragile = int((np.abs(found - middle) < FRAGILE_WITHIN).sum())
                seen[key] = differing, fragile, abs(its_quality - quality)
            rows.append((least_side, group, *seen[key]))
    groups = list(dict.fromkeys(row[1] for row in rows))
    return [
        summary(least_side, group, [row for row in rows if row[0] == least_side])
        for least_side in LEAST_SIDES
        for group in [*groups, "all"]
    ]


def summary(least_side: int, group: str, rows: Sequence[tuple[int, str, int, int, int]]) -> Drift:
    """Put the rows of one set into numbers."""
    mine = np.array([row[2:] for row in rows if group in (row[1], "all")])
    differing, fragile, quality = mine.T
    accepted = fragile <= MOST_FRAGILE
    reported = np.where(accepted, differing, 0)
    return Drift(
        least_side, group, len(mine), round(float(accepted.mean()), 3),
        round(float(reported.mean()), 3), int(reported.max()),
        round(float(differing.mean()), 3), int(differing.max()), int(quality.max()),
    )  # fmt: skip


def report_drift(rows: Sequence[Drift], as_json: bool) -> None:
    """Print the study as a table or as JSON."""
    (chosen,) = (row for row in rows if row.least_side == LEAST_SIDE and row.pictures == "all")
    figures = [
        measured(f"fast decode, guarded, {chosen.count} JPEGs: {which} drift", [value], "bits",
                 goal, name=f"hash.fast-drift-{which}")
        for which, value, goal in (("mean", chosen.mean, 1), ("max", chosen.max, 10))
    ]  # fmt: skip
    report(
        "How far the fast decode drifts",
        figures,
        {
            "guard": f"a hash is accepted with at most {MOST_FRAGILE} coefficients within "
            f"{FRAGILE_WITHIN} of the median; others are computed from the full decode",
            "accepted": f"{chosen.accepted:.1%} of {chosen.count}",
        },
        as_json,
        more={"drift": [asdict(row) for row in rows]},
    )
    if as_json:
        return
    print(f"\n{'least side':>10}  {'pictures':<16}{'count':>6}{'accepted':>10}{'mean':>8}{'max':>5}"
          f"{'unguarded mean':>16}{'max':>5}{'quality max':>13}")  # fmt: skip
    for row in rows:
        side = "luma only" if row.least_side == LUMA_ONLY else str(row.least_side)
        print(f"{side:>10}  {row.pictures:<16}{row.count:>6}{row.accepted:>10.1%}{row.mean:>8.2f}"
              f"{row.max:>5}{row.unguarded_mean:>16.2f}{row.unguarded_max:>5}"
              f"{row.quality_max:>13}")  # fmt: skip


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drift", action="store_true", help="count differing bits, do not time")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="smaller pictures, fewer rounds")
    chosen = parser.parse_args()
    if chosen.drift:
        report_drift(drift(chosen.quick), chosen.json)
        return
    megapixels = 3.1 if chosen.quick else 12.2
    report(
        "Decoding",
        timed(chosen.quick),
        {
            "picture": f"{megapixels} MP with grain (WebP 3.1 MP), one thread",
            **media.codec_versions(),
        },
        chosen.json,
    )


if __name__ == "__main__":
    main()
