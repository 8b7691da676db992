"""The small picture a camera hides in a JPEG's EXIF block.

Editors often leave it as it was, so the thumbnail of a cropped or painted-over copy may still
show the original.
"""

from __future__ import annotations

import struct

_EXIF = b"Exif\x00\x00"
_OFFSET, _LENGTH = 0x0201, 0x0202  # JPEGInterchangeFormat and its length (EXIF 2.32, 4.6.4)
_MOST_ENTRIES = 512


def exif_thumbnail(data: bytes | bytearray | memoryview) -> bytes | None:
    """Return the JPEG thumbnail of a JPEG file's EXIF block, if it has one.

    Parameters
    ----------
    data : bytes-like
        A file; anything but a JPEG has none.

    Returns
    -------
    bytes or None
        A JPEG file as it is stored, not checked beyond its first bytes.
    """
    view = memoryview(data)
    if bytes(view[:2]) != b"\xff\xd8":
        return None
    at = 2
    while at + 4 <= len(view) and view[at] == 0xFF:
        marker = view[at + 1]
        if marker in (0xD9, 0xDA):  # end, or the picture itself begins
            return None
        length = int.from_bytes(view[at + 2 : at + 4], "big")
        if marker == 0xE1 and bytes(view[at + 4 : at + 10]) == _EXIF:
            return _in_tiff(view[at + 10 : at + 2 + length])
        at += 2 + length
    return None


def _in_tiff(block: memoryview) -> bytes | None:
    """Follow the header to the second directory, which describes the thumbnail."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(block[:2]))
    if order is None:
        return None
    try:
        (first,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, first)
        (second,) = struct.unpack_from(order + "I", block, first + 2 + 12 * count)
        if not second:
            return None
        (count,) = struct.unpack_from(order + "H", block, second)
        found: dict[int, int] = {}
        for number in range(min(count, _MOST_ENTRIES)):
            tag, kind, _, value = struct.unpack_from(
                order + "HHII", block, second + 2 + 12 * number
            )
            found[tag] = value >> 16 if kind == 3 and order == ">" else value
    except struct.error:  # an offset outside the block
        return None
    start, length = found.get(_OFFSET), found.get(_LENGTH)
    if start is None or not length:
        return None
    thumbnail = bytes(block[start : start + length])
    return thumbnail if thumbnail.startswith(b"\xff\xd8") else None
