"""A file without the metadata nobody here needs, for when a reader stumbles over it.

Viewers ignore a damaged colour profile, text or thumbnail and show the picture; so a reader that
gives up on it must not decide whether the picture is checked.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from hashmatch.media import sniff

# chunks that make the pixels, and the orientation
_PNG_NEEDED = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT", b"eXIf"}
# application segments that make the pixels (JFIF, Adobe) or hold the orientation (EXIF, XMP)
_JPEG_NEEDED = {0xE0, 0xE1, 0xEE}


def without_metadata(name: str, data: bytes) -> bytes | None:
    """Return the file with only what makes its pixels and their orientation.

    Parameters
    ----------
    name : str
        Its format.
    data : bytes
        The file.

    Returns
    -------
    bytes or None
        ``None`` if nothing can be left out.
    """
    if name == sniff.PNG:
        lean = data[:8] + b"".join(_png_chunks(data))
    elif name == sniff.JPEG:
        lean = data[:2] + b"".join(_jpeg_segments(data))
    else:
        return None
    return lean if len(lean) < len(data) else None


def _png_chunks(data: bytes) -> Iterator[bytes]:
    position = 8
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        chunk = data[position : position + 12 + length]
        position += 12 + length
        # a damaged chunk that can be done without is left out like one that is not needed
        sound = kind[:1].isupper() or zlib.crc32(chunk[4:-4]).to_bytes(4, "big") == chunk[-4:]
        if kind in _PNG_NEEDED and sound:
            yield chunk


def _jpeg_segments(data: bytes) -> Iterator[bytes]:
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker, length = struct.unpack_from(">xBH", data, position)
        if marker == 0xDA:  # the coded picture begins
            yield data[position:]
            return
        end = position + 2 + length
        if marker in _JPEG_NEEDED or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            yield data[position:end]
        position = end
