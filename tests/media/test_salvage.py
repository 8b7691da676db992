"""What can be made of files cut short or damaged, without a process-wide switch."""

from __future__ import annotations

import contextlib
import gc
import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from hashmatch import media
from hashmatch.errors import MediaError
from hashmatch.types import Reason

Opener = Callable[[str], Image.Image]


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def refusal(data: bytes) -> Reason:
    with pytest.raises(MediaError) as refused:
        media.decode(data)
    return refused.value.reason


# the first column and row of each pass, and its steps
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2))  # fmt: skip
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "jpeg": ("RGB", "JPEG", {"quality": 90}),
    "progressive": ("RGB", "JPEG", {"quality": 90, "progressive": True}),
    "grey jpeg": ("L", "JPEG", {"quality": 90}),
    "png": ("RGB", "PNG", {}),
    "grey png": ("L", "PNG", {}),
    "transparent png": ("RGBA", "PNG", {}),
    "palette png": ("P", "PNG", {}),
    "one-bit png": ("1", "PNG", {}),
    "bmp": ("RGB", "BMP", {}),
    "gif": ("P", "GIF", {"interlace": 0}),
    "interlaced gif": ("P", "GIF", {"interlace": 1}),
    "tiff": ("RGB", "TIFF", {}),
    "grey tiff": ("L", "TIFF", {}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.4, 0.9])
def test_what_was_there_is_decoded_as_it_is(
    open_photograph: Opener, kind: str, share: float
) -> None:
    mode, name, options = KINDS[kind]
    whole = saved(open_photograph("coffee.png").convert(mode), name, **options)
    expected = media.decode(whole).frames[0].pixels
    data = whole[: round(len(whole) * share)]
    reason = refusal(data)
    salvaged = media.salvage(data, reason)
    assert salvaged is not None
    assert not salvaged.complete
    assert salvaged.incomplete_reason is reason
    assert "salvaged" in salvaged.info.notes
    assert "end_missing" not in salvaged.info.notes, "more than the end is missing"
    pixels = salvaged.frames[0].pixels
    assert pixels.shape == expected.shape
    some = round(len(pixels) * share * 0.8)
    if kind == "bmp":  # stored from the bottom up
        assert (pixels[-some:] == expected[-some:]).all()
    elif kind == "progressive":  # the whole picture, only less sharp
        assert np.abs(pixels.astype(int) - expected).mean() < 6
    elif kind == "interlaced gif":  # every eighth row, then the rows between
        assert (pixels[::8] == expected[::8]).all()
    elif share == 0.9:
        assert (pixels[: some // 2] == expected[: some // 2]).all()


def test_an_interlaced_png_is_completed_pass_by_pass(open_photograph: Opener) -> None:
    picture = np.asarray(open_photograph("coffee.png").convert("L").resize((61, 47)))
    rows = b"".join(
        b"\0" + line.tobytes()
        for left, top, across, down in ADAM7
        for line in picture[top::down, left::across]
    )
    whole = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in (
            (b"IHDR", struct.pack(">IIBBBBB", 61, 47, 8, 0, 0, 0, 1)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        )
    )
    assert (media.decode(whole).frames[0].pixels == picture).all()
    data = whole[: round(len(whole) * 0.6)]
    salvaged = media.salvage(data, refusal(data))
    assert salvaged is not None
    pixels = salvaged.frames[0].pixels
    assert pixels.shape == picture.shape
    assert (pixels[::4, ::4] == picture[::4, ::4]).all(), "the first three passes"


def test_damage_in_the_middle_of_a_png_keeps_what_is_above_it(open_photograph: Opener) -> None:
    picture = open_photograph("coffee.png")
    data = bytearray(saved(picture, "PNG"))
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    reason = refusal(bytes(data))
    salvaged = media.salvage(bytes(data), reason)
    assert salvaged is not None
    assert salvaged.incomplete_reason is reason
    assert (salvaged.frames[0].pixels[:100] == np.asarray(picture)[:100]).all()


def test_the_strips_of_a_tiff_before_the_damage_are_kept() -> None:
    """The directory is put first, as cameras and scanners do; Pillow writes it last."""
    rows = np.random.default_rng(3).integers(0, 255, (64, 50, 1), np.uint8).repeat(3, axis=2)
    strips = [zlib.compress(part.tobytes()) for part in np.split(rows, 4)]
    start = 8 + 2 + 10 * 12 + 4
    places = np.cumsum([start + 32 + 6] + [len(strip) for strip in strips])[:4]
    tags = [(256, 4, 1, 50), (257, 4, 1, 64), (258, 3, 3, start + 32), (259, 3, 1, 8),
            (262, 3, 1, 2), (273, 4, 4, start), (274, 3, 1, 3), (277, 3, 1, 3), (278, 4, 1, 16),
            (279, 4, 4, start + 16)]  # fmt: skip
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags))
    head += b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    head += struct.pack("<4I", *places) + struct.pack("<4I", *map(len, strips))
    head += struct.pack("<3H", 8, 8, 8)
    whole = head + b"".join(strips)
    assert (media.decode(whole).frames[0].pixels == rows[::-1, ::-1]).all()
    data = bytearray(whole)
    data[places[2] : places[2] + 20] = bytes(20)
    reason = refusal(bytes(data))
    salvaged = media.salvage(bytes(data), reason)
    assert salvaged is not None
    assert salvaged.incomplete_reason is reason
    assert (salvaged.frames[0].pixels[::-1, ::-1][:32] == rows[:32]).all(), (
        "turned like a whole one"
    )
    assert (salvaged.frames[0].pixels[::-1, ::-1][32:48] == 0).all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"no picture at all", Reason.NOT_AN_IMAGE),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), Reason.CORRUPT),
        (b"\xff\xd8\xff\xe0", Reason.TRUNCATED),
        (b"BM" + bytes(60), Reason.CORRUPT),
    ],
)
def test_nothing_is_made_of_nothing(data: bytes, reason: Reason) -> None:
    assert media.salvage(data, reason) is None


def test_a_header_alone_is_no_picture(open_photograph: Opener) -> None:
    whole = saved(open_photograph("coffee.png"), "JPEG")
    assert media.salvage(whole[: whole.index(b"\xff\xda")], Reason.TRUNCATED) is None
    whole = saved(open_photograph("coffee.png"), "PNG")
    assert media.salvage(whole[: whole.index(b"IDAT") + 5], Reason.TRUNCATED) is None
    whole = saved(open_photograph("coffee.png"), "TIFF")
    assert media.salvage(whole[:200], Reason.TRUNCATED) is None
    whole = saved(open_photograph("coffee.png"), "GIF")
    assert media.salvage(whole[: 13 + 768 + 11], Reason.TRUNCATED) is None


def test_limits_hold_for_what_is_filled_in(open_photograph: Opener) -> None:
    for kind in ("PNG", "BMP", "JPEG", "GIF", "TIFF"):
        whole = saved(open_photograph("coffee.png"), kind)
        limits = media.Limits(max_pixels=1000)
        assert media.salvage(whole[: len(whole) // 2], Reason.TRUNCATED, limits) is None


def test_whole_pictures_and_other_refusals_are_left_alone(open_photograph: Opener) -> None:
    whole = saved(open_photograph("coffee.png"), "PNG")
    assert media.salvage(whole, Reason.TOO_MANY_PIXELS) is None
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_no_refusal_keeps_the_pixels_it_was_about(open_photograph: Opener) -> None:
    """A caught error that leads back to itself would hold them until the collector runs."""
    photo = open_photograph("coffee.png")
    cut = saved(photo.convert("P"), "GIF")[:50_000]
    pages = [photo.resize((90, 60)), photo.resize((90, 60)).rotate(3)]
    partly = saved(pages[0], "GIF", save_all=True, append_images=pages[1:])[:-2000]
    gc.collect()
    gc.disable()
    try:
        others = [one for one in gc.get_objects() if isinstance(one, Image.Image)]
        for data in (cut, partly):
            with contextlib.suppress(MediaError):
                media.decode(data)
            media.salvage(data, Reason.TRUNCATED)
            held = [one for one in gc.get_objects() if isinstance(one, Image.Image)]
            assert len(held) == len(others)
    finally:
        gc.enable()
