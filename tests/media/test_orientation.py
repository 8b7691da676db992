"""The orientation is found where it is stated, however damaged the rest of the metadata is."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageOps, PngImagePlugin

from hashmatch import media
from hashmatch.media.orientation import exif_orientation, orientation_of, turned, xmp_orientation

Opener = Callable[[str], Image.Image]
LYING = 6

XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description {}/></rdf:RDF></x:xmpmeta>'


def exif_block(*entries: tuple[int, int, int, bytes], order: str = "<") -> bytes:
    head = b"II*\0" if order == "<" else b"MM\0*"
    block = head + struct.pack(order + "IH", 8, len(entries))
    for tag, kind, count, value in entries:
        block += struct.pack(order + "HHI", tag, kind, count) + value
    return block + bytes(4)


def jpeg(picture: Image.Image, exif: bytes, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90, exif=b"Exif\0\0" + exif, **options)
    return buffer.getvalue()


ORIENTATION = (274, 3, 1, struct.pack("<HH", LYING, 0))
SOUND = exif_block(ORIENTATION)
DAMAGED = {
    "sound": SOUND,
    "a tag of no known kind before it": exif_block((1, 99, 5, b"\xff" * 4), ORIENTATION),
    "a value that points outside": exif_block((270, 2, 10**6, b"\xff\xff\xff\x7f"), ORIENTATION),
    "a value that points at itself": exif_block((34665, 4, 1, struct.pack("<I", 8)), ORIENTATION),
    "more tags promised than there are": SOUND[:8] + struct.pack("<H", 65535) + SOUND[10:],
    "cut off behind it": exif_block(ORIENTATION, (270, 2, 40, bytes(4)))[:22],
    "a rational of zero": exif_block((282, 5, 1, struct.pack("<I", 38)), ORIENTATION) + bytes(8),
    "the orientation as a long": exif_block((274, 4, 1, struct.pack("<I", LYING))),
    "the prefix twice": b"Exif\0\0" + SOUND,
    "big-endian": exif_block((274, 3, 1, struct.pack(">HH", LYING, 0)), order=">"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_exif_still_turns_the_picture(open_photograph: Opener, damage: str) -> None:
    picture = open_photograph("rocket.jpg")
    decoded = media.decode(jpeg(picture, DAMAGED[damage]))
    assert decoded.complete
    assert decoded.frames[0].pixels.shape == (picture.width, picture.height, 3)
    assert decoded.info.notes == ()


@pytest.mark.parametrize(
    "block", [b"", b"I", b"II*\0", b"XX*\0\x08\0\0\0", b"II*\0\xff\xff\xff\x7f", bytes(40)]
)
def test_unreadable_exif_is_noted_and_does_no_harm(open_photograph: Opener, block: bytes) -> None:
    picture = open_photograph("rocket.jpg")
    decoded = media.decode(jpeg(picture, block))
    assert decoded.complete
    assert decoded.frames[0].pixels.shape == (picture.height, picture.width, 3)
    assert decoded.info.notes == ("exif_unreadable",)


@pytest.mark.parametrize("value", [0, 9, 255])
def test_an_orientation_that_does_not_exist_means_upright(value: int) -> None:
    assert exif_orientation(exif_block((274, 3, 1, struct.pack("<HH", value, 0)))) is None


@pytest.mark.parametrize(
    "text", ['tiff:Orientation="6"', "tiff:Orientation='6'", 'tiff:Orientation = "6"']
)
def test_xmp_turns_the_picture_where_exif_is_silent(open_photograph: Opener, text: str) -> None:
    picture = open_photograph("rocket.jpg")
    xmp = XMP.format(text).encode()
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", xmp=xmp)
    assert media.decode(buffer.getvalue()).info.width == picture.height
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", xmp=xmp)
    assert media.decode(buffer.getvalue()).info.width == picture.height
    buffer = io.BytesIO()
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", xmp)
    picture.save(buffer, "PNG", pnginfo=chunks)
    assert media.decode(buffer.getvalue()).info.width == picture.height


def test_exif_outranks_xmp() -> None:
    xmp = XMP.format('tiff:Orientation="3"')
    assert orientation_of({"exif": SOUND, "xmp": xmp.encode()}) == LYING
    assert orientation_of({"exif": b"broken", "xmp": xmp.encode()}) == 3
    assert orientation_of({"XML:com.adobe.xmp": xmp}) == 3
    assert orientation_of({}) == 1
    assert xmp_orientation(b"<tiff:Orientation>8</tiff:Orientation>") == 8


def test_exif_in_png_text_and_at_the_end_of_png(open_photograph: Opener) -> None:
    picture = open_photograph("rocket.jpg")
    block = b"Exif\0\0" + SOUND
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=chunks)
    assert media.decode(buffer.getvalue()).info.width == picture.height
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    end = len(buffer.getvalue()) - 12
    chunk = b"eXIf" + SOUND
    chunk = struct.pack(">I", len(SOUND)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    late = buffer.getvalue()[:end] + chunk + buffer.getvalue()[end:]
    assert media.decode(late).info.width == picture.height


def test_the_reader_agrees_with_pillows_where_that_succeeds(corpus: list[Path]) -> None:
    compared = 0
    for path in corpus:
        if path.suffix not in (".jpg", ".jpeg", ".png", ".webp"):
            continue
        try:
            with Image.open(path) as opened:
                opened.load()
                if "exif" not in opened.info:
                    continue
                expected = opened.getexif().get(274, 1)
                ours = orientation_of(opened.info)
        except (OSError, SyntaxError, ValueError, Warning):
            continue
        assert ours == (expected if expected in range(1, 9) else 1), path
        compared += 1
    assert compared > 20


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_copies_nothing_and_is_what_pillow_does(orientation: int) -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    view = turned(pixels, orientation)
    assert np.shares_memory(view, pixels)
    picture = Image.fromarray(pixels)
    picture.getexif()[274] = orientation
    assert np.array_equal(view, np.asarray(ImageOps.exif_transpose(picture)))
    assert turned(pixels[..., 0], orientation).shape == view.shape[:2]


@given(st.binary(max_size=200))
@example(b"II*\0\x08\0\0\0")
@example(b"MM\0*\0\0\0\x08\0\1")
def test_any_bytes_give_an_orientation_or_a_value_error(block: bytes) -> None:
    for exif in (block, b"Exif\0\0" + block, b"II*\0\x08\0\0\0" + block):
        try:
            found = exif_orientation(exif)
        except ValueError:
            continue
        assert found is None or 1 <= found <= 8
