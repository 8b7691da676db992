"""The frames of a container: how many there are, and how to reach each."""

from __future__ import annotations

import numpy as np
from PIL.ImageFile import ImageFile

from hashmatch.media import extents, sniff
from hashmatch.media.extents import Extent
from hashmatch.media.limits import MOST_FRAMES, Limits
from hashmatch.media.plugins import Jpeg, open_reader

# Formats whose frames stand alone, so a late one costs no more than the first.
_INDEPENDENT = {sniff.JPEG, sniff.TIFF, sniff.HEIF}
_SUB_DIRECTORIES = 330


class Pages:
    """The frames of one opened container.

    Parameters
    ----------
    name : str
        Its format.
    data : bytes
        The whole input.
    image : ImageFile
        A reader that has read the header.
    extent : Extent or None
        What a walk over the container found, unless it is damaged.

    Attributes
    ----------
    image : ImageFile
        Its reader.
    total : int
        How many there are, at most ``MOST_FRAMES``.
    claimed : int
        How many the container says it has.
    independent : bool
        Whether each can be decoded without those before it.
    notes : list of str
        What was unusual.
    several_files : bool
        Whether more pictures, each a file of its own, rightly follow the first.
    """

    def __init__(self, name: str, data: bytes, image: ImageFile, extent: Extent | None) -> None:
        self._name, self._data, self.image = name, data, image
        self._parts: list[slice] = []
        self.notes: list[str] = []
        self.several_files = False
        self.independent = name in _INDEPENDENT
        self._passes = extent.passes if extent else 1
        found = extent.frames if extent else None
        self._largest = extent.largest if extent and extent.largest else (0, 0)
        if name == sniff.TIFF and _SUB_DIRECTORIES in getattr(image, "tag_v2", ()):
            self.notes.append("embedded_pictures")  # camera raw files hold the full picture there
        if name == sniff.JPEG:
            self._read_multi_picture_index()
            self.claimed = self.total = 1 + len(self._parts)
        elif name in (sniff.GIF, sniff.TIFF):  # counting by their readers can take minutes
            self.claimed = self.total = found or 1
        else:
            self.claimed = getattr(image, "n_frames", 1)
            self.total = min(self.claimed, found or MOST_FRAMES, MOST_FRAMES)
        self.first: int = image.tell()

    def sample(self, limits: Limits) -> list[int]:
        """Return the frames to decode: the one shown first, others evenly over the rest."""
        width, height = map(max, self.image.size, self._largest)
        size = max(1, width * height)
        reachable = self.total
        if not self.independent:
            reachable = min(reachable, max(1, limits.max_pixels_on_the_way // size))
        most = min(reachable, limits.max_frames, max(1, limits.max_pixels // size))
        spread = np.linspace(0, reachable - 1, most).round().astype(int).tolist()
        if self.first in spread:
            spread.remove(self.first)
        else:
            spread.pop()
        return [self.first, *spread]

    @property
    def alone(self) -> bool:
        """Whether no reader is used for a second frame, so that it need not keep the first."""
        return self.total == 1 or self._name == sniff.JPEG

    def reader(self, index: int) -> ImageFile:
        """Return a reader that stands at a frame."""
        if self._name == sniff.JPEG and index:
            return open_reader(sniff.JPEG, self._data[self._parts[index - 1]])
        self.image.seek(index)
        return self.image

    def passes(self, index: int) -> int:
        """Return how often decoding a frame goes over the whole of it."""
        if self._name == sniff.JPEG and index:
            return extents.measure(sniff.JPEG, self._data[self._parts[index - 1]]).passes
        return self._passes

    def _read_multi_picture_index(self) -> None:
        """Find the other pictures of a multi-picture JPEG (CIPA DC-007).

        Only those of a multi-frame set (stereo, panorama, several angles) are pictures a viewer
        may show; previews and gain maps, which many phones append, belong to the first one.
        """
        if not isinstance(self.image, Jpeg) or "mp" not in self.image.info:
            return
        base = self.image.info["mpoffset"]
        try:
            entries = (self.image._getmp() or {}).get(0xB002, [])
            others = 0
            for entry in entries[1:]:
                if str(entry["Attribute"]["MPType"]).startswith("Multi-Frame"):
                    start = base + entry["DataOffset"]
                    self._parts.append(slice(start, start + entry["Size"]))
                else:
                    others += 1
        except (SyntaxError, LookupError, TypeError, ValueError):
            self.notes.append("picture_index_unreadable")
            return
        self.several_files = bool(entries)
        if others:
            self.notes.append("embedded_pictures")
