"""What is refused before it is decoded: the one home of the defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields

# A container's frames are counted no further than this: the count alone must not take long.
MOST_FRAMES = 10_000


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

    Raises
    ------
    ValueError
        If a bound is not positive, or ``max_frames`` is above 10,000.
    """

    max_bytes: int = 256 * 2**20
    max_pixels: int = 120_000_000
    max_frames: int = 16
    max_pixels_on_the_way: int = 2_000_000_000

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ValueError(f"{field.name} must be at least 1")
        if self.max_frames > MOST_FRAMES:
            raise ValueError(f"max_frames must be at most {MOST_FRAMES}")


DEFAULT_LIMITS = Limits()
