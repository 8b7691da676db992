"""Which format an input is, by its first bytes alone. Names and MIME types are never believed."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from hashmatch.errors import MediaError
from hashmatch.types import Reason

JPEG, PNG, GIF, WEBP, BMP, TIFF, AVIF, HEIF = (
    "JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF",
)  # fmt: skip

_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADER_SIZES = {12, 16, 40, 52, 56, 64, 108, 124}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}


def sniff(data: bytes) -> str:
    """Return the format of an input.

    Raises
    ------
    MediaError
        ``unsupported_format`` for media that is recognised but not decoded, ``not_an_image`` for
        anything else, ``truncated`` if there are too few bytes to tell.
    """
    for name, matches in _ACCEPTED.items():
        if matches(data):
            return name
    for name, pattern in _RECOGNISED.items():
        if pattern.match(data[:4096]):
            raise MediaError(
                Reason.UNSUPPORTED_FORMAT,
                f"{name} is not decoded; convert it to one of {', '.join(_ACCEPTED)}",
            )
    if len(data) < 12 and any(head.startswith(data) for head in _HEADS):
        raise MediaError(Reason.TRUNCATED, "the data ends within the first bytes of a picture")
    raise MediaError(Reason.NOT_AN_IMAGE, "the data does not begin like any known picture format")


def _is_webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def _is_bmp(data: bytes) -> bool:
    # "BM" also begins words, so the header size has to make sense as well
    return data[:2] == b"BM" and (
        len(data) < 18 or struct.unpack_from("<I", data, 14)[0] in _BMP_HEADER_SIZES
    )


def _brands(data: bytes) -> list[bytes]:
    """Return the brands of an ISO base media file, the major one first."""
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4], "big"), 1024, len(data))
    return [data[8:12], *(data[i : i + 4] for i in range(16, end - 3, 4))]


def _is_avif(data: bytes) -> bool:
    brands = _brands(data)
    return not _AVIF_BRANDS.isdisjoint(brands) and brands[0] not in _HEIF_BRANDS


def _is_heif(data: bytes) -> bool:
    brands = _brands(data)
    return not _HEIF_BRANDS.isdisjoint(brands) or brands[:1] in ([b"mif1"], [b"msf1"])


_ACCEPTED: dict[str, Callable[[bytes], bool]] = {
    JPEG: lambda data: data[:3] == b"\xff\xd8\xff",
    PNG: lambda data: data[:8] == b"\x89PNG\r\n\x1a\n",
    GIF: lambda data: data[:6] in (b"GIF87a", b"GIF89a"),
    WEBP: _is_webp,
    BMP: _is_bmp,
    TIFF: lambda data: data[:4] in _TIFF_HEADS,
    AVIF: _is_avif,
    HEIF: _is_heif,
}
_HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"GIF87a", *_TIFF_HEADS)

# Pictures and films that are named in the answer instead of being called no image at all.
_RECOGNISED = {
    name: re.compile(pattern, re.DOTALL)
    for name, pattern in {
        "JPEG 2000": rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
        "JPEG XL": rb"\0\0\0\x0cJXL |\xff\x0a",
        "JPEG XR": rb"II\xbc\x01",
        "Photoshop": rb"8BPS\0[\x01\x02]",
        "Windows icon": rb"\0\0[\x01\x02]\0[^\0]\0",
        "OpenEXR": rb"v/1\x01",
        "Radiance HDR": rb"#\?(RADIANCE|RGBE)",
        "DDS": rb"DDS ",
        "QOI": rb"qoif",
        "FLIF": rb"FLIF",
        "BPG": rb"BPG\xfb",
        "MNG": rb"\x8aMNG|\x8bJNG",
        "netpbm": rb"P[1-7FfYy]\s",
        "Sun raster": rb"\x59\xa6\x6a\x95",
        "SGI": rb"\x01\xda[\0\x01][\x01\x02]",
        "PCX": rb"\n[\0\x02-\x05]\x01[\x01\x02\4\x08]",
        "FITS": rb"SIMPLE  =",
        "XPM": rb"/\* XPM \*/",
        "Apple icon": rb"icns",
        "camera raw": rb"IIRO|IIRS|IIU\0|FUJIFILMCCD-RAW|FOVb",
        "SVG": rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg",
        "PDF": rb"%PDF-",
        "PostScript": rb"%!PS|\xc5\xd0\xd3\xc6",
        "Windows metafile": rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF",
        "Matroska or WebM video": rb"\x1a\x45\xdf\xa3",
        "AVI video": rb"RIFF.{4}AVI ",
        "MP4 or QuickTime video": rb".{4}(ftyp|moov|mdat|wide)",
        "MPEG video": rb"\0\0\x01[\xb3\xba]",
        "Flash video": rb"FLV\x01",
        "Windows Media video": rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    }.items()
}
