"""What decoding gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from hashmatch.media import alpha
from hashmatch.media.alpha import Pixels
from hashmatch.types import MediaInfo, Reason


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture, upright, as 8-bit grey or sRGB.

    Parameters
    ----------
    index : int
        Which frame or page of the input it is, from 0.
    pixels : (H, W) or (H, W, 3) uint8
        The picture as it is shown; over white where it is transparent. Read-only, and often a
        view with strides of its own: turned pictures are not copied.
    colour : (H, W) or (H, W, 3) uint8, optional
        Of a transparent picture, its colours without regard to opacity.
    opacity : (H, W) uint8, optional
        Of a transparent picture, 0 (invisible) to 255.
    """

    index: int
    pixels: Pixels = field(repr=False)  # what is printed ends in logs
    colour: Pixels | None = field(default=None, repr=False)
    opacity: Pixels | None = field(default=None, repr=False)

    @cached_property
    def variants(self) -> list[tuple[str, Pixels]]:
        """Other pictures a transparent one may have been seen as, made when first asked for.

        ``alpha_dropped`` has its colours without regard to opacity, as software shows it that
        ignores opacity; ``on_black`` has it over black. One that equals another is left out.
        """
        if self.colour is None or self.opacity is None:
            return []
        found = [("alpha_dropped", self.colour)]
        found.append(("on_black", alpha.over(self.colour, self.opacity, 0)))
        different: list[tuple[str, Pixels]] = []
        for name, pixels in found:
            known = [self.pixels, *(earlier for _, earlier in different)]
            if not any(_same(pixels, other) for other in known):
                different.append((name, pixels))
        return different


def _same(one: Pixels, other: Pixels) -> bool:
    """Whether two pictures are equal; compared by rows, for most differ early."""
    return one.shape == other.shape and all(map(np.array_equal, one, other))


@dataclass(frozen=True, eq=False)
class Decoded:
    """The pictures of one input.

    Parameters
    ----------
    frames : list of Frame
        At least one; in the order of the input.
    info : MediaInfo
        Facts about the input, without pixels.
    incomplete_reason : Reason or None
        Why not every frame was decoded, if so.
    """

    frames: list[Frame]
    info: MediaInfo
    incomplete_reason: Reason | None = None

    @property
    def complete(self) -> bool:
        """Whether everything in the input was decoded."""
        return self.incomplete_reason is None
