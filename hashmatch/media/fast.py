"""The short way from a JPEG to grey pixels, for hashes that only look at brightness.

A JPEG keeps brightness apart from colour, and in frequencies. So the colour need not be decoded,
and of a large picture only the low frequencies, which gives it at a half, a quarter or an eighth
of its size. The pixels differ a little from those of the full decode; ``docs/decoding.md`` states
by how much, and the rule by which a hash of them is accepted.
"""

from __future__ import annotations

import numpy as np

from hashmatch.errors import MediaError
from hashmatch.media import sniff
from hashmatch.media.alpha import Pixels
from hashmatch.media.decoded import Decoded
from hashmatch.media.decoding import Decoding
from hashmatch.media.limits import DEFAULT_LIMITS, Limits
from hashmatch.media.pixels import load_pixels

LEAST_SIDE = 512
"""The shorter side, in pixels, that a picture is not scaled below."""

FRAGILE_WITHIN = 0.5
"""A PDQ coefficient so near to the median may fall on its other side in the full decode."""

MOST_FRAGILE = 12
"""A PDQ hash with more such coefficients is computed again from the full decode.

Both numbers come from ``bench/decoding.py --drift``: over photographs the bits that differ were all
much nearer to the median, and the pictures that drift far are flat or regular patterns, in which
very many coefficients lie there.
"""

_SCALES = (8, 4, 2)
# one byte repeated over an integer: writing the integer writes the byte that many times
_REPEATED = {2: (np.uint16, 0x0101), 4: (np.uint32, 0x01010101), 8: (np.uint64, 0x0101010101010101)}


def decode_fast(
    data: bytes | bytearray | memoryview,
    limits: Limits = DEFAULT_LIMITS,
    least_side: int = LEAST_SIDE,
) -> Decoded | None:
    """Decode the brightness of a JPEG, scaled while decoding where it is large.

    Parameters
    ----------
    data : bytes-like
        The file.
    limits : Limits
        What is refused.
    least_side : int
        The picture is decoded at the smallest of 1/1, 1/2, 1/4 and 1/8 of its size at which its
        shorter side keeps so many pixels.

    Returns
    -------
    Decoded or None
        One frame of grey pixels of the picture's full size, upright: what was decoded at a
        fraction is enlarged by repeating pixels, so a hash is computed over the same geometry.
        ``None`` where :func:`decode` has to be used: for anything but a grey or three-component
        JPEG with one picture, and for inputs that are damaged or beyond the limits.
    """
    if not 0 < len(data) <= limits.max_bytes or bytes(data[:3]) != b"\xff\xd8\xff":
        return None
    work = Decoding(sniff.JPEG, bytes(data), limits)
    try:
        pages = work.open()
        image = pages.image
        if pages.total > 1 or image.mode not in ("L", "RGB"):
            return None
        work.check_work(image.size, pages.passes(0))
        width, height = image.size
        scale = next((s for s in _SCALES if min(width, height) // s >= least_side), 1)
        with work.edge():
            image.draft("L", (width // scale, height // scale))
            grey, _ = load_pixels(image, sniff.JPEG, only=True)
    except MediaError:
        return None
    grey = _enlarged(grey, scale)[:height, :width]
    return work.result([work.upright(0, image, grey)], pages)


def _enlarged(grey: Pixels, scale: int) -> Pixels:
    """Return the picture with every pixel repeated ``scale`` times in both directions."""
    if scale == 1:
        return grey
    kind, factor = _REPEATED[scale]
    wide: Pixels = (grey.astype(kind) * kind(factor)).view(np.uint8)
    return wide.repeat(scale, axis=0)
