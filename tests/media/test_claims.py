"""Files that claim a large picture with next to nothing behind it."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zlib
from typing import Any

import pytest
from PIL import Image

from hashmatch import kernels, media
from hashmatch.errors import MediaError
from hashmatch.media.limits import LONGEST_SIDE
from hashmatch.types import Reason

CLAIMED = 10_900  # along each side: just within max_pixels


# decodes what it is given, one file a line, with 64 MB to do it in
_TIGHT = """
import json, resource, sys
from hashmatch import media
from hashmatch.errors import MediaError
from hashmatch.types import Reason
media.codec_versions()
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + (64 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
found = []
for line in sys.stdin:
    data = bytes.fromhex(line)
    try:
        media.decode(data)
    except MediaError as error:
        found.append(error.reason.value)
    for reason in (Reason.TRUNCATED, Reason.CORRUPT):
        found.append(media.salvage(data, reason) is None)
print(json.dumps(found))
"""


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def claiming(kind: str, width: int = CLAIMED, height: int = CLAIMED) -> bytes:
    """Return a small file whose header says it is that large."""
    ramp = Image.linear_gradient("L")
    if kind == "JPEG":
        data = bytearray(saved(ramp.convert("RGB"), kind))
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    elif kind == "GIF":
        picture = ramp.convert("P")
        picture.putpalette(bytes(part for grey in range(256) for part in (grey, 99, 0)))
        data = bytearray(saved(picture, kind))
        struct.pack_into("<HH", data, 6, width, height)
    elif kind == "BMP":
        data = bytearray(saved(ramp.convert("RGB"), kind))
        struct.pack_into("<ii", data, 18, width, height)
        del data[2000:]
    elif kind == "PNG":
        data = bytearray(saved(ramp.convert("RGB"), kind))
        struct.pack_into(">II", data, 16, width, height)
        struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    else:
        data = bytearray(saved(Image.new("RGB", (16, 16)), kind, lossless=True))
        assert data[12:16] == b"VP8L"  # of one colour, so it is the same for every size
        struct.pack_into("<I", data, 21, width - 1 | (height - 1) << 14 | data[24] >> 4 << 28)
    return bytes(data)


def reason_of(data: bytes, **limits: int) -> Reason:
    with pytest.raises(MediaError) as refused:
        media.decode(data, media.Limits(**limits))
    return refused.value.reason


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP", "PNG", "WEBP"])
def test_a_size_that_nothing_stands_behind_is_refused(kind: str) -> None:
    data = claiming(kind)
    assert len(data) < 10_000
    assert reason_of(data) is Reason.TOO_MANY_PIXELS
    assert media.salvage(data, Reason.TRUNCATED) is None
    assert media.salvage(data, Reason.CORRUPT) is None


def test_the_message_names_the_limit_that_was_met() -> None:
    with pytest.raises(MediaError, match="max_pixels_per_byte"):
        media.decode(claiming("JPEG"))
    with pytest.raises(MediaError, match="raise max_pixels "):
        media.decode(claiming("JPEG", 20_000, 20_000))


def test_the_limit_can_be_raised() -> None:
    data = claiming("GIF", 5_000, 10_000)
    assert reason_of(data) is Reason.TOO_MANY_PIXELS
    decoded = media.decode(data, media.Limits(max_pixels_per_byte=50_000))
    assert decoded.frames[0].pixels.shape[:2] == (10_000, 5_000)


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS bounds nothing elsewhere")
def test_refusing_and_salvaging_them_takes_next_to_no_memory() -> None:
    kinds = ("JPEG", "GIF", "BMP", "PNG", "WEBP")
    lines = "\n".join(claiming(kind).hex() for kind in kinds)
    lines += "\n" + claiming("PNG", 1, 100_000_000).hex()  # a hundred million lines
    ended = subprocess.run(
        [sys.executable, "-c", _TIGHT], input=lines, capture_output=True, text=True, check=True
    )
    assert json.loads(ended.stdout) == ["too_many_pixels", True, True] * 6


@pytest.mark.parametrize(("width", "height"), [(LONGEST_SIDE + 1, 1), (1, LONGEST_SIDE + 1)])
def test_a_side_too_long_to_hash_is_refused_as_too_many_pixels(width: int, height: int) -> None:
    assert kernels.pdq.LARGEST_SIZE == LONGEST_SIDE
    assert reason_of(saved(Image.new("L", (width, height)), "PNG")) is Reason.TOO_MANY_PIXELS
    fitting = Image.new("L", (min(width, LONGEST_SIDE), min(height, LONGEST_SIDE)))
    assert media.decode(saved(fitting, "PNG")).complete


def test_a_blank_page_of_a_scanner_is_decoded() -> None:
    page = saved(Image.new("1", (4960, 7016), 1), "TIFF", compression="group4")
    assert 2_000 * len(page) < 4960 * 7016
    decoded = media.decode(page)
    assert decoded.complete
    assert (decoded.frames[0].pixels == 255).all()


def test_a_blank_photograph_of_a_camera_is_decoded() -> None:
    black = saved(Image.new("RGB", (6000, 4000)), "JPEG")
    assert media.decode(black).complete


def test_less_than_a_row_of_samples_is_not_salvaged() -> None:
    ramp = Image.radial_gradient("L").resize((640, 640)).convert("RGB")
    whole = saved(ramp, "BMP")
    row = 640 * 3
    assert media.salvage(whole[: 54 + 9 * row], Reason.TRUNCATED) is None
    assert media.salvage(whole[: 54 + 10 * row], Reason.TRUNCATED) is not None
