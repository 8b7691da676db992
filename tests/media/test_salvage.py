"""What can be made of files cut short or damaged, without a process-wide switch."""

from __future__ import annotations

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
    pixels = salvaged.frames[0].pixels
    assert pixels.shape == expected.shape
    some = round(len(pixels) * share * 0.8)
    if kind == "bmp":  # stored from the bottom up
        assert (pixels[-some:] == expected[-some:]).all()
    elif kind == "progressive":  # the whole picture, only less sharp
        assert np.abs(pixels.astype(int) - expected).mean() < 6
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


def test_limits_hold_for_what_is_filled_in(open_photograph: Opener) -> None:
    for kind in ("PNG", "BMP", "JPEG"):
        whole = saved(open_photograph("coffee.png"), kind)
        limits = media.Limits(max_pixels=1000)
        assert media.salvage(whole[: len(whole) // 2], Reason.TRUNCATED, limits) is None


def test_whole_pictures_and_other_refusals_are_left_alone(open_photograph: Opener) -> None:
    whole = saved(open_photograph("coffee.png"), "PNG")
    assert media.salvage(whole, Reason.TOO_MANY_PIXELS) is None
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
