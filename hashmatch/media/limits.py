"""What is refused before it is decoded: the one home of the defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields

from hashmatch.media import sniff

# A container's frames are counted no further than this: the count alone must not take long.
MOST_FRAMES = 10_000
# Longer sides cannot be hashed (kernels.pdq.LARGEST_SIZE).
LONGEST_SIDE = 1 << 18
# What a picture may cost however little data is behind it: blank pages of 600 dpi are common.
_FREE_BYTES = 200_000_000
# Bytes of memory a pixel takes at the peak, by mode; by format where the decoder takes more.
_COSTS = {"1": 2, "L": 2, "P": 5, "RGB": 8}
_COST_OF_OTHERS = 12
_COSTLY = {sniff.WEBP: 16, sniff.AVIF: 10, sniff.HEIF: 8}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one input may cost. All are checked before pixels are allocated.

    Parameters
    ----------
    max_bytes : int
        Largest input, in bytes.
    max_pixels : int
        Most pixels of one picture, and of all decoded frames of one input together. Decoding
        takes 4 bytes a pixel for colour, 1 for grey, and up to 16 for rarer kinds.
    max_frames : int
        Most frames or pages decoded of one input: the first, and others evenly spread over the
        rest. Frames left out make the answer incomplete, never clean.
    max_pixels_on_the_way : int
        Most pixels to go through for one input. An animation's frames between sampled ones have
        to be built too, so those that lie further in are left out. A progressive JPEG that goes
        over its picture so often is refused.
    max_pixels_per_byte : int
        Most pixels for each byte of the input, for a picture that would take more than 200 MB to
        decode: a header of a few bytes can claim any size. No JPEG, and no PNG in colour, reaches
        the default unless it is cut short; no photograph in any format comes near it.

    Raises
    ------
    ValueError
        If a bound is not positive, or ``max_frames`` is above 10,000.
    """

    max_bytes: int = 256 * 2**20
    max_pixels: int = 120_000_000
    max_frames: int = 16
    max_pixels_on_the_way: int = 2_000_000_000
    max_pixels_per_byte: int = 2_000

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ValueError(f"{field.name} must be at least 1")
        if self.max_frames > MOST_FRAMES:
            raise ValueError(f"max_frames must be at most {MOST_FRAMES}")

    def pixels_behind(self, size: int, name: str, mode: str) -> int:
        """Return how many pixels a picture may have with so little data behind it.

        Parameters
        ----------
        size : int
            Length of the input in bytes.
        name : str
            Its format.
        mode : str
            The mode Pillow gives the picture; empty where it is not known yet.
        """
        cost = _COSTLY.get(name) or _COSTS.get(mode, _COST_OF_OTHERS)
        return max(size * self.max_pixels_per_byte, _FREE_BYTES // cost)


DEFAULT_LIMITS = Limits()
