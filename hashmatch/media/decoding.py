"""The one canonical decode: bytes to upright 8-bit pictures, or a typed refusal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from PIL import Image, ImageFile

from hashmatch.errors import MediaError
from hashmatch.media import alpha, extents, sniff
from hashmatch.media.alpha import Pixels
from hashmatch.media.decoded import Decoded, Frame
from hashmatch.media.extents import Extent
from hashmatch.media.limits import DEFAULT_LIMITS, LONGEST_SIDE, Limits
from hashmatch.media.metadata import without_metadata
from hashmatch.media.orientation import orientation_of, turned
from hashmatch.media.pages import Pages
from hashmatch.media.pixels import load_pixels
from hashmatch.media.plugins import open_reader
from hashmatch.types import MediaInfo, Reason

# What readers say about valid pictures of a kind they cannot read, as opposed to broken ones.
_UNSUPPORTED = re.compile(r"unknown pixel mode|cannot handle|not (yet )?supported|[Uu]nsupported")

# Reasons that damaged metadata may give, though the picture is sound.
_PERHAPS_METADATA = {Reason.CORRUPT, Reason.TRUNCATED, Reason.UNSUPPORTED_FORMAT}


def decode(data: bytes | bytearray | memoryview, limits: Limits = DEFAULT_LIMITS) -> Decoded:
    """Decode an image file held in memory.

    Parameters
    ----------
    data : bytes-like
        The file as it was received. Nothing of it is written anywhere.
    limits : Limits
        What is refused before any pixel is allocated.

    Returns
    -------
    Decoded
        Upright pictures by the rules of ``docs/decoding.md``. If some frames could not be
        decoded, or were left out by a limit, ``incomplete_reason`` says so.

    Raises
    ------
    MediaError
        If there is no picture to give; ``reason`` says why. Nothing else but ``MemoryError``
        is raised, whatever the data.
    """
    if not len(data):
        raise MediaError(Reason.EMPTY, "the input holds no bytes")
    if len(data) > limits.max_bytes:
        raise MediaError(
            Reason.TOO_MANY_BYTES,
            f"the input has {len(data)} bytes, more than the limit of {limits.max_bytes}; "
            "raise max_bytes to decode it",
        )
    data = bytes(data)
    name = sniff.sniff(data)
    try:
        return Decoding(name, data, limits).run()
    except MediaError as error:
        lean = without_metadata(name, data) if error.reason in _PERHAPS_METADATA else None
        if lean is None:
            raise
        try:
            decoded = Decoding(name, lean, limits).run()
        except MediaError:
            raise error from None
    info = replace(decoded.info, notes=(*decoded.info.notes, "metadata_unreadable"))
    return replace(decoded, info=info)


class Decoding:
    """One input on its way from bytes to pictures."""

    def __init__(self, name: str, data: bytes, limits: Limits) -> None:
        self.name = name
        self.data = data
        self.limits = limits
        self.notes: list[str] = []
        self.extent = self._measure()

    def run(self) -> Decoded:
        """Decode the frames there are, as far as the limits allow."""
        pages = self.open()
        frames: list[Frame] = []
        failure: MediaError | None = None
        room = self.limits.max_pixels
        for index in pages.sample(self.limits):
            try:
                with self.edge():
                    reader = pages.reader(index)
                    self._check_size(reader.size, reader.mode)
                    self.check_work(reader.size, pages.passes(index))
                    room -= reader.size[0] * reader.size[1]
                    if room < 0:
                        break
                    colour, opacity = load_pixels(reader, self.name, only=pages.alone)
                    frames.append(self.upright(index, reader, colour, opacity))
            except MediaError as error:
                failure = failure or error
                if not pages.independent:
                    break  # what follows is built upon this frame
        try:
            if not frames:
                assert failure is not None
                raise failure
            return self.result(frames, pages, failure.reason if failure else None)
        finally:
            del failure  # it leads back to this call, and so would keep the pixels with it

    def first_part(self) -> Decoded:
        """Decode the first picture as far as its data goes; the rest stays as it was made, flat.

        For formats whose readers write row by row, or strip by strip, into the memory they keep.

        Raises
        ------
        MediaError
            If not even the header can be read, or the picture is larger than the limits.
        """
        pages = self.open()
        with self.edge():
            reader = pages.reader(pages.first)
            reason: Reason | None = None
            try:
                with self.edge():
                    reader.load()
            except MediaError as error:  # what came before the failure is in the reader's memory
                reason = error.reason
            reader.tile = []
            reader.load_end()
            colour, opacity = load_pixels(reader, self.name, only=False)
            frame = self.upright(pages.first, reader, colour, opacity)
        return self.result([frame], pages, reason)

    def open(self) -> Pages:
        """Read the header and find the frames; no pixel is decoded.

        Raises
        ------
        MediaError
            If the input is not understood, or larger than the limits.
        """
        if self.extent and self.extent.canvas:
            self._check_size(self.extent.canvas, "")
        with self.edge():
            image = open_reader(self.name, self.data)
            self._check_size(image.size, image.mode)
            pages = Pages(self.name, self.data, image, self.extent)
        self.notes += pages.notes
        return pages

    def _measure(self) -> Extent | None:
        try:
            return extents.measure(self.name, self.data)
        except ValueError:
            self.notes.append("structure_damaged")
            return None

    def _check_size(self, size: tuple[int, ...], mode: str) -> None:
        width, height = size
        behind = self.limits.pixels_behind(len(self.data), self.name, mode)
        if width * height > self.limits.max_pixels:
            limit = f"the limit of {self.limits.max_pixels}; raise max_pixels to decode it"
        elif max(width, height) > LONGEST_SIDE:
            limit = f"{LONGEST_SIDE} along a side; cut it into parts"
        elif width * height > behind:
            limit = f"{len(self.data)} bytes can hold; raise max_pixels_per_byte to decode it"
        else:
            return
        raise MediaError(
            Reason.TOO_MANY_PIXELS,
            f"the picture has {width} x {height} pixels, more than {limit}",
        )

    def check_work(self, size: tuple[int, int], passes: int) -> None:
        """Refuse a picture whose decoding would go over it too often."""
        if passes > 1 and passes * size[0] * size[1] > self.limits.max_pixels_on_the_way:
            raise MediaError(
                Reason.TOO_MANY_PIXELS,
                f"the {self.name} goes over its picture {passes} times, more than the limit of "
                f"{self.limits.max_pixels_on_the_way} pixels allows; raise max_pixels_on_the_way",
            )

    def upright(
        self, index: int, reader: ImageFile.ImageFile, colour: Pixels, opacity: Pixels | None = None
    ) -> Frame:
        """Return a decoded picture as it is to be shown."""
        try:
            orientation = orientation_of(reader.info)
        except ValueError:
            self._note("exif_unreadable")
            orientation = 1
        colour = _frozen(turned(colour, orientation))
        if opacity is None:
            return Frame(index, colour)
        opacity = _frozen(turned(opacity, orientation))
        return Frame(index, alpha.over(colour, opacity, 255), colour, opacity)

    def result(self, frames: list[Frame], pages: Pages, reason: Reason | None = None) -> Decoded:
        """Return the frames with what was learnt about the input."""
        failed = reason is not None
        if self.extent is None:
            pass
        elif self.extent.end is not None:
            if not pages.several_files and self.data[self.extent.end :].strip(b"\0"):
                self._note("trailing_data")
        elif self.extent.only_end_missing or (
            pages.claimed == 1 and not failed and not ImageFile.LOAD_TRUNCATED_IMAGES
        ):
            self._note("end_missing")
        else:
            reason = reason or Reason.TRUNCATED
        if ImageFile.LOAD_TRUNCATED_IMAGES:  # set by the host program, for all of Pillow
            self._note("damage_tolerated")
        if reason is None and len(frames) < pages.total:
            reason = Reason.FRAMES_SKIPPED
        height, width = frames[0].pixels.shape[:2]
        info = MediaInfo(self.name, width, height, pages.total, len(frames), tuple(self.notes))
        return Decoded(frames, info, reason)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    @contextmanager
    def edge(self) -> Iterator[None]:
        """Turn whatever a foreign decoder raises into a refusal with a reason."""
        try:
            yield
        except (MediaError, MemoryError):
            raise
        except Exception as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> MediaError:
        # a reader's own message may quote the file, so only its kind is repeated
        kind = type(error).__name__
        if isinstance(error, Image.DecompressionBombError):
            return MediaError(
                Reason.TOO_MANY_PIXELS, f"a frame of this {self.name} is larger than can be decoded"
            )
        if isinstance(error, NotImplementedError) or _UNSUPPORTED.search(str(error)):
            return MediaError(
                Reason.UNSUPPORTED_FORMAT,
                f"this kind of {self.name} is not decoded ({kind}); convert it to another format",
            )
        if self.extent and self.extent.end is None and not self.extent.only_end_missing:
            return MediaError(
                Reason.TRUNCATED,
                f"the {self.name} data ends before the picture does ({kind}); get a whole copy",
            )
        return MediaError(
            Reason.CORRUPT, f"the {self.name} data is damaged ({kind}); get an intact copy"
        )


def _frozen(pixels: Pixels) -> Pixels:
    pixels.flags.writeable = False
    return pixels
