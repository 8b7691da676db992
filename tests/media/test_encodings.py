"""The same picture gives the same pixels whatever it is wrapped in."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from hashmatch import media

Pixels = NDArray[np.uint8]
Distance = Callable[[Pixels, Pixels], int]
Opener = Callable[[str], Image.Image]

PICTURES = ("astronaut.png", "chelsea.png", "rocket.jpg", "china.jpg")


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def with_alpha(picture: Image.Image, alpha: int) -> Image.Image:
    copy = picture.copy()
    copy.putalpha(alpha)
    return copy


def as_lab(picture: Image.Image) -> Image.Image:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.buildTransform(srgb, lab, "RGB", "LAB").apply(picture)


def grey16(picture: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)


def png16(picture: Image.Image) -> bytes:
    """Write a 16-bit RGB PNG, which Pillow cannot."""
    deep = (np.asarray(picture).astype(np.uint16) * 257).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in deep)

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", *picture.size, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 1))
        + chunk(b"IEND", b"")
    )


LOSSLESS: dict[str, Callable[[Image.Image], bytes]] = {
    "png": lambda p: encoded(p, "PNG"),
    "png optimised": lambda p: encoded(p, "PNG", optimize=True),
    "png 16-bit": png16,
    "png rgba opaque": lambda p: encoded(with_alpha(p, 255), "PNG"),
    "bmp": lambda p: encoded(p, "BMP"),
    "bmp rgba opaque": lambda p: encoded(with_alpha(p, 255), "BMP"),
    "tiff": lambda p: encoded(p, "TIFF"),
    "tiff lzw": lambda p: encoded(p, "TIFF", compression="tiff_lzw"),
    "tiff deflate": lambda p: encoded(p, "TIFF", compression="tiff_adobe_deflate"),
    "tiff rgba opaque": lambda p: encoded(with_alpha(p, 255), "TIFF"),
    "tiff big": lambda p: encoded(p, "TIFF", big_tiff=True),
    "webp lossless": lambda p: encoded(p, "WEBP", lossless=True),
}
LOSSY: dict[str, Callable[[Image.Image], bytes]] = {
    "jpeg q95": lambda p: encoded(p, "JPEG", quality=95),
    "jpeg q75": lambda p: encoded(p, "JPEG", quality=75),
    "jpeg progressive": lambda p: encoded(p, "JPEG", quality=85, progressive=True),
    "jpeg 4:4:4": lambda p: encoded(p, "JPEG", quality=85, subsampling=0),
    "jpeg rgb without ycc": lambda p: encoded(p, "JPEG", quality=95, keep_rgb=True),
    "jpeg grey": lambda p: encoded(p.convert("L"), "JPEG", quality=95),
    "jpeg cmyk": lambda p: encoded(p.convert("CMYK"), "JPEG", quality=95),
    "webp q80": lambda p: encoded(p, "WEBP", quality=80),
    "webp rgba": lambda p: encoded(with_alpha(p, 255), "WEBP", quality=80),
    "avif": lambda p: encoded(p, "AVIF", quality=80),
    "png palette web": lambda p: encoded(p.convert("P", palette=Image.Palette.WEB), "PNG"),
    "png grey": lambda p: encoded(p.convert("L"), "PNG"),
    "png grey and alpha": lambda p: encoded(with_alpha(p.convert("L"), 255), "PNG"),
    "png grey 16-bit": lambda p: encoded(grey16(p), "PNG"),
    "tiff grey 16-bit": lambda p: encoded(grey16(p), "TIFF"),
    "tiff grey 32-bit": lambda p: encoded(grey16(p).convert("I"), "TIFF"),
    "tiff float": lambda p: encoded(p.convert("F"), "TIFF"),
    "tiff float 0..1": lambda p: encoded(
        Image.fromarray(np.asarray(p.convert("L"), np.float32) / 255), "TIFF"
    ),
    "tiff cmyk": lambda p: encoded(p.convert("CMYK"), "TIFF"),
    "tiff lab": lambda p: encoded(as_lab(p), "TIFF"),
    "tiff ycbcr jpeg": lambda p: encoded(p, "TIFF", compression="jpeg", quality=90),
}
# few colours: how the picture is reduced, and how the reduced one is stored
REDUCED: dict[str, tuple[Callable[[Image.Image], Image.Image], str, dict[str, str]]] = {
    "gif": (lambda p: p.quantize(256), "GIF", {}),
    "png palette": (lambda p: p.quantize(256), "PNG", {}),
    "tiff palette": (lambda p: p.quantize(256), "TIFF", {}),
    "bmp palette": (lambda p: p.quantize(256), "BMP", {}),
    "png 1-bit": (lambda p: p.convert("1"), "PNG", {}),
    "bmp 1-bit": (lambda p: p.convert("1"), "BMP", {}),
    "tiff 1-bit fax": (lambda p: p.convert("1"), "TIFF", {"compression": "group4"}),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("encoding", LOSSLESS)
def test_a_lossless_wrapping_gives_the_same_pixels(
    open_photograph: Opener, encoding: str, name: str
) -> None:
    picture = open_photograph(name)
    decoded = media.decode(LOSSLESS[encoding](picture))
    assert decoded.complete
    assert np.array_equal(decoded.frames[0].pixels, np.asarray(picture))
    assert decoded.frames[0].variants == []
    assert (decoded.info.width, decoded.info.height) == picture.size


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("encoding", LOSSY)
def test_a_lossy_wrapping_gives_nearly_the_same_hash(
    open_photograph: Opener, pdq_distance: Distance, encoding: str, name: str
) -> None:
    picture = open_photograph(name)
    decoded = media.decode(LOSSY[encoding](picture))
    assert decoded.complete
    assert pdq_distance(decoded.frames[0].pixels, np.asarray(picture)) <= 4


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("encoding", REDUCED)
def test_few_colours_are_exactly_those_stored(
    open_photograph: Opener, pdq_distance: Distance, encoding: str, name: str
) -> None:
    """What distance is left to the original, the encoder made by dithering and quantising."""
    picture = open_photograph(name)
    reduce, kind, options = REDUCED[encoding]
    reduced = reduce(picture)
    pixels = media.decode(encoded(reduced, kind, **options)).frames[0].pixels
    mode = "L" if reduced.mode == "1" else "RGB"
    assert np.array_equal(pixels, np.asarray(reduced.convert(mode)))
    assert pdq_distance(pixels, np.asarray(picture)) <= 12


@pytest.mark.parametrize(
    "encoding",
    ["png grey", "png grey and alpha", "png grey 16-bit", "tiff grey 16-bit", "tiff grey 32-bit",
     "tiff float", "tiff float 0..1"],
)  # fmt: skip
def test_grey_stays_grey_and_exact(open_photograph: Opener, encoding: str) -> None:
    original = open_photograph("chelsea.png")
    decoded = media.decode(LOSSY[encoding](original))
    assert np.array_equal(decoded.frames[0].pixels, np.asarray(original.convert("L")))


def test_grey_wrapped_as_rgb_hashes_as_grey(
    open_photograph: Opener, pdq_distance: Distance
) -> None:
    for name in PICTURES:
        grey = open_photograph(name).convert("L")
        plain = media.decode(encoded(grey, "PNG")).frames[0].pixels
        wrapped = media.decode(encoded(grey.convert("RGB"), "PNG")).frames[0].pixels
        assert plain.ndim == 2
        assert wrapped.ndim == 3
        assert pdq_distance(plain, wrapped) == 0


ORIENTED: dict[str, Callable[[Image.Image, Image.Exif], bytes]] = {
    "jpeg": lambda p, exif: encoded(p, "JPEG", quality=90, exif=exif),
    "jpeg grey": lambda p, exif: encoded(p.convert("L"), "JPEG", quality=90, exif=exif),
    "jpeg cmyk": lambda p, exif: encoded(p.convert("CMYK"), "JPEG", quality=90, exif=exif),
    "png": lambda p, exif: encoded(p, "PNG", exif=exif),
    "png rgba": lambda p, exif: encoded(with_alpha(p, 90), "PNG", exif=exif),
    "webp": lambda p, exif: encoded(p, "WEBP", quality=90, exif=exif.tobytes()),
    "avif": lambda p, exif: encoded(p, "AVIF", quality=90, exif=exif),
    "tiff": lambda p, exif: encoded(p, "TIFF", tiffinfo={274: exif[274]}),
    "tiff lzw": lambda p, exif: encoded(
        p, "TIFF", tiffinfo={274: exif[274]}, compression="tiff_lzw"
    ),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("encoding", ORIENTED)
def test_every_orientation_is_applied(
    open_photograph: Opener, encoding: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = ORIENTED[encoding](open_photograph("china.jpg"), exif)
    frame = media.decode(data).frames[0]
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        upright = ImageOps.exif_transpose(opened)
    mode = {"L": "L", "RGBA": "RGBA"}.get(upright.mode, "RGB")
    expected = np.asarray(upright.convert(mode))
    if mode == "RGBA":
        dropped = dict(frame.variants)["alpha_dropped"]
        assert np.array_equal(dropped, expected[..., :3])
        assert frame.pixels.shape == dropped.shape
    else:
        assert np.array_equal(frame.pixels, expected)


def test_a_phone_photo_lying_on_its_side_hashes_as_upright(
    open_photograph: Opener, pdq_distance: Distance
) -> None:
    for name in PICTURES:
        picture = open_photograph(name)
        exif = Image.Exif()
        exif[274] = 6
        lying = picture.transpose(Image.Transpose.ROTATE_90)
        pixels = media.decode(encoded(lying, "JPEG", quality=95, exif=exif)).frames[0].pixels
        assert pixels.shape == (picture.height, picture.width, 3)
        assert pdq_distance(pixels, np.asarray(picture)) <= 4


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "YCbCr"])
@pytest.mark.parametrize("rows", [1, 7, 300, 10_000])
def test_converting_by_rows_is_converting(
    open_photograph: Opener, monkeypatch: pytest.MonkeyPatch, mode: str, rows: int
) -> None:
    picture = open_photograph("chelsea.png").convert(mode)
    data = encoded(picture, "TIFF")
    monkeypatch.setattr("hashmatch.media.pixels._PIXELS_AT_A_TIME", rows * picture.width)
    whole = np.asarray(Image.open(io.BytesIO(data)).convert("L" if mode == "1" else "RGB"))
    assert (media.decode(data).frames[0].pixels == whole).all()
