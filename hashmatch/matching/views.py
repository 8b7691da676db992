"""What an upload may have been before it was cropped, framed, captioned or slightly turned.

A hash list holds hashes, not pictures, so nothing can be done about the known picture: it is the
upload that is looked at in many ways, each of which undoes one change that is common. All ways
are samples of one small blurred copy of the upload (``src_ext/probes``), so a further way costs
some ten microseconds, and its search is the dearer part.

==================  ===========================================================================
way                 undoes
==================  ===========================================================================
resampled           shrinking: the same picture, blurred like a larger one
extended-S          a crop of share S on all sides: the edge is continued outwards
extended-SIDE-S     a crop on one side
turned-D            a turn by D degrees that kept the size and filled the corners
straightened-D      a turn by D degrees whose empty corners were cut away
mirrored-S          a mirrored picture, cropped by share S
trimmed-N           a uniform border, a letterbox
part-N              a bar with text above or below, a screenshot around the picture
continued           a file cut short: what could be read is continued over what is missing
==================  ===========================================================================
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hashmatch import hashing, kernels
from hashmatch.matching.borders import Box, content_boxes, readable_rows
from hashmatch.types import HashValue, Orientation

Pixels = NDArray[np.uint8]
Samples = NDArray[np.float32]

LARGEST_PLANE = 640  # pixels along the longer side of the small copy
LEAST_SIZE = 32  # pixels along the shorter side of a picture that is worth looking at in other ways
EXTENSIONS = (0.011, 0.022, 0.034, 0.056)
ONE_SIDED = 0.11
TURNS = (1.25, 2.5, 3.75)
STRAIGHTENED = (2.0,)
MIRRORED = (0.022, 0.045)
TRIMMED_EXTENSION = 0.034

_KINDS = ("resampled", "extended", "turned", "straightened", "mirrored", "trimmed", "part",
          "continued")  # fmt: skip
# The ways that are also worth a search at the second, larger radius; see docs/matching.md.
WIDE = frozenset(
    [
        "canonical",
        "continued",
        "extended-0.034",
        "extended-0.056",
        "trimmed-0",
        "trimmed-0-extended-0.034",
    ]
    + [f"extended-{side}-{ONE_SIDED}" for side in ("left", "right", "top", "bottom")]
)


def is_view(variant: str) -> bool:
    """Say whether a variant is one of these ways, rather than a picture of the upload itself."""
    return variant.startswith(_KINDS)


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at a picture, over [0, 1] x [0, 1] of it.

    Parameters
    ----------
    name : str
        How a hit names it.
    top, bottom, left, right : float
        What is looked at; outside 0..1 the nearest point of the edge counts.
    degrees : float
        A turn about the middle, counter-clockwise.
    orientation : Orientation
        ``flip_x`` if left and right are swapped.
    """

    name: str
    top: float = 0.0
    bottom: float = 1.0
    left: float = 0.0
    right: float = 1.0
    degrees: float = 0.0
    orientation: Orientation = Orientation.ORIGINAL


def looked_at(pixels: Pixels, types: Sequence[str]) -> Iterator[tuple[str, Orientation, HashValue]]:
    """Hash a picture in every way there is besides as it stands.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8
        The picture, of any strides.
    types : sequence of str
        Perceptual hash types.

    Yields
    ------
    str, Orientation, HashValue
        The way, the orientation and the value.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_SIZE:
        return
    block = -(-max(height, width) // LARGEST_PLANE)
    plane = _plane(pixels, block)
    whole = Box(0, height, 0, width)
    yield from _hashes(plane, block, pixels, whole, _whole_views(width / height), types)
    for number, (kind, box) in enumerate(content_boxes(plane)):
        inside = Box(
            box.top * block,
            min(box.bottom * block, height),
            box.left * block,
            min(box.right * block, width),
        )
        views = [View(f"{kind}-{number}")]
        if kind == "trimmed":
            views.append(_extended(TRIMMED_EXTENSION, f"{kind}-{number}-"))
        yield from _hashes(plane, block, pixels, inside, views, types)


def continued(pixels: Pixels, types: Sequence[str]) -> Iterator[tuple[str, Orientation, HashValue]]:
    """Hash a picture whose lower part is missing as if its last rows went on.

    Gives what :func:`looked_at` gives, and nothing if no part of the picture is missing.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_SIZE:
        return
    block = -(-max(height, width) // LARGEST_PLANE)
    plane = _plane(pixels, block)
    bottom = min(readable_rows(plane) * block, height)
    if bottom < height:
        there = Box(0, bottom, 0, width)
        views = [View("continued", bottom=height / bottom)]
        yield from _hashes(plane, block, pixels, there, views, types)


def _whole_views(aspect: float) -> list[View]:
    far = 1 + ONE_SIDED
    return [
        View("resampled"),
        *(_extended(share) for share in EXTENSIONS),
        View(f"extended-left-{ONE_SIDED}", left=-ONE_SIDED),
        View(f"extended-right-{ONE_SIDED}", right=far),
        View(f"extended-top-{ONE_SIDED}", top=-ONE_SIDED),
        View(f"extended-bottom-{ONE_SIDED}", bottom=far),
        *(View(f"turned{turn:+g}", degrees=turn) for d in TURNS for turn in (d, -d)),
        *(_straightened(turn, aspect) for d in STRAIGHTENED for turn in (d, -d)),
        *(
            View(f"mirrored-{s}", -s, 1 + s, 1 + s, -s, orientation=Orientation.FLIP_X)
            for s in MIRRORED
        ),
    ]


def _extended(share: float, prefix: str = "") -> View:
    return View(f"{prefix}extended-{share}", -share, 1 + share, -share, 1 + share)


def _straightened(degrees: float, aspect: float) -> View:
    """Undo a turn after which the largest upright part without empty corners was kept."""
    angle = math.radians(abs(degrees))
    lost = (math.cos(angle) + max(aspect, 1 / aspect) * math.sin(angle) - 1) / 2
    return View(f"straightened{degrees:+g}", -lost, 1 + lost, -lost, 1 + lost, degrees)


def _plane(pixels: Pixels, block: int) -> Samples:
    """Return the mean luma of blocks of pixels."""
    height, width = pixels.shape[:2]
    stacked = pixels[..., None] if pixels.ndim == 2 else pixels
    in_order = stacked.shape[2] <= stacked.strides[1] <= 4 and stacked.strides[2] == 1
    if not in_order:  # turned by its EXIF orientation, say
        stacked = np.ascontiguousarray(stacked)
    plane = np.empty((-(-height // block), -(-width // block)), np.float32)
    kernels.probes.reduce(stacked, block, plane)
    return plane


def _hashes(
    plane: Samples,
    block: int,
    pixels: Pixels,
    box: Box,
    views: Sequence[View],
    types: Sequence[str],
) -> Iterator[tuple[str, Orientation, HashValue]]:
    """Hash the views of one box of the picture, given in pixels."""
    height, width = pixels.shape[:2]
    side, samples_side = kernels.probes.GRID, kernels.probes.SIDE
    grid = np.empty((side, side), np.float32)
    kernels.probes.grid(plane, block, height, width, box.top, box.bottom, box.left, box.right, grid)
    aspect = (box.right - box.left) / (box.bottom - box.top)
    wanted = np.array([(v.top, v.bottom, v.left, v.right, v.degrees, aspect) for v in views])
    samples = np.empty((len(views), samples_side, samples_side), np.float32)
    kernels.probes.sample(grid, wanted, samples)
    others = [name for name in types if name != "pdq"]
    for view, sampled in zip(views, samples, strict=True):
        if "pdq" in types:
            yield view.name, view.orientation, hashing.pdq_of_samples(sampled)
        if others:
            picture = np.clip(sampled + 0.5, 0, 255).astype(np.uint8)
            for value in hashing.compute(picture, others).values():
                yield view.name, view.orientation, value
