"""Animations, pages and sets of pictures: every frame as shown, or said to be missing."""

from __future__ import annotations

import importlib
import io
import struct
import sys
import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hashmatch import media
from hashmatch.errors import MediaError
from hashmatch.media import heif as heif_reader
from hashmatch.types import Reason

Opener = Callable[[str], Image.Image]


def saved(frames: list[Image.Image], kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], **options)
    return buffer.getvalue()


def numbered(count: int, size: tuple[int, int] = (64, 48)) -> list[Image.Image]:
    """Return pictures that all differ: a white bar wanders over a grey slope."""
    slope = np.broadcast_to(np.linspace(0, 200, size[0]).astype(np.uint8), size[::-1])
    frames = []
    for index in range(count):
        pixels = slope.copy()
        pixels[:, index % size[0]] = 255
        pixels[index // size[0], :] = 255
        frames.append(Image.fromarray(pixels).convert("RGB"))
    return frames


KINDS: dict[str, tuple[dict[str, Any], float]] = {
    "GIF": ({}, 0),
    "PNG": ({}, 0),
    "WEBP": ({"lossless": True}, 0),
    "TIFF": ({}, 0),
    "AVIF": ({"quality": 95}, 6),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_is_given_in_order(kind: str) -> None:
    options, tolerance = KINDS[kind]
    frames = numbered(7)
    decoded = media.decode(saved(frames, kind, **options))
    assert decoded.complete
    assert (decoded.info.frame_count, decoded.info.frames_decoded) == (7, 7)
    assert [frame.index for frame in decoded.frames] == list(range(7))
    for frame, original in zip(decoded.frames, frames, strict=True):
        pixels = frame.pixels if frame.pixels.ndim == 3 else frame.pixels[..., np.newaxis]
        difference = np.abs(pixels.astype(int) - np.asarray(original)).mean()
        assert difference <= tolerance, frame.index


@pytest.mark.parametrize("kind", KINDS)
def test_many_frames_are_sampled_from_first_to_last(kind: str) -> None:
    decoded = media.decode(saved(numbered(40), kind, **KINDS[kind][0]))
    assert decoded.incomplete_reason is Reason.FRAMES_SKIPPED
    assert not decoded.complete
    indices = [frame.index for frame in decoded.frames]
    assert len(indices) == media.DEFAULT_LIMITS.max_frames == decoded.info.frames_decoded
    assert decoded.info.frame_count == 40
    assert (indices[0], indices[-1]) == (0, 39)
    assert {b - a for a, b in pairwise(indices)} <= {2, 3}
    more = media.decode(saved(numbered(40), kind, **KINDS[kind][0]), media.Limits(max_frames=40))
    assert more.complete


def test_the_pixels_of_all_frames_together_are_bounded() -> None:
    data = saved(numbered(10), "GIF")
    limits = media.Limits(max_pixels=3 * 64 * 48 + 1)
    decoded = media.decode(data, limits)
    assert decoded.info.frames_decoded == 3
    assert decoded.incomplete_reason is Reason.FRAMES_SKIPPED


def test_an_animation_too_long_to_build_is_sampled_from_its_beginning() -> None:
    data = saved(numbered(10), "GIF")
    decoded = media.decode(data, media.Limits(max_pixels_on_the_way=4 * 64 * 48))
    assert [frame.index for frame in decoded.frames] == [0, 1, 2, 3]
    assert decoded.incomplete_reason is Reason.FRAMES_SKIPPED
    pages = media.decode(saved(numbered(10), "TIFF"), media.Limits(max_pixels_on_the_way=1))
    assert pages.complete, "pages stand alone, so none lies on the way to another"


def test_frames_that_cover_a_part_are_shown_on_those_before() -> None:
    """Only the changed part is stored; what is shown, and hashed, is the whole picture."""
    base = Image.new("RGB", (80, 60), "teal")
    second = base.copy()
    second.paste("orange", (10, 10, 30, 30))
    third = second.copy()
    third.paste("navy", (40, 20, 70, 50))
    frames = [base, second, third]
    for kind in ("GIF", "PNG"):
        decoded = media.decode(
            saved(frames, kind, disposal=1) if kind == "GIF" else saved(frames, kind)
        )
        for frame, original in zip(decoded.frames, frames, strict=True):
            assert np.array_equal(frame.pixels, np.asarray(original)), kind


def test_pages_of_all_sizes_kinds_and_orientations() -> None:
    photo = numbered(1, (60, 40))[0]
    pages = [photo, photo.convert("L").resize((30, 50)), photo.convert("CMYK"), photo.convert("1")]
    decoded = media.decode(saved(pages, "TIFF"))
    shapes = [frame.pixels.shape for frame in decoded.frames]
    assert shapes == [(40, 60, 3), (50, 30), (40, 60, 3), (40, 60)]
    assert decoded.complete


def test_a_damaged_page_does_not_hide_the_others() -> None:
    pages = numbered(4)
    data = bytearray(saved(pages, "TIFF", compression="tiff_adobe_deflate"))
    places = [i for i in range(len(data)) if data[i : i + 2] == b"\x78\x9c"]
    assert len(places) == 4
    data[places[1] : places[1] + 20] = bytes(20)
    decoded = media.decode(data)
    assert [frame.index for frame in decoded.frames] == [0, 2, 3]
    assert decoded.incomplete_reason is Reason.CORRUPT
    assert decoded.info.frames_decoded == 3 < decoded.info.frame_count == 4


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
@pytest.mark.parametrize("share", [0.5, 0.75, 0.95])
def test_an_animation_cut_short_gives_what_is_there(kind: str, share: float) -> None:
    data = saved(numbered(10, (160, 120)), kind)
    decoded = media.decode(data[: int(share * len(data))])
    assert 1 <= decoded.info.frames_decoded < 10
    assert decoded.incomplete_reason is Reason.TRUNCATED
    for frame, original in zip(decoded.frames, numbered(10, (160, 120)), strict=False):
        assert np.array_equal(
            frame.pixels if frame.pixels.ndim == 3 else np.stack([frame.pixels] * 3, 2),
            np.asarray(original),
        )


def test_a_page_chain_cut_short_says_so() -> None:
    data = saved(numbered(5), "TIFF")
    decoded = media.decode(data[: len(data) * 7 // 10])
    assert 1 <= decoded.info.frames_decoded < 5
    assert decoded.incomplete_reason is Reason.TRUNCATED


def test_an_animation_that_claims_more_frames_than_it_has() -> None:
    data = saved(numbered(3), "PNG")
    place = data.index(b"acTL")
    body = b"acTL" + struct.pack(">II", 2_000_000_000, 0)
    lying = data[:place] + body + struct.pack(">I", zlib.crc32(body)) + data[place + 16 :]
    decoded = media.decode(lying)
    assert decoded.info.frame_count == decoded.info.frames_decoded == 3


def tiff_chain(count: int, last: int = 0) -> bytes:
    """Return a TIFF of that many directories, all of the same 2 x 2 picture; built by hand."""
    entries = [(256, 3, 1, 2), (257, 3, 1, 2), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
               (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 2), (279, 4, 1, 4)]  # fmt: skip
    size = 2 + 12 * len(entries) + 4
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", *entry) for entry in entries
    )
    start = 12
    chain = [
        directory + struct.pack("<I", start + (i + 1) * size if i + 1 < count else last)
        for i in range(count)
    ]
    return b"II*\0" + struct.pack("<I", start) + b"\0\x55\xaa\xff" + b"".join(chain)


@pytest.mark.timeout(20)
def test_endless_and_enormous_page_chains_end() -> None:
    assert media.decode(tiff_chain(3)).info.frame_count == 3
    looping = media.decode(tiff_chain(3, last=12))
    assert looping.info.frame_count == 3
    many = media.decode(tiff_chain(200_000))
    assert many.incomplete_reason is Reason.FRAMES_SKIPPED
    assert many.info.frames_decoded == media.DEFAULT_LIMITS.max_frames


@pytest.mark.timeout(20)
def test_an_animation_of_very_many_tiny_frames_ends() -> None:
    head = b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\0"
    decoded = media.decode(head + frame * 500_000 + b";")
    assert decoded.incomplete_reason is Reason.FRAMES_SKIPPED
    assert decoded.info.frames_decoded == media.DEFAULT_LIMITS.max_frames


def multi_picture(frames: list[Image.Image], kind: int) -> bytes:
    """Return a multi-picture JPEG whose further pictures are of the given type."""
    data = bytearray(saved(frames, "MPO"))
    undefined = struct.pack("<I", 0)
    entries = data.index(b"MPF\0") + 54
    assert data[entries : entries + 4] == struct.pack("<I", 0x030000)
    for index in range(1, len(frames)):
        place = entries + 16 * index
        assert data[place : place + 4] == undefined
        data[place : place + 4] = struct.pack("<I", kind)
    return bytes(data)


def test_pictures_of_a_multi_frame_jpeg_are_all_given(open_photograph: Opener) -> None:
    pair = [open_photograph("motorcycle_left.png"), open_photograph("motorcycle_right.png")]
    decoded = media.decode(multi_picture(pair, 0x020002))
    assert decoded.complete
    assert decoded.info.format == "JPEG"
    assert len(decoded.frames) == 2
    for frame, original in zip(decoded.frames, pair, strict=True):
        assert np.abs(frame.pixels.astype(int) - np.asarray(original)).mean() < 6
    assert decoded.info.notes == ()


def test_gain_maps_and_previews_are_noted_and_not_taken_for_pictures(
    open_photograph: Opener,
) -> None:
    pair = [open_photograph("coffee.png"), open_photograph("coffee.png").resize((64, 64))]
    decoded = media.decode(multi_picture(pair, 0x000000))
    assert decoded.complete
    assert len(decoded.frames) == 1
    assert decoded.info.notes == ("embedded_pictures",)


def test_a_multi_frame_jpeg_with_a_lost_picture_is_incomplete(open_photograph: Opener) -> None:
    data = multi_picture([open_photograph("coffee.png")] * 2, 0x020003)
    decoded = media.decode(data[: len(data) * 2 // 3])
    assert [frame.index for frame in decoded.frames] == [0]
    assert not decoded.complete
    assert decoded.info.frame_count == 2


@pytest.mark.timeout(20)
def test_a_second_picture_of_endless_scans_is_left_out(open_photograph: Opener) -> None:
    picture = open_photograph("coffee.png").resize((2000, 1500))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", progressive=True)
    scans = buffer.getvalue()[buffer.getvalue().rindex(b"\xff\xda") : -2]
    data = bytearray(multi_picture([picture, picture], 0x020002))
    entry = data.index(b"MPF\0") + 54 + 16
    second = buffer.getvalue()[:-2] + scans * 700 + b"\xff\xd9"
    start = len(data) - struct.unpack_from("<I", data, entry + 4)[0]
    struct.pack_into("<I", data, entry + 4, len(second))
    decoded = media.decode(bytes(data[:start]) + second)
    assert [frame.index for frame in decoded.frames] == [0]
    assert decoded.incomplete_reason is Reason.TOO_MANY_PIXELS


def heif(frames: list[Image.Image], **options: Any) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    container = pillow_heif.HeifFile()
    for frame in frames:
        container.add_from_pillow(frame)
    buffer = io.BytesIO()
    container.save(buffer, **options)
    return buffer.getvalue()


def test_the_main_picture_of_a_heif_comes_first(open_photograph: Opener) -> None:
    photos = [open_photograph(n).resize((200, 160)) for n in ("coffee.png", "chelsea.png")]
    decoded = media.decode(heif(photos, quality=90, primary_index=1))
    assert decoded.info.format == "HEIF"
    assert [frame.index for frame in decoded.frames] == [1, 0]
    for frame, original in zip(decoded.frames, photos[::-1], strict=True):
        assert np.abs(frame.pixels.astype(int) - np.asarray(original)).mean() < 6


def test_heif_without_its_package_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    data = heif(numbered(1))
    monkeypatch.setitem(sys.modules, "pillow_heif.as_plugin", None)
    with pytest.raises(MediaError, match=r"hashmatch\[heif\]") as caught:
        media.decode(data)
    assert caught.value.reason is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("width", [70, 71, 72, 75, 128])
def test_a_heif_is_read_where_it_was_decoded(
    open_photograph: Opener, mode: str, width: int
) -> None:
    photo = open_photograph("coffee.png").resize((width, 61))
    if mode == "RGBA":
        photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    data = heif([photo.convert(mode)], quality=90)  # rows are padded, not always to whole pixels
    frame = media.decode(data).frames[0]
    copied = np.asarray(importlib.import_module("pillow_heif").open_heif(data).to_pillow())
    if mode == "RGBA":
        assert frame.colour is not None
        assert frame.opacity is not None
        found = np.dstack([frame.colour, frame.opacity])
    else:
        found = frame.pixels
    assert found.shape == copied.shape
    assert (found == copied).all()
    assert not frame.pixels.flags.writeable


@pytest.mark.parametrize("size", [(300, 200), (301, 203)])
@pytest.mark.parametrize("chroma", [420, 422, 444])
@pytest.mark.parametrize("orientation", [1, 2, 3, 6, 8])
def test_a_heif_decoded_by_tiles_is_the_heif_decoded_as_a_whole(
    open_photograph: Opener,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    chroma: int,
    orientation: int,
) -> None:
    photo = open_photograph("coffee.png").resize(size)
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo.info["exif"] = exif.tobytes()
    data = heif([photo], quality=70, tile_size=128, chroma=chroma)
    whole = media.decode(data).frames[0].pixels
    made: list[tuple[int, ...]] = []
    by_tiles = heif_reader._by_tiles

    def noted(*asked: Any) -> Any:
        made.append(by_tiles(*asked).shape)
        return by_tiles(*asked)

    monkeypatch.setattr(heif_reader, "LEAST_TILED", 0)
    monkeypatch.setattr(heif_reader, "_by_tiles", noted)
    assert (media.decode(data).frames[0].pixels == whole).all()
    if orientation == 1 or (size == (300, 200) and chroma != 422 and orientation != 2):
        assert made, "the tiles were not used"


def test_damaged_tiles_leave_the_answer_to_the_whole_decode(
    open_photograph: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(heif([open_photograph("coffee.png").resize((300, 200))], tile_size=128))
    place = data.index(b"mdat") + 200
    data[place : place + 400] = bytes(400)

    def answer() -> Any:
        try:
            return media.decode(data).frames[0].pixels.tobytes()
        except MediaError as error:
            return error.reason

    whole = answer()
    monkeypatch.setattr(heif_reader, "LEAST_TILED", 0)
    assert answer() == whole


def test_a_worker_has_the_library_loaded_before_it_is_locked_down() -> None:
    pytest.importorskip("pillow_heif")
    heif_reader.library.cache_clear()
    media.codec_versions()
    assert heif_reader.library.cache_info().currsize == 1
    assert heif_reader.library() is not None
