"""A second, tolerant pass over media that ends too early or is damaged.

Pillow's own tolerance is a switch for the whole process (``LOAD_TRUNCATED_IMAGES``), which other
threads would notice. Instead the file itself is completed: what is missing is filled in so that a
strict decode succeeds, and what was there is decoded as it is. GIF and TIFF need no completing:
their readers leave what they decoded before they gave up in the picture's memory.

What was filled in is flat. It says nothing about the picture, so a salvaged picture can match, but
its not matching means nothing.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import numpy as np

from hashmatch.errors import MediaError
from hashmatch.media import sniff
from hashmatch.media.decoded import Decoded
from hashmatch.media.decoding import Decoding, decode
from hashmatch.media.limits import DEFAULT_LIMITS, LONGEST_SIDE, Limits
from hashmatch.types import Reason

NOTE = "salvaged"
_DAMAGED = (Reason.TRUNCATED, Reason.CORRUPT)
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STEP = 256  # bytes: a damaged step is lost as a whole, and unpacks to 256 kB at most
_LAST_FILTER = 4
# With less than a 64th of the picture there is not one row of what a hash samples, and a damaged
# header may have claimed any size.
_LEAST_SHARE = 64
_PIXELS_AT_A_TIME = 1 << 20
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # PNG colour type -> samples a pixel
# PNG's interlacing: the first column and row of each pass, and its steps
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
           (0, 1, 1, 2))  # fmt: skip


def salvage(
    data: bytes | bytearray | memoryview, reason: Reason, limits: Limits = DEFAULT_LIMITS
) -> Decoded | None:
    """Decode what can be decoded of an input that :func:`decode` refused.

    Parameters
    ----------
    data : bytes-like
        The input.
    reason : Reason
        Why it was refused. Only truncated and corrupt inputs can be salvaged.
    limits : Limits
        As for :func:`decode`.

    Returns
    -------
    Decoded or None
        The first picture, incomplete for the given reason and with the note ``salvaged``; ``None``
        if nothing can be made of it. JPEG, PNG, GIF, uncompressed BMP, and TIFFs whose directory
        comes before the damage can be salvaged.
    """
    if reason not in _DAMAGED:
        return None
    data = bytes(data)
    try:
        decoded = _tolerant(sniff.sniff(data), data, limits)
    except MediaError:
        return None
    if decoded is None or _is_flat(decoded):  # nothing but filling
        return None
    info = replace(decoded.info, notes=(*decoded.info.notes, NOTE))
    return Decoded(decoded.frames[:1], info, reason)


def _tolerant(name: str, data: bytes, limits: Limits) -> Decoded | None:
    if name in (sniff.GIF, sniff.TIFF):
        return Decoding(name, data, limits).first_part()
    completed = _complete(name, data, limits)
    if completed is None:
        return None
    return decode(completed, replace(limits, max_bytes=max(limits.max_bytes, len(completed))))


def _complete(name: str, data: bytes, limits: Limits) -> bytes | None:
    if name == sniff.JPEG:  # the decoder fills up with grey when it meets the end mark
        return data + b"\xff\xd9"
    if name == sniff.PNG:
        return _complete_png(data, limits)
    if name == sniff.BMP:
        return _complete_bmp(data, limits)
    return None


def _complete_png(data: bytes, limits: Limits) -> bytes | None:
    """Return the PNG's first picture with the rows that cannot be read black or transparent."""
    kept: list[bytes] = []
    coded = zlib.decompressobj()
    rows = bytearray()
    lines: list[int] = []
    expected = 0
    position = len(_PNG_SIGNATURE)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + length]
        if kind == b"IHDR" and len(body) == 13:
            lines = _png_lines(body, limits)
            expected = sum(lines)
            kept.append(_chunk(kind, body))
        elif kind in (b"PLTE", b"tRNS", b"eXIf"):
            kept.append(_chunk(kind, body))
        elif kind == b"IDAT" and expected:
            if not _unpack(coded, body, rows, expected):
                break
        elif kind in (b"IEND", b"fcTL") and rows:
            break
        position += 12 + length
    del rows[expected:]
    _keep_sound(rows, lines)
    if not rows or len(rows) * _LEAST_SHARE < expected:
        return None
    rows += bytes(expected - len(rows))
    kept += [_chunk(b"IDAT", zlib.compress(rows, 1)), _chunk(b"IEND", b"")]
    return _PNG_SIGNATURE + b"".join(kept)


def _unpack(coded: zlib._Decompress, body: bytes, rows: bytearray, expected: int) -> bool:
    """Add what a chunk holds to the rows; say whether there may be more."""
    for start in range(0, len(body), _STEP):
        try:
            rows += coded.decompress(body[start : start + _STEP])
        except zlib.error:  # what came before this step is kept
            return False
        if len(rows) >= expected:
            return False
    return True


def _keep_sound(rows: bytearray, lines: list[int]) -> None:
    """Drop the lines from the first whose filter does not exist: from there on it is noise."""
    start = 0
    for length in lines:
        if start >= len(rows) or rows[start] > _LAST_FILTER:
            break
        start += length
    del rows[start:]


def _png_lines(header: bytes, limits: Limits) -> list[int]:
    """Return how many bytes each line of a PNG has before compression; none if it is too large."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    too_large = width * height > limits.max_pixels or max(width, height) > LONGEST_SIDE
    if colour not in _SAMPLES or too_large:
        return []
    bits = depth * _SAMPLES[colour]
    lines: list[int] = []
    for left, top, across, down in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns, count = -(-max(0, width - left) // across), -(-max(0, height - top) // down)
        if columns:
            lines += [1 + -(-columns * bits // 8)] * count
    return lines


def _complete_bmp(data: bytes, limits: Limits) -> bytes | None:
    if len(data) < 54:
        return None
    width, height = struct.unpack_from("<ii", data, 18)
    bits, compression = struct.unpack_from("<HI", data, 28)
    if compression not in (0, 3) or width * abs(height) > limits.max_pixels or width <= 0:
        return None
    (offset,) = struct.unpack_from("<I", data, 10)
    needed = -(-width * bits // 32) * 4 * abs(height)
    there = len(data) - offset
    if there * _LEAST_SHARE < needed:
        return None
    return data + bytes(max(0, needed - there))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _is_flat(decoded: Decoded) -> bool:
    """Whether nearly all rows are of one colour, as what was filled in is."""
    pixels = decoded.frames[0].pixels
    height, width = pixels.shape[:2]
    rows = max(1, _PIXELS_AT_A_TIME // width)
    varied = 0
    for top in range(0, height, rows):
        part = pixels[top : top + rows]
        differs = (part != part[:, :1]).reshape(len(part), -1).any(axis=1)
        varied += int(np.count_nonzero(differs))
        if varied * _LEAST_SHARE >= height:
            return False
    return True
