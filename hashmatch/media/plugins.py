"""Pillow's readers, one per accepted format, made predictable.

They are constructed directly instead of through ``Image.open``, which would consult every
installed plugin, warn instead of refusing, and depend on the host program's settings. Where a
reader parses metadata nobody here needs, and fails on it, that parsing is left out.
"""

from __future__ import annotations

import ctypes
import io
import logging
import re
import warnings
from collections.abc import Callable

from PIL import ExifTags, Image, ImageCms, _imaging, features
from PIL import __version__ as pillow_version
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from hashmatch.errors import MediaError
from hashmatch.media import heif, sniff
from hashmatch.types import Reason

# Pillow prints remarks on damaged metadata as warnings. Under "error" filters they would turn a
# sound picture into a failed one; suppressing them per call (catch_warnings) is not thread-safe.
_REMARKS = r"PIL\.((Tiff|Png|Gif)ImagePlugin|Image)$"
_REMARKS_FILTER = ("ignore", None, Warning, re.compile(_REMARKS), 0)


class Jpeg(JpegImageFile):
    """A JPEG reader that leaves EXIF alone, so a damaged block cannot fail the picture."""

    def _read_dpi_from_exif(self) -> None:
        """Not needed."""


class Tiff(TiffImageFile):
    """A TIFF reader that gives pages as stored; they are turned like every other picture."""

    def load_prepare(self) -> None:
        """Make the picture's memory, bounded by our limits instead of the host program's."""
        if self._im is None:
            self.im = _imaging.new(self.mode, self._tile_size)
        super().load_prepare()

    def load_end(self) -> None:
        """Undo the swap of width and height for a turn that Pillow would do here."""
        self._size = self.im.size
        stated = self.tag_v2.get(ExifTags.Base.Orientation)
        self.info["container_orientation"] = stated if stated in range(1, 9) else 1


class Avif(AvifImageFile):
    """An AVIF reader that takes the orientation from the container, whatever the EXIF says."""

    def _open(self) -> None:
        try:
            super()._open()
        except Exception:
            if not hasattr(self, "is_animated"):  # the container itself was not understood
                raise
            self.seek(0)
        self.info["container_orientation"] = self._decoder.get_info()[5]


def _heif(stream: io.BytesIO) -> ImageFile:
    try:
        from pillow_heif.as_plugin import HeifImageFile
    except ImportError as error:
        raise MediaError(
            Reason.UNSUPPORTED_FORMAT,
            "HEIC and HEIF need an extra package; run: pip install 'hashmatch[heif]'",
        ) from error
    image: ImageFile = HeifImageFile(stream)  # type: ignore[no-untyped-call]
    image.info["container_orientation"] = 1  # libheif has turned it already
    return image


_READERS: dict[str, Callable[[io.BytesIO], ImageFile]] = {
    sniff.JPEG: Jpeg,
    sniff.PNG: PngImageFile,
    sniff.GIF: GifImageFile,
    sniff.WEBP: WebPImageFile,
    sniff.BMP: BmpImageFile,
    sniff.TIFF: Tiff,
    sniff.AVIF: Avif,
    sniff.HEIF: _heif,
}


def open_reader(name: str, data: bytes) -> ImageFile:
    """Return the reader of a format, with the header read and no pixel decoded.

    Raises
    ------
    Exception
        Whatever the reader raises; the caller gives it a reason.
    """
    _ignore_remarks()
    return _READERS[name](io.BytesIO(data))


def codec_versions() -> dict[str, str]:
    """Return the decoders in use, by name, with their versions.

    A codec library that is linked into Pillow decides what pixels a file gives, so these belong
    into the provenance of every hash value.
    """
    found: dict[str, str | None] = {
        "pillow": pillow_version,
        "libjpeg-turbo": features.version_feature("libjpeg_turbo") or features.version("jpg"),
        "zlib": features.version_feature("zlib_ng") or features.version("zlib"),
        "libwebp": features.version("webp"),
        "libtiff": features.version("libtiff"),
        "libavif": features.version("avif"),
        "littlecms": features.version("littlecms2"),
    }
    try:
        import pillow_heif
    except ImportError:
        found["libheif"] = None
    else:
        found["pillow-heif"] = pillow_heif.__version__
        found["libheif"] = pillow_heif.libheif_version()
        heif.library()  # while files can still be opened
    return {name: version for name, version in found.items() if version}


def lab_to_rgb(image: Image.Image) -> Image.Image:
    """Return a CIELAB picture as sRGB."""
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB").apply(image)


def _ignore_remarks() -> None:
    if _REMARKS_FILTER not in warnings.filters:
        warnings.filterwarnings("ignore", module=_REMARKS)


def _silence_libtiff() -> None:
    """Stop libtiff printing its remarks on damaged files straight to standard error.

    Redirecting the descriptor during a call would swallow other threads' output, so the library
    is told once. Where it cannot be found its remarks stay, which does no harm.
    """
    try:
        library = ctypes.CDLL(_imaging.__file__)
        library.TIFFSetWarningHandler(None)
        library.TIFFSetErrorHandler(None)
    except (AttributeError, OSError):
        return


_silence_libtiff()
# without any handler, Pillow's log of odd files would go to standard error
logging.getLogger("PIL").addHandler(logging.NullHandler())
