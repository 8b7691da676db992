"""What happens to a picture between the list and the upload: the changes recall is measured on.

Every change is deterministic for a picture and ends as the bytes of a file, because that is what
the matcher is given. Geometric changes are saved as JPEG at quality 85.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Pixels = NDArray[np.uint8]
Change = Callable[[Image.Image], bytes]

PHOTOMETRIC = "photometric, codec, resize to 25 %"
ORIENTATIONS = "8 orientations after JPEG q75"
BORDERS = "uniform border <= 20 %, letterbox"
CROPS = "symmetric crop <= 5 % a side"
ROTATIONS = "rotation <= 4 degrees"
TEXT = "text overlay"
PUBLISHED = "no promise"


@dataclass(frozen=True, slots=True)
class Transform:
    """One change.

    Parameters
    ----------
    group, name : str
        The row of the table it counts in, and its own name.
    apply : callable
        Picture to file bytes.
    """

    group: str
    name: str
    apply: Change


def transforms() -> tuple[Transform, ...]:
    """Return every change, in the order of the table."""
    return tuple(
        Transform(group, name, apply)
        for group, changes in (
            (PHOTOMETRIC, _photometric()),
            (ORIENTATIONS, _orientations()),
            (BORDERS, _borders()),
            (CROPS, _crops((0.01, 0.02, 0.03, 0.05))),
            (ROTATIONS, _rotations()),
            (TEXT, _texts()),
            (PUBLISHED, _published()),
        )
        for name, apply in changes
    )


def encode(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Return the picture as a file; JPEG at quality 85 unless told otherwise."""
    buffer = io.BytesIO()
    if kind == "JPEG":
        options.setdefault("quality", 85)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _then_jpeg(change: Callable[..., Image.Image], *arguments: Any, quality: int = 85) -> Change:
    """Return a change of the picture, saved as JPEG afterwards."""

    def apply(picture: Image.Image) -> bytes:
        return encode(change(picture, *arguments), quality=quality)

    return apply


def _saved_as(kind: str, quality: int) -> Change:
    def apply(picture: Image.Image) -> bytes:
        return encode(picture, kind, quality=quality)

    return apply


def _photometric() -> Iterator[tuple[str, Change]]:
    for quality in (95, 75, 50, 30, 20, 10):
        yield f"jpeg {quality}", _saved_as("JPEG", quality)
    for quality in (80, 50, 20):
        yield f"webp {quality}", _saved_as("WEBP", quality)
    for radius in (1, 2, 3):
        yield f"blur {radius}", _then_jpeg(Image.Image.filter, ImageFilter.GaussianBlur(radius))
    for spread in (10, 25):
        yield f"noise {spread}", _then_jpeg(_noisy, spread)
    for gamma in (0.5, 0.7, 1.4, 2.0):
        yield f"gamma {gamma}", _then_jpeg(_gamma, gamma)
    yield "grey", _then_jpeg(Image.Image.convert, "L")
    yield "width 0.8", _then_jpeg(_scaled, 0.8, 1)
    yield "height 0.8", _then_jpeg(_scaled, 1, 0.8)
    for scale in (0.75, 0.5, 0.25):
        yield f"resize {scale}", _then_jpeg(_scaled, scale, scale)


def _orientations() -> Iterator[tuple[str, Change]]:
    yield "original", _saved_as("JPEG", 75)
    for turn in Image.Transpose:
        yield turn.name.lower(), _then_jpeg(Image.Image.transpose, turn, quality=75)


def _borders() -> Iterator[tuple[str, Change]]:
    for share in (0.05, 0.1, 0.2):
        for colour in ("black", "white", "#808080"):
            yield f"border {share} {colour}", _then_jpeg(_framed, share, share, colour)
    yield "letterbox", _then_jpeg(_framed, 0, 0.17, "black")
    yield "pillarbox", _then_jpeg(_framed, 0.2, 0, "black")
    yield "border below", _then_jpeg(_one_sided, "white")


def _crops(shares: tuple[float, ...]) -> Iterator[tuple[str, Change]]:
    for share in shares:
        yield f"crop {share}", _then_jpeg(_cropped, share, share, share, share)


def _rotations() -> Iterator[tuple[str, Change]]:
    for degrees in (-4, -3, -2, -1, 1, 2, 3, 4):
        yield f"rotate {degrees} black", _then_jpeg(_rotated, degrees, "black")
    for degrees in (-4, 2):
        yield f"rotate {degrees} white", _then_jpeg(_rotated, degrees, "white")


def _texts() -> Iterator[tuple[str, Change]]:
    yield "meme text", _then_jpeg(_meme)
    yield "watermark", _then_jpeg(_watermark)


def _published() -> Iterator[tuple[str, Change]]:
    yield from _crops((0.1, 0.2))
    yield "left 0.1 cut off", _then_jpeg(_cropped, 0.1, 0, 0, 0)
    yield "top 0.1 cut off", _then_jpeg(_cropped, 0, 0.1, 0, 0)
    yield "right 0.1 cut off", _then_jpeg(_cropped, 0, 0, 0.1, 0)
    yield "bottom 0.1 cut off", _then_jpeg(_cropped, 0, 0, 0, 0.1)
    yield "caption bar", _then_jpeg(_caption)
    yield "screenshot", _then_jpeg(_screenshot)
    yield "collage", _then_jpeg(_collage)
    for degrees in (-2, 3):
        yield f"rotate {degrees} cut to fit", _then_jpeg(_straightened, degrees)
    yield "flip and crop 0.03", _then_jpeg(_flipped_crop)
    yield "crop 0.03 and border 0.1", _then_jpeg(_framed_crop)


def _flipped_crop(picture: Image.Image) -> Image.Image:
    cropped = _cropped(picture, 0.03, 0.03, 0.03, 0.03)
    return cropped.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _framed_crop(picture: Image.Image) -> Image.Image:
    return _framed(_cropped(picture, 0.03, 0.03, 0.03, 0.03), 0.1, 0.1, "black")


def _noisy(picture: Image.Image, spread: float) -> Image.Image:
    pixels = np.asarray(picture, np.float32)
    noise = np.random.default_rng(picture.width * 7919 + picture.height).normal(
        0, spread, pixels.shape
    )
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def _gamma(picture: Image.Image, gamma: float) -> Image.Image:
    table = [round(255 * (value / 255) ** gamma) for value in range(256)]
    return picture.point(table * len(picture.getbands()))


def _scaled(picture: Image.Image, across: float, down: float) -> Image.Image:
    size = (max(1, round(picture.width * across)), max(1, round(picture.height * down)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _framed(picture: Image.Image, across: float, down: float, colour: str) -> Image.Image:
    left, top = round(picture.width * across), round(picture.height * down)
    framed = Image.new("RGB", (picture.width + 2 * left, picture.height + 2 * top), colour)
    framed.paste(picture, (left, top))
    return framed


def _one_sided(picture: Image.Image, colour: str) -> Image.Image:
    framed = Image.new("RGB", (picture.width, round(picture.height * 1.15)), colour)
    framed.paste(picture, (0, 0))
    return framed


def _cropped(
    picture: Image.Image, left: float, top: float, right: float, bottom: float
) -> Image.Image:
    width, height = picture.size
    return picture.crop(
        (
            round(width * left),
            round(height * top),
            round(width * (1 - right)),
            round(height * (1 - bottom)),
        )
    )


def _rotated(picture: Image.Image, degrees: float, colour: str) -> Image.Image:
    return picture.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=colour)


def _straightened(picture: Image.Image, degrees: float) -> Image.Image:
    """Rotate and cut away the corners that are empty afterwards, keeping the aspect ratio."""
    angle = np.radians(abs(degrees))
    wide = max(picture.size) / min(picture.size)
    kept = 1 / (np.cos(angle) + wide * np.sin(angle))
    turned = picture.rotate(degrees, Image.Resampling.BICUBIC)
    lost = (1 - kept) / 2
    return _cropped(turned, lost, lost, lost, lost)


def _write(
    picture: Image.Image, place: tuple[float, float], text: str, size: int, **style: Any
) -> None:
    ImageDraw.Draw(picture).text(place, text, font=ImageFont.load_default(size), **style)


def _meme(picture: Image.Image) -> Image.Image:
    """Write two lines of outlined capitals, one at the top and one at the bottom."""
    written = picture.copy()
    size = max(12, picture.height // 8)
    middle = picture.width / 2
    outline: dict[str, Any] = {
        "fill": "white",
        "stroke_width": max(1, size // 12),
        "stroke_fill": "black",
    }
    _write(written, (middle, size * 0.2), "WHEN IT IS", size, anchor="ma", **outline)
    _write(
        written,
        (middle, picture.height - size * 0.2),
        "ONLY A TEST",
        size,
        anchor="md",
        **outline,
    )
    return written


def _watermark(picture: Image.Image) -> Image.Image:
    """Write across the middle in half-transparent white."""
    layer = Image.new("RGBA", picture.size)
    size = max(14, picture.width // 6)
    _write(
        layer,
        (picture.width / 2, picture.height / 2),
        "PREVIEW",
        size,
        anchor="mm",
        fill=(255, 255, 255, 128),
    )
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def _caption(picture: Image.Image) -> Image.Image:
    """Put a white bar with two lines of dark text above, 15 % of the height."""
    bar = round(picture.height * 0.15)
    captioned = Image.new("RGB", (picture.width, picture.height + bar), "white")
    captioned.paste(picture, (0, bar))
    size = max(10, bar // 3)
    _write(captioned, (8, bar * 0.12), "nobody asked for this,", size, fill="black")
    _write(captioned, (8, bar * 0.55), "but here is a caption", size, fill="black")
    return captioned


def _screenshot(picture: Image.Image) -> Image.Image:
    """Show the picture between the bars and lines of text of an imagined telephone."""
    width = picture.width
    above, below = round(width * 0.22), round(width * 0.5)
    screen = Image.new("RGB", (width, above + picture.height + below), "#f4f4f6")
    screen.paste(picture, (0, above))
    size = max(10, width // 24)
    _write(screen, (size, size * 0.4), "12:41", size, fill="black")
    _write(screen, (width - size, size * 0.4), "87 %", size, anchor="ra", fill="black")
    ImageDraw.Draw(screen).ellipse((size, size * 2, size * 4, size * 5), fill="#7799bb")
    _write(screen, (size * 5, size * 2.6), "a name, 3 h ago", size, fill="#333333")
    foot = above + picture.height
    for line, text in enumerate(
        ("1,024 likes", "so nice there!", "where is this?", "add a comment")
    ):
        _write(screen, (size, foot + size * (0.6 + 1.8 * line)), text, size, fill="#222222")
    return screen


def _collage(picture: Image.Image) -> Image.Image:
    """Show the picture as one of four; the others are its own parts, turned about."""
    width, height = picture.size
    sheet = Image.new("RGB", (2 * width, 2 * height), "white")
    sheet.paste(picture, (0, 0))
    part = picture.crop((0, 0, width // 2, height // 2)).resize((width, height))
    for place, turn in (
        ((width, 0), Image.Transpose.FLIP_TOP_BOTTOM),
        ((0, height), Image.Transpose.ROTATE_180),
        ((width, height), Image.Transpose.FLIP_LEFT_RIGHT),
    ):
        sheet.paste(part.transpose(turn), place)
    return sheet
