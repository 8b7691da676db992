"""A thumbnail left behind by an editor is an input of its own."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hashmatch as hm
from hashmatch.media.thumbnail import exif_thumbnail
from hashmatch.scan import ScanOptions, scan

Opener = Callable[[str], Image.Image]


def jpeg(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


def exif_with(thumbnail: bytes, order: str) -> bytes:
    """Return an EXIF block whose second directory holds a thumbnail."""
    kind: Any = "little" if order == "II" else "big"

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, kind)

    def tag(tag_number: int, value: int) -> bytes:
        return number(tag_number, 2) + number(4, 2) + number(1, 4) + number(value, 4)

    first = number(0, 2) + number(14, 4)
    second = number(2, 2) + tag(0x0201, 44) + tag(0x0202, len(thumbnail)) + number(0, 4)
    return b"Exif\0\0" + order.encode() + number(42, 2) + number(8, 4) + first + second + thumbnail


@pytest.fixture
def edited(open_photograph: Opener) -> dict[str, bytes]:
    """Return pictures whose thumbnails show a known picture."""
    small = jpeg(open_photograph("astronaut.png").resize((256, 256)))
    return {
        order: jpeg(open_photograph("ihc.png"), exif=exif_with(small, order))
        for order in ("II", "MM")
    }


@pytest.mark.parametrize("order", ["II", "MM"])
def test_the_thumbnail_is_found(edited: dict[str, bytes], order: str) -> None:
    thumbnail = exif_thumbnail(edited[order])
    assert thumbnail is not None
    with Image.open(io.BytesIO(thumbnail)) as opened:
        assert opened.size == (256, 256)


def test_what_has_none_gives_none(open_photograph: Opener, edited: dict[str, bytes]) -> None:
    assert exif_thumbnail(b"") is None
    assert exif_thumbnail(b"\xff\xd8") is None
    assert exif_thumbnail(jpeg(open_photograph("ihc.png"))) is None
    plain = io.BytesIO()
    open_photograph("ihc.png").save(plain, "PNG")
    assert exif_thumbnail(plain.getvalue()) is None


@pytest.mark.parametrize("order", ["II", "MM"])
def test_damage_is_survived(edited: dict[str, bytes], order: str) -> None:
    whole = edited[order]
    for place in range(2, 140):
        for value in (0x00, 0x7F, 0xFF):
            damaged = bytearray(whole)
            damaged[place] = value
            exif_thumbnail(damaged)
        exif_thumbnail(whole[:place])


@pytest.mark.parametrize("isolation", ["inline", "workers"])
def test_a_thumbnail_is_scanned_beside_its_picture(
    matcher: hm.Matcher, tmp_path: Path, edited: dict[str, bytes], isolation: str,
    read_records: Callable[[Path], list[dict[str, Any]]],
) -> None:  # fmt: skip
    (tmp_path / "edited.jpg").write_bytes(edited["II"])
    options = ScanOptions(isolation=isolation, workers=1)
    summary = scan(matcher, [str(tmp_path / "edited.jpg")], tmp_path / "run", options)
    thumbnail, picture = read_records(tmp_path / "run")
    assert thumbnail["path"] == f"{tmp_path}/edited.jpg!exif-thumbnail"
    assert (thumbnail["kind"], thumbnail["verdict"]) == ("thumbnail", "match")
    assert (picture["kind"], picture["verdict"]) == ("file", "no_match")
    assert summary.kinds == {"file": 1, "thumbnail": 1}
    options = ScanOptions(isolation=isolation, workers=1, thumbnails=False)
    scan(matcher, [str(tmp_path / "edited.jpg")], tmp_path / "without", options)
    assert len(read_records(tmp_path / "without")) == 1
