"""Pillow's own test pictures, hostile ones among them: an answer to each, and nothing else."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from hashmatch import media
from hashmatch.errors import MediaError
from hashmatch.types import Reason

ACCEPTED = {"JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF"}


@pytest.mark.timeout(120)
def test_every_file_is_decoded_or_refused_with_a_reason(
    corpus: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    outcomes: Counter[str] = Counter()
    with caplog.at_level(logging.CRITICAL, logger="PIL"):
        for path in corpus:
            data = path.read_bytes()
            try:
                decoded = media.decode(data)
            except MediaError as error:
                outcomes[error.reason] += 1
                continue
            outcomes["decoded"] += 1
            assert decoded.info.format in ACCEPTED, path
            assert len(decoded.frames) == decoded.info.frames_decoded >= 1, path
            assert decoded.complete == (
                decoded.info.frames_decoded == decoded.info.frame_count
                and decoded.incomplete_reason is None
            ), path
            for frame in decoded.frames:
                for pixels in (frame.pixels, *(pixels for _, pixels in frame.variants)):
                    assert pixels.dtype == np.uint8, path
                    assert pixels.ndim == 2 or pixels.shape[2:] == (3,), path
                    assert pixels.size, path
                    assert not pixels.flags.writeable, path
    assert sum(outcomes.values()) == len(corpus) > 1000
    assert outcomes["decoded"] > 650, outcomes
    assert outcomes[Reason.TRUNCATED] > 4, outcomes
    assert outcomes[Reason.CORRUPT] > 4, outcomes
    assert outcomes[Reason.TOO_MANY_PIXELS] >= 3, outcomes


def test_plain_pictures_are_those_pillow_gives(corpus: list[Path]) -> None:
    """Where Pillow's own conversion is right, ours gives the same pixels."""
    compared = 0
    for path in corpus:
        if path.suffix not in (".jpg", ".png", ".bmp", ".webp", ".avif", ".gif", ".tif", ".tiff"):
            continue
        if path.name == "xmp_tags_orientation.avif":
            continue  # here the container's own orientation outranks XMP, as in browsers
        try:
            decoded = media.decode(path.read_bytes())
            with Image.open(path) as opened:
                opened.load()
                if opened.mode not in ("L", "RGB", "CMYK", "YCbCr", "P", "1"):
                    continue
                if opened.has_transparency_data:
                    continue
                upright = ImageOps.exif_transpose(opened)
        except (
            MediaError,
            OSError,
            ValueError,
            SyntaxError,
            Warning,
            Image.DecompressionBombError,
        ):
            continue
        pixels = decoded.frames[0].pixels
        expected = np.asarray(upright.convert("L" if pixels.ndim == 2 else "RGB"))
        assert np.array_equal(pixels, expected), path
        compared += 1
    assert compared > 300


def test_nothing_is_printed_and_memory_is_bounded(corpus: list[Path], tmp_path: Path) -> None:
    """In a process of its own, that may take 1 GiB more than it starts with."""
    script = tmp_path / "decode_all.py"
    script.write_text(
        "import resource, sys\n"
        "from hashmatch import media\n"
        "from hashmatch.errors import MediaError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for path in sys.stdin.buffer.read().split(b'\\0'):\n"
        "    try:\n"
        "        media.decode(media.read_bytes(path))\n"
        "    except MediaError:\n"
        "        continue\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    names = b"\0".join(str(path).encode() for path in corpus)
    run = subprocess.run([sys.executable, script], input=names, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    assert run.stderr == b""
    assert int(run.stdout) < 400 * 1024, "KiB"


def test_broken_exif_does_not_fail_the_picture(corpus: list[Path]) -> None:
    by_name: dict[str, Callable[[], media.Decoded]] = {
        path.name: lambda path=path: media.decode(path.read_bytes())  # type: ignore[misc]
        for path in corpus
    }
    for name in ("invalid-exif.jpg", "truncated_exif_dpi.jpg"):
        decoded = by_name[name]()
        assert decoded.complete
        assert "exif_unreadable" in decoded.info.notes
