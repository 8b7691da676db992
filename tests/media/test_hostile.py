"""Damaged, enormous and lying inputs: always an answer, the honest one, and cheaply."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import threading
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from hashmatch import media
from hashmatch.errors import MediaError
from hashmatch.types import Reason

Opener = Callable[[str], Image.Image]

WRITERS: dict[str, dict[str, Any]] = {
    "jpeg": {"format": "JPEG"},
    "jpeg progressive": {"format": "JPEG", "progressive": True},
    "png": {"format": "PNG"},
    "gif": {"format": "GIF"},
    "webp": {"format": "WEBP"},
    "webp lossless": {"format": "WEBP", "lossless": True},
    "bmp": {"format": "BMP"},
    "tiff": {"format": "TIFF"},
    "tiff lzw": {"format": "TIFF", "compression": "tiff_lzw"},
    "avif": {"format": "AVIF", "speed": 10},
}


def encoded(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def samples(open_photograph: Opener) -> dict[str, bytes]:
    picture = open_photograph("chelsea.png").resize((150, 100))
    return {name: encoded(picture, **options) for name, options in WRITERS.items()}


def outcome(
    data: bytes | bytearray, limits: media.Limits = media.DEFAULT_LIMITS
) -> Reason | media.Decoded:
    """Return the decoded pictures or the reason there are none; anything else is a failure."""
    try:
        return media.decode(data, limits)
    except MediaError as error:
        return error.reason


def test_what_is_no_picture() -> None:
    assert outcome(b"") is Reason.EMPTY
    assert outcome(bytearray()) is Reason.EMPTY
    for data in (b"x", b"only text", b"BMW is a brand of cars, not a bitmap", bytes(1000)):
        assert outcome(data) is Reason.NOT_AN_IMAGE, data
    for data in (b"\xff\xd8", b"\x89PNG", b"GIF", b"II*", b"BM"):
        assert outcome(data) is Reason.TRUNCATED, data


@pytest.mark.parametrize(
    ("name", "head"),
    [("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n"), ("JPEG XL", b"\xff\x0a\xfa\x1f"),
     ("SVG", b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>"),
     ("Windows icon", b"\0\0\1\0\1\0\x20\x20"), ("PDF", b"%PDF-1.7\n"),
     ("MP4", b"\0\0\0\x20ftypisom\0\0\2\0"), ("WebM", b"\x1a\x45\xdf\xa3\x01"),
     ("Photoshop", b"8BPS\0\1" + bytes(20)), ("netpbm", b"P6\n2 2\n255\n")],
)  # fmt: skip
def test_known_but_undecoded_formats_are_named(name: str, head: bytes) -> None:
    with pytest.raises(MediaError, match=name) as caught:
        media.decode(head + bytes(100))
    assert caught.value.reason is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize("name", WRITERS)
def test_the_name_of_the_format_is_only_believed_if_the_rest_follows(
    samples: dict[str, bytes], name: str
) -> None:
    data = samples[name]
    for keep in (18, 32):
        reason = outcome(data[:keep] + bytes(300))
        assert isinstance(reason, Reason), keep
        assert reason not in (Reason.NOT_AN_IMAGE, Reason.EMPTY)


@pytest.mark.parametrize("name", WRITERS)
def test_a_picture_cut_anywhere_is_never_taken_for_whole(
    samples: dict[str, bytes], name: str
) -> None:
    data = samples[name]
    whole = media.decode(data)
    assert whole.complete
    assert whole.info.notes == ()
    for keep in {*range(14, 200, 7), *range(200, len(data), max(1, len(data) // 60))}:
        found = outcome(data[:keep])
        if isinstance(found, media.Decoded):  # only what comes behind the pixels is missing
            assert np.array_equal(found.frames[0].pixels, whole.frames[0].pixels), keep
            # a TIFF has no end mark
            assert "end_missing" in found.info.notes or name.startswith("tiff"), keep
        else:
            assert found is Reason.TRUNCATED, keep


def test_a_damaged_picture_is_corrupt_not_truncated(samples: dict[str, bytes]) -> None:
    data = bytearray(samples["png"])
    place = data.index(b"IDAT") + 40
    data[place : place + 30] = bytes(30)
    assert outcome(bytes(data)) is Reason.CORRUPT
    assert outcome(b"\x89PNG\r\n\x1a\n" + bytes(200)) is Reason.CORRUPT


@pytest.mark.parametrize("part", [b"IDAT", b"IEND", b"IHDR"])
def test_a_png_without_its_parts_is_no_black_picture(
    samples: dict[str, bytes], part: bytes
) -> None:
    found = outcome(samples["png"].replace(part, b"teXt"))
    if part == b"IEND":
        assert isinstance(found, media.Decoded)
        assert found.frames[0].pixels.any()
    else:
        assert found in (Reason.CORRUPT, Reason.TRUNCATED)


def test_kinds_of_a_format_that_are_not_decoded_say_so() -> None:
    picture = encoded(Image.new("RGB", (16, 16)), format="JPEG")
    lossless = picture.replace(b"\xff\xc0", b"\xff\xc3")
    twelve_bits = picture.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c")
    assert outcome(twelve_bits) is Reason.UNSUPPORTED_FORMAT
    assert isinstance(outcome(lossless), Reason)


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "webp", "bmp", "avif"])
@pytest.mark.parametrize("tail", [b"PK\3\4 a zip archive", b"\xff\xd9\xff\xd9", b"<script>"])
def test_data_behind_a_picture_is_noted_and_changes_no_pixel(
    samples: dict[str, bytes], name: str, tail: bytes
) -> None:
    decoded = media.decode(samples[name] + tail)
    assert decoded.complete
    assert decoded.info.notes == ("trailing_data",)
    alone = media.decode(samples[name])
    assert np.array_equal(decoded.frames[0].pixels, alone.frames[0].pixels)
    assert media.decode(samples[name] + bytes(64)).info.notes == (), "padding is no data"


def test_metadata_a_reader_stumbles_over_does_not_hide_the_picture(
    samples: dict[str, bytes],
) -> None:
    png = samples["png"]
    bad_profile = b"iCCP" + b"name\0\7 no compression method 7"
    chunk = struct.pack(">I", len(bad_profile) - 4) + bad_profile
    chunk += struct.pack(">I", zlib.crc32(bad_profile))
    wrong_sum = struct.pack(">I", 4) + b"gAMA" + bytes(4) + b"\1\2\3\4"
    for extra in (chunk, wrong_sum):
        decoded = media.decode(png[:33] + extra + png[33:])
        assert decoded.info.notes == ("metadata_unreadable",)
        assert np.array_equal(decoded.frames[0].pixels, media.decode(png).frames[0].pixels)
    jpeg = samples["jpeg"]
    block = b"Photoshop 3.0\0" + b"8BIM\x03\xed"
    segment = b"\xff\xed" + struct.pack(">H", len(block) + 2) + block
    decoded = media.decode(jpeg[:2] + segment + jpeg[2:])
    assert decoded.complete
    assert np.array_equal(decoded.frames[0].pixels, media.decode(jpeg).frames[0].pixels)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 2), (7, 3)])
def test_extreme_shapes_are_decoded(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    for kind in ("PNG", "BMP", "TIFF", "JPEG", "WEBP", "GIF"):
        decoded = media.decode(encoded(Image.fromarray(pixels), format=kind))
        assert (decoded.info.width, decoded.info.height) == size, kind


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the data with some bytes changed, a piece cut out, doubled or filled."""
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(0, len(damaged)))
        length = int(rng.integers(1, 40))
        match int(rng.integers(0, 5)):
            case 0:
                damaged[place] = int(rng.integers(0, 256))
            case 1:
                damaged[place] ^= 1 << int(rng.integers(0, 8))
            case 2:
                del damaged[place : place + length]
            case 3:
                damaged[place:place] = damaged[place : place + length]
            case _:
                fill = b"\xff" if rng.integers(0, 2) else b"\0"
                damaged[place : place + length] = fill * len(damaged[place : place + length])
        if not damaged:
            break
    return bytes(damaged)


def answer_mutants(samples: dict[str, bytes], count: int, seed: int) -> Counter[str]:
    rng = np.random.default_rng(seed)
    answers: Counter[str] = Counter()
    limits = media.Limits(max_pixels=4_000_000)
    for index in range(count):
        data = samples[list(samples)[index % len(samples)]]
        # damage near the beginning reaches the headers, where the parsers are
        head = int(rng.integers(40, 400)) if index % 2 else len(data)
        found = outcome(mutated(data[:head], rng) + data[head:], limits)
        answers["decoded" if isinstance(found, media.Decoded) else found.value] += 1
    return answers


def test_mutants_are_answered(samples: dict[str, bytes]) -> None:
    answers = answer_mutants(samples, 600, seed=7)
    assert sum(answers.values()) == 600
    assert answers["decoded"] > 50, answers
    assert answers[Reason.CORRUPT] > 50, answers


@pytest.mark.heavy
def test_ten_thousand_mutants_are_answered(samples: dict[str, bytes]) -> None:
    animated = [Image.new("RGB", (40, 30), (9 * i, 99, 255 - 9 * i)) for i in range(6)]
    more = {
        f"{kind} animated": encoded(
            animated[0], format=kind, save_all=True, append_images=animated[1:]
        )
        for kind in ("GIF", "PNG", "WEBP", "TIFF", "AVIF", "MPO")
    }
    answers = answer_mutants(samples | more, 10_000, seed=11)
    assert sum(answers.values()) == 10_000
    assert answers["decoded"] > 1000, answers


HEADS = (
    b"\xff\xd8\xff\xe0",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"RIFF\x24\0\0\0WEBPVP8X",
    b"BM",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"\0\0\0\x1cftypavif",
    b"\0\0\0\x18ftypheic",
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(HEADS), st.binary(max_size=300))
def test_any_bytes_behind_any_head_are_answered(head: bytes, rest: bytes) -> None:
    limits = media.Limits(max_pixels=1_000_000)
    assert isinstance(outcome(head + rest, limits), media.Decoded | Reason)


def png_header(width: int, height: int, *, rows: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def tiff(width: int, height: int, *more: tuple[int, int, int, int]) -> bytes:
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 5),
               (262, 3, 1, 1), (277, 3, 1, 1), *more]  # fmt: skip
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries)
    return b"II*\0\x08\0\0\0" + body + bytes(4) + bytes(64)


def jpeg_of(width: int, height: int) -> bytes:
    data = encoded(Image.new("RGB", (16, 16)), format="JPEG")
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", height, width) + data[place + 4 :]


def bombs() -> dict[str, bytes]:
    """Return small files that claim, or truly hold, very many pixels."""
    gif = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(6)
    gif += b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x4c\x01\0;"
    webp = encoded(
        Image.new("RGBA", (16, 16)), format="WEBP", save_all=True,
        append_images=[Image.new("RGBA", (16, 16), "red")],
    )  # fmt: skip
    webp = webp[:24] + b"\xff\x3f\0" * 2 + webp[30:]
    bmp = encoded(Image.new("RGB", (16, 16)), format="BMP")
    return {
        "png header": png_header(20_000, 20_000),
        "png of zeros": png_header(13_300, 13_300, rows=bytes(40_000_000)),
        "png wide": png_header(2**31 - 1, 1),
        "gif": gif,
        "webp": webp,
        "jpeg": jpeg_of(65_500, 65_500),
        "bmp": bmp[:18] + struct.pack("<ii", 1_000_000, 1_000_000) + bmp[26:],
        "tiff": tiff(200_000, 200_000, (273, 4, 1, 100), (278, 4, 1, 200_000), (279, 4, 1, 64)),
        "tiff of one tile": tiff(
            16, 16, (322, 4, 1, 65_520), (323, 4, 1, 65_520), (324, 4, 1, 100), (325, 4, 1, 64)
        ),
        "tiff of one strip": tiff(
            16, 16, (273, 4, 1, 100), (278, 4, 1, 2**32 - 1), (279, 4, 1, 2**32 - 1)
        ),
    }


LIES = {"tiff of one tile", "tiff of one strip"}


def test_bombs_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    """In a process that may take 300 MB more than it has after importing."""
    names = list(bombs())
    for name, data in bombs().items():
        (tmp_path / name).write_bytes(data)
    script = tmp_path / "script.py"
    script.write_text(
        "import resource, sys\n"
        "from hashmatch import media\n"
        "from hashmatch.errors import MediaError\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + 300 * 2**20,) * 2)\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        media.decode(media.read_bytes(name))\n"
        "        print('decoded')\n"
        "    except MediaError as error:\n"
        "        print(error.reason)\n"
    )
    run = subprocess.run(
        [sys.executable, script, *names], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    found = dict(zip(names, run.stdout.split(), strict=True))
    for name, reason in found.items():
        if name in LIES:
            assert reason in (Reason.CORRUPT, Reason.TRUNCATED, Reason.TOO_MANY_PIXELS), name
        else:
            assert reason == Reason.TOO_MANY_PIXELS, name


@pytest.mark.timeout(20)
def test_a_jpeg_of_endless_scans_is_refused(open_photograph: Opener) -> None:
    picture = open_photograph("coffee.png").resize((2000, 1500))
    data = encoded(picture, format="JPEG", progressive=True)
    assert isinstance(outcome(data), media.Decoded)
    last = data.rindex(b"\xff\xda")
    bomb = data[:last] + data[last:-2] * 700 + data[-2:]
    assert outcome(bomb) is Reason.TOO_MANY_PIXELS
    assert media.decode_fast(bomb) is None


@pytest.mark.timeout(20)
def test_frames_that_enlarge_a_gif_beyond_the_limit_are_left_out() -> None:
    head = b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    small = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\0"
    large = b"," + struct.pack("<HHHHB", 0, 0, 13_000, 13_000, 0) + b"\x02\x02\x4c\x01\0"
    decoded = media.decode(head + small * 3 + large + b";")
    assert decoded.info.frames_decoded == 1
    assert decoded.incomplete_reason is Reason.FRAMES_SKIPPED


def test_limits_are_exact(samples: dict[str, bytes]) -> None:
    data = samples["png"]
    assert isinstance(outcome(data, media.Limits(max_pixels=150 * 100)), media.Decoded)
    too_many = outcome(data, media.Limits(max_pixels=150 * 100 - 1))
    assert too_many is Reason.TOO_MANY_PIXELS
    assert isinstance(outcome(data, media.Limits(max_bytes=len(data))), media.Decoded)
    assert outcome(data, media.Limits(max_bytes=len(data) - 1)) is Reason.TOO_MANY_BYTES


@pytest.mark.parametrize("name", ["max_bytes", "max_pixels", "max_frames", "max_pixels_on_the_way"])
def test_limits_that_make_no_sense_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        media.Limits(**{name: 0})
    with pytest.raises(ValueError, match="max_frames"):
        media.Limits(max_frames=10_001)


def test_running_out_of_memory_is_not_taken_for_damage(
    samples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("hashmatch.media.decoding.open_reader", exhausted)
    with pytest.raises(MemoryError):
        media.decode(samples["png"])


def test_messages_hold_no_content(samples: dict[str, bytes]) -> None:
    data = samples["png"].replace(b"IDAT", b"SECR", 1)
    for damaged in (data, b"\x89PNG\r\n\x1a\n\0\0\0\0SE" + bytes(3) + b"CRET"):
        with pytest.raises(MediaError) as caught:
            media.decode(damaged)
        assert "SEC" not in str(caught.value)


def test_what_is_printed_of_a_picture_holds_no_pixels(samples: dict[str, bytes]) -> None:
    assert "array" not in repr(media.decode(samples["png"]))


def test_bytes_of_every_kind_give_the_same(samples: dict[str, bytes]) -> None:
    data = samples["jpeg"]
    for same in (bytearray(data), memoryview(data), memoryview(bytearray(data))):
        decoded = media.decode(same)
        assert np.array_equal(decoded.frames[0].pixels, media.decode(data).frames[0].pixels)


def test_threads_do_not_disturb_each_other(samples: dict[str, bytes]) -> None:
    expected = {name: media.decode(data).frames[0].pixels for name, data in samples.items()}
    wrong: list[str] = []

    def work(shift: int) -> None:
        names = list(samples)
        for name in names[shift:] + names[:shift]:
            for data in (samples[name], samples[name][:-20]):
                found = outcome(data)
                if data is samples[name] and not (
                    isinstance(found, media.Decoded)
                    and np.array_equal(found.frames[0].pixels, expected[name])
                ):
                    wrong.append(name)

    threads = [threading.Thread(target=work, args=(shift,)) for shift in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("name", ["jpeg", "png", "bmp", "tiff", "tiff lzw", "gif", "avif"])
def test_the_host_programs_pixel_limit_does_not_matter(
    samples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert media.decode(samples[name]).complete


@pytest.mark.parametrize("name", ["jpeg", "png", "bmp", "gif"])
def test_a_host_program_that_tolerates_damage_gets_no_clean_answer(
    samples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = samples[name]
    found = outcome(data[: len(data) * 2 // 3])
    if isinstance(found, media.Decoded):
        assert found.incomplete_reason is Reason.TRUNCATED
        assert "damage_tolerated" in found.info.notes
    else:
        assert found is Reason.TRUNCATED
    assert media.decode(data).complete


def test_codec_versions_name_what_decides_pixels() -> None:
    versions = media.codec_versions()
    assert {"pillow", "libjpeg-turbo", "libwebp", "libtiff", "libavif"} <= versions.keys()
    assert all(isinstance(version, str) and version for version in versions.values())
