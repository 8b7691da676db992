"""Where a picture ends inside the data, and how many frames it claims, without decoding it.

This tells a truncated input (the container promises more than there is) from a corrupt one, finds
what was appended behind a picture, and counts frames before any of them is built. Nothing here
trusts a length: every walk moves forward and stops at the end of the data.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from hashmatch.media import sniff
from hashmatch.media.limits import MOST_FRAMES


@dataclass(frozen=True, slots=True)
class Extent:
    """What a walk over the container found.

    Parameters
    ----------
    end : int or None
        Offset behind the picture's last byte; ``None`` if the data ends before it.
    frames : int or None
        Frames or pages found, at most ``MOST_FRAMES``; ``None`` where only a decoder can tell.
    only_end_missing : bool
        Whether everything but the end mark is there.
    canvas : (int, int) or None
        Width and height, where the reader would allocate before it tells them.
    largest : (int, int) or None
        Width and height that frames behind the first may enlarge the picture to.
    passes : int
        How often decoding goes over the whole picture.
    """

    end: int | None
    frames: int | None = 1
    only_end_missing: bool = False
    canvas: tuple[int, int] | None = None
    largest: tuple[int, int] | None = None
    passes: int = 1


def measure(name: str, data: bytes) -> Extent:
    """Walk over a container of the given format.

    Raises
    ------
    ValueError
        If the container's structure is broken, rather than cut short.
    """
    try:
        return _WALKS[name](data)
    except (struct.error, IndexError) as error:
        raise ValueError("the container ends inside a field") from error


# the next marker that is not part of the coded picture (stuffed zero, restart mark, fill byte)
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _jpeg(data: bytes) -> Extent:
    position, scans = 2, 0
    while True:
        found = _JPEG_MARKER.search(data, position)
        if found is None:
            return Extent(None, passes=max(scans, 1))
        marker = data[found.start() + 1]
        if marker == 0xD9:
            return Extent(found.end(), passes=max(scans, 1))
        scans += marker == 0xDA
        position = found.end()
        if marker not in (0x01, 0xD8):  # markers without a segment
            position += max(int.from_bytes(data[position : position + 2], "big"), 2)


def _png(data: bytes) -> Extent:
    position, frames, animated = 8, 0, False
    pictures_seen = False
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if not kind.isalpha():
            raise ValueError("a chunk has no name")
        position += 12 + length
        if kind == b"IEND":
            return Extent(min(position, len(data)), max(frames, 1))
        if kind == b"acTL":
            animated = True
        elif kind == b"IDAT" and not pictures_seen:
            pictures_seen = True
            # a picture before the first frame control is not part of the animation
            frames += animated and frames == 0
        elif kind == b"fcTL" and animated and frames < MOST_FRAMES:
            frames += 1
    return Extent(None, max(frames, 1), only_end_missing=pictures_seen and position == len(data))


def _gif(data: bytes) -> Extent:
    position = 13
    frames = width = height = 0
    if len(data) > 10 and data[10] & 0x80:
        position += 3 << (data[10] & 7) + 1
    while position < len(data):
        kind = data[position]
        if kind == 0x3B:
            return Extent(position + 1, max(frames, 1), largest=(width, height))
        if kind == 0x2C:
            if position + 10 > len(data):
                break
            frames = min(frames + 1, MOST_FRAMES)
            left, top, wide, high, flags = struct.unpack_from("<HHHHB", data, position + 1)
            width, height = max(width, left + wide), max(height, top + high)
            position += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        elif kind == 0x21:
            position += 2
        else:  # filler between blocks, which decoders skip
            position += 1
            continue
        while position < len(data) and data[position]:
            position += 1 + data[position]
        position += 1
    whole = frames > 0 and position == len(data)
    return Extent(None, max(frames, 1), only_end_missing=whole, largest=(width, height))


def _webp(data: bytes) -> Extent:
    if len(data) < 30:
        return Extent(None, None)
    (size,) = struct.unpack_from("<I", data, 4)
    kind = data[12:16]
    canvas: tuple[int, int] | None = None
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[place : place + 3], "little") for place in (24, 27))
        canvas = (1 + width, 1 + height)
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        canvas = (1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    elif kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        canvas = (width & 0x3FFF, height & 0x3FFF)
    end = 8 + size
    return Extent(end if end <= len(data) else None, None, canvas=canvas)


def _bmp(data: bytes) -> Extent:
    if len(data) < 30:
        return Extent(None)
    offset, header = struct.unpack_from("<II", data, 10)
    if header in (12, 16):
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        if len(data) < 34:
            return Extent(None)
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    (end,) = struct.unpack_from("<I", data, 2)
    if compression in (0, 3, 6):  # not run-length coded, so the size of the picture is known
        pixels_end = offset + (width * bits + 31) // 32 * 4 * abs(height)
        end = max(end, pixels_end) if end <= len(data) else pixels_end
    return Extent(end if end <= len(data) else None)


def _tiff(data: bytes) -> Extent:
    """Follow the chain of directories. TIFF has no end: data may lie anywhere in the file."""
    order = "<" if data[:2] == b"II" else ">"
    big = 43 in data[2:4]
    offset_format, count_format, entry = ("Q", "Q", 20) if big else ("I", "H", 12)
    count_size, offset_size = struct.calcsize(count_format), struct.calcsize(offset_format)
    seen: set[int] = set()
    place = 8 if big else 4
    while len(seen) < MOST_FRAMES:
        if place + offset_size > len(data):
            return Extent(None, max(len(seen), 1))
        (start,) = struct.unpack_from(order + offset_format, data, place)
        if start == 0 or start in seen:
            break
        if start + count_size > len(data):
            return Extent(None, max(len(seen), 1))
        seen.add(start)
        (count,) = struct.unpack_from(order + count_format, data, start)
        if not _strips_lie_inside(data, order, big, start, count):
            return Extent(None, len(seen))
        place = start + count_size + entry * count
    return Extent(len(data), max(len(seen), 1))


def _strips_lie_inside(data: bytes, order: str, big: bool, start: int, count: int) -> bool:
    """Whether the data that a directory points to by a single offset is there.

    Directories with many strips or tiles keep their offsets in an array; its last one is checked.
    """
    entry, value_format, inline = (20, "Q", 8) if big else (12, "I", 4)
    arrays: dict[int, tuple[int, int, int]] = {}
    first = start + (8 if big else 2)
    for place in range(first, min(first + entry * count, len(data) - entry + 1), entry):
        tag, kind, number = struct.unpack_from(order + "HH" + value_format, data, place)
        if tag in (273, 279, 324, 325) and kind in (3, 4, 16) and number:
            arrays[tag] = (kind, number, place + entry - inline)
    for offsets, sizes in ((273, 279), (324, 325)):
        last = [
            _last_of(data, order, value_format, inline, *arrays[tag])
            for tag in (offsets, sizes)
            if tag in arrays
        ]
        if None in last or sum(value for value in last if value is not None) > len(data):
            return False
    return True


def _last_of(
    data: bytes, order: str, value_format: str, inline: int, kind: int, number: int, place: int
) -> int | None:
    item = {3: "H", 4: "I", 16: "Q"}[kind]
    size = struct.calcsize(item)
    if size * number > inline:
        (place,) = struct.unpack_from(order + value_format, data, place)
    place += size * (number - 1)
    if place + size > len(data):
        return None
    value: int = struct.unpack_from(order + item, data, place)[0]
    return value


def _boxes(data: bytes) -> Extent:
    """Walk over the top-level boxes of an ISO base media file."""
    position = 0
    kinds: set[bytes] = set()
    while position + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        if size == 1 and position + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, position + 8)
        if size == 0:  # to the end of the file
            return Extent(len(data), None)
        if position and not (kind.isalnum() and size >= 8):
            break  # appended data
        if size < 8:
            raise ValueError("a box is smaller than its own header")
        if position + size > len(data):
            return Extent(None, None)
        kinds.add(kind)
        if kind == b"meta" and b"idat" in data[position : position + size]:
            kinds.add(b"mdat")  # small pictures may be kept inside their description
        position += size
    # the description of the pictures, and their data
    whole = kinds & {b"meta", b"moov"} and b"mdat" in kinds
    return Extent(position if whole else None, None)


_WALKS: dict[str, Callable[[bytes], Extent]] = {
    sniff.JPEG: _jpeg,
    sniff.PNG: _png,
    sniff.GIF: _gif,
    sniff.WEBP: _webp,
    sniff.BMP: _bmp,
    sniff.TIFF: _tiff,
    sniff.AVIF: _boxes,
    sniff.HEIF: _boxes,
}
