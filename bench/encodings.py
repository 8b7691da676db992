"""One picture in every wrapping: how far each encoding's hash is from that of the plain pixels.

Peers give silently wrong hashes for palette, CMYK, 16-bit and rotated files. The goal here is 0
for lossless encodings of the same pixels and at most 4 for lossy ones.

Usage: python -m bench.encodings [--json]
"""

from __future__ import annotations

import argparse
import io
import statistics
from collections.abc import Callable

import numpy as np
from PIL import Image

import hashmatch as hm
from bench.corpus import photographs, rgb
from bench.harness import measured, report

LOSSLESS_GOAL, LOSSY_GOAL = 0, 4
NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "hubble_deep_field.jpg",
         "retina.jpg", "ihc.png", "motorcycle_left.png", "china.jpg", "flower.jpg")  # fmt: skip

Encode = Callable[[Image.Image], bytes]


def saved(kind: str, mode: str = "RGB", **options: object) -> Encode:
    """Return an encoder that converts to a mode and saves with options."""

    def encode(picture: Image.Image) -> bytes:
        buffer = io.BytesIO()
        picture.convert(mode).save(buffer, kind, **options)
        return buffer.getvalue()

    return encode


def with_alpha(alpha: int) -> Encode:
    """Return an encoder that gives every pixel the same opacity."""

    def encode(picture: Image.Image) -> bytes:
        clear = picture.copy()
        clear.putalpha(alpha)
        return saved("PNG", "RGBA")(clear)

    return encode


def sixteen_bits(picture: Image.Image) -> bytes:
    """Return a 16-bit grey PNG."""
    grey = np.asarray(picture.convert("L"), np.uint16) * 257
    return saved("PNG", "I;16")(Image.fromarray(grey))


def turned_with_tag(picture: Image.Image) -> bytes:
    """Return what a phone saves: turned pixels and the EXIF tag that turns them back."""
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    return saved("JPEG", quality=95, exif=exif)(turned)


# name -> encoder, lossless for the grey or colour pixels it holds
ENCODINGS: dict[str, tuple[Encode, bool]] = {
    "RGB PNG": (saved("PNG"), True),
    "RGB TIFF": (saved("TIFF"), True),
    "RGB BMP": (saved("BMP"), True),
    "WebP lossless": (saved("WEBP", lossless=True), True),
    "RGBA PNG, opaque": (with_alpha(255), True),
    "JPEG quality 95": (saved("JPEG", quality=95), False),
    "WebP quality 80": (saved("WEBP", quality=80), False),
    "AVIF": (saved("AVIF"), False),
    "grey (L) PNG": (saved("PNG", "L"), False),
    "16-bit grey PNG": (sixteen_bits, False),
    "palette (P) PNG, 256 colours": (saved("PNG", "P"), False),
    "GIF": (saved("GIF"), False),
    "CMYK JPEG": (saved("JPEG", "CMYK", quality=95), False),
    "1-bit PNG": (saved("PNG", "1"), False),
    "JPEG with EXIF orientation 6": (turned_with_tag, False),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="the same; it takes seconds")
    as_json = parser.parse_args().json
    figures, medians = [], {}
    for name, (encode, lossless) in ENCODINGS.items():
        distances = []
        for photograph in NAMES:
            picture = rgb(photographs()[photograph])
            plain = hm.hash_pixels(np.asarray(picture), ["pdq"])["pdq"]
            value = hm.hash_bytes(encode(picture), ["pdq"])["pdq"]
            distances.append(hm.distance("pdq", plain.bytes, value.bytes))
        goal = LOSSLESS_GOAL if lossless else LOSSY_GOAL
        figures.append(measured(name, [max(distances)], "bits", goal, name=f"encoding.{name}"))
        medians[name] = statistics.median(distances)
    report(
        "Largest PDQ distance of an encoding to the plain RGB pixels",
        figures,
        {"pictures": f"{len(NAMES)} photographs: {', '.join(NAMES)}"},
        as_json,
        more={"medians": medians},
    )


if __name__ == "__main__":
    main()
