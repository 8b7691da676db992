"""How a picture is to be turned before it is shown: EXIF, and XMP where EXIF is silent.

The EXIF reader here looks for one number and tolerates everything else. A full EXIF parser gives
up on a damaged block, and with it on the orientation, so that the same picture would be hashed
upright or lying depending on an unrelated damaged tag.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TAG = 0x0112
_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
_XMP_TAG = re.compile(rb"tiff:Orientation(?:\s*=\s*[\"']|>)\s*([1-8])")


def exif_orientation(exif: bytes) -> int | None:
    """Return the orientation an EXIF block states.

    Parameters
    ----------
    exif : bytes
        A TIFF structure, with or without the ``Exif\\0\\0`` before it.

    Returns
    -------
    int or None
        1..8, or ``None`` if it states none. Tags are read one by one, so damage elsewhere in the
        block does not matter.

    Raises
    ------
    ValueError
        If the block is no TIFF structure, or ends before its first tag.
    """
    while exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        raise ValueError("no TIFF header")
    (start,) = struct.unpack_from(order + "I", exif, 4)
    if start + 2 > len(exif):
        raise ValueError("the first directory lies outside the block")
    (count,) = struct.unpack_from(order + "H", exif, start)
    for place in range(start + 2, min(start + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind = struct.unpack_from(order + "HH", exif, place)
        if tag == _TAG and kind in _FORMATS:
            (value,) = struct.unpack_from(order + _FORMATS[kind], exif, place + 8)
            return value if 1 <= value <= 8 else None
    return None


def xmp_orientation(xmp: bytes) -> int | None:
    """Return the orientation an XMP packet states, 1..8, or ``None``."""
    found = _XMP_TAG.search(xmp)
    return int(found[1]) if found else None


def orientation_of(info: dict[Any, Any]) -> int:
    """Return how the picture of a reader is to be turned, 1 (not at all) to 8.

    Parameters
    ----------
    info : dict
        The metadata a Pillow reader collected, after loading: PNG may state it at the end.

    Raises
    ------
    ValueError
        If there is an EXIF block that cannot be read, and nothing else states an orientation.
    """
    if "container_orientation" in info:  # of TIFF, AVIF, HEIF: it outranks any EXIF block
        return int(info["container_orientation"])
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    stated_by_xmp = xmp_orientation(xmp.encode() if isinstance(xmp, str) else bytes(xmp))
    exif = info.get("exif") or _png_text(info.get("Raw profile type exif", ""))
    try:
        return (exif and exif_orientation(exif)) or stated_by_xmp or 1
    except ValueError:
        if stated_by_xmp is None:
            raise
        return stated_by_xmp


def _png_text(profile: str) -> bytes:
    """Return the EXIF block ImageMagick writes into PNG text: a name, a length, hexadecimal."""
    return bytes.fromhex("".join(profile.split("\n")[3:]))


def turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return the picture as it is to be shown, as a view: no pixel is copied.

    Parameters
    ----------
    pixels : (H, W) or (H, W, C) uint8
        The picture as stored.
    orientation : int
        1..8, as EXIF numbers them.
    """
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
