"""One opened picture to 8-bit grey or sRGB, the same whatever it was wrapped in.

========================  =======================================================================
stored as                 becomes
========================  =======================================================================
grey, 1 to 8 bits         grey, black 0 and white 255
grey, 12 or 16 bits       grey, its 8 highest bits
integers, floats          grey by the smallest of the usual scales that holds them, see `_scaled`
palette                   the palette's colours
RGB, 16 bits              its 8 highest bits
CMYK, YCCK, YCbCr, LAB    sRGB; a colour profile inside the file is not applied
any of these with alpha   colour and opacity kept apart, shown over white
========================  =======================================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from hashmatch.media import sniff
from hashmatch.media.alpha import Pixels
from hashmatch.media.heif import heif_memory
from hashmatch.media.plugins import lab_to_rgb

# Modes whose memory numpy can lend to Pillow, and the mode and samples of the lent memory.
_LENDABLE = {"L": ("L", 1), "RGB": ("RGBX", 4), "RGBA": ("RGBA", 4)}
# Formats whose readers fill the memory they find once, and leave it in place.
_FILLING = {sniff.JPEG, sniff.PNG, sniff.WEBP, sniff.BMP, sniff.AVIF}
_CONVERTED = {"1": "L", "RGBa": "RGBA", "LAB": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "HSV": "RGB",
              "RGBX": "RGB"}  # fmt: skip
_PIXELS_AT_A_TIME = 1 << 20


def load_pixels(image: ImageFile, name: str, *, only: bool) -> tuple[Pixels, Pixels | None]:
    """Decode the frame an opened reader stands at.

    Parameters
    ----------
    image : ImageFile
        The reader.
    name : str
        Its format.
    only : bool
        Whether the input has no other frame, so the reader need not keep this one's memory.

    Returns
    -------
    colour : (H, W) or (H, W, 3) uint8
        As stored, not yet turned upright.
    opacity : (H, W) uint8 or None
        ``None`` if every pixel is opaque.

    Raises
    ------
    Exception
        Whatever the reader raises on damaged data.
    """
    # a reader without anything to decode refuses to, unless it has memory already
    something = bool(image.tile) or name == sniff.WEBP  # WebP's finds out while loading
    lend = only and something and name in _FILLING
    memory = heif_memory(image) if name == sniff.HEIF else None
    if memory is None:
        memory = _load(image, lend=lend)
    colour, opacity = _separate(image, memory)
    if opacity is not None and (opacity == 255).all():
        opacity = None
    return colour, opacity


def _load(image: ImageFile, *, lend: bool) -> Pixels | None:
    """Decode, into numpy's memory where possible.

    Pillow keeps red, green and blue as 4 bytes a pixel. Copying them out as 3 costs almost as
    much as decoding a JPEG, so the reader is lent an array of 4 bytes a pixel to decode into.

    Returns
    -------
    (H, W) or (H, W, 4) uint8, or None
        The array, if the reader used it.
    """
    if not lend or image.mode not in _LENDABLE or "transparency" in image.info:
        image.load()
        return None
    memory, lent = _lent_memory(image.size, image.mode)
    image.im = lent
    image.load()
    return memory if image.im is lent else None


def _lent_memory(size: tuple[int, int], wanted: str) -> tuple[Pixels, Any]:
    """Return an array for a picture of this size and mode, and Pillow's view of that memory."""
    mode, samples = _LENDABLE[wanted]
    width, height = size
    # zeros: what a reader might leave out must not show what the memory held before
    memory: Pixels = np.zeros((height, width, samples), np.uint8)
    lent = Image.frombuffer(mode, size, memory, "raw", mode, 0, 1).im
    return (memory[..., 0] if samples == 1 else memory), lent


def _copied(image: Image.Image) -> Pixels:
    """Return a picture of a lendable mode as an array; numpy's own way would copy twice."""
    memory, lent = _lent_memory(image.size, image.mode)
    lent.paste(image.im, (0, 0, *image.size))
    return memory


def _converted(image: Image.Image, mode: str) -> Pixels:
    """Return a picture in a lendable mode, made by rows so that no second one is needed."""
    memory, lent = _lent_memory(image.size, mode)
    width, height = image.size
    rows = max(1, _PIXELS_AT_A_TIME // width)
    for top in range(0, height, rows):
        box = (0, top, width, min(top + rows, height))
        part = image.crop(box)
        part = lab_to_rgb(part) if image.mode == "LAB" else part.convert(mode)
        lent.paste(part.im, box)
    return memory


def _separate(image: Image.Image, memory: Pixels | None) -> tuple[Pixels, Pixels | None]:
    """Return a decoded picture's colours, and its opacity if it has any."""
    key = image.info.get("transparency")
    mode = _plain_mode(image)
    if memory is None:
        if image.mode == "1" and isinstance(key, int):
            key *= 255
        if mode == "LA":
            grey = np.asarray(image if image.mode == "LA" else image.convert("LA"))
            return grey[..., 0], grey[..., 1]
        if mode not in _LENDABLE:
            deep = np.asarray(image)
            return _scaled(image, deep), _keyed(deep, key)
        memory = _copied(image) if mode == image.mode else _converted(image, mode)
    if mode == "L":
        return memory, _keyed(memory, key)
    colour = memory[..., :3]
    return colour, memory[..., 3] if mode == "RGBA" else _keyed(colour, key)


def _plain_mode(image: Image.Image) -> str:
    """Return which of L, LA, RGB and RGBA the picture becomes; deep grey stays as it is."""
    if image.mode in ("P", "PA"):
        return "RGBA" if image.has_transparency_data else "RGB"
    if image.mode == "La":
        return "LA"
    return _CONVERTED.get(image.mode, image.mode)


def _keyed(stored: NDArray[np.generic], key: object) -> Pixels | None:
    """Return the opacity of a picture of which one colour is declared transparent."""
    if isinstance(key, int) and stored.ndim == 2:
        hidden = stored == key
    elif isinstance(key, tuple) and stored.ndim == 3 and len(key) == 3:
        # 16-bit pictures state the colour in 16 bits, their pixels are the upper 8
        shift = 8 if max(key) > 255 else 0
        hidden = (stored == [part >> shift for part in key]).all(axis=2)
    else:
        return None
    return np.where(hidden, np.uint8(0), np.uint8(255))


def _scaled(image: Image.Image, stored: NDArray[np.generic]) -> Pixels:
    """Return deep grey as 8 bits; every value keeps its place between black and white.

    Unsigned samples of 12 or 16 bits have a known white, and keep their upper 8 bits. 32-bit and
    signed integers and floats have none: the smallest of the scales 0..1 (floats), 0..255 and
    0..65535 that holds all values is taken, and where none does, the picture's own smallest
    and largest value become black and white.
    """
    tags = getattr(image, "tag_v2", {})
    if stored.dtype.kind == "u":
        bits = tags.get(258, (16,))[0]
        grey: Pixels = (stored >> max(bits - 8, 0)).astype(np.uint8)
    else:
        grey = _fitted(stored)
    return ~grey if tags.get(262) == 0 else grey  # some TIFFs count from white


def _fitted(stored: NDArray[np.generic]) -> Pixels:
    sound = stored[np.isfinite(stored)]
    low, high = (float(sound.min()), float(sound.max())) if sound.size else (0.0, 0.0)
    offset, half = 0.0, 0.5
    if stored.dtype.kind == "f" and low >= 0 and high <= 1:
        scale = 255.0
    elif low >= 0 and high <= 255:
        scale = 1.0
    elif low >= 0 and high <= 65535:
        scale, half = 1 / 256, 0.0  # the upper 8 bits, as of a 16-bit sample
    else:
        offset, scale = low, 255 / max(high - low, 1e-30)
    grey = np.empty(stored.shape, np.uint8)
    for row, values in enumerate(stored):  # by rows, so no second picture of floats is needed
        fitted = (values.astype(np.float64) - offset) * scale + half
        grey[row] = np.nan_to_num(fitted, nan=0.0).clip(0, 255)
    return grey
