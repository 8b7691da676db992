"""Small grey planes of a picture, as Pillow's ``convert("L")`` and Lanczos ``resize`` make them.

Grey is made once for all planes of a picture. The planes of turned pictures are taken from the
picture as it lies, by mirrored filters and swapped passes; they equal those of turned pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hashmatch import kernels
from hashmatch.hashing.pixels import UNTURNED, Picture, Turn

Plane = NDArray[np.uint8]

LONGEST_CACHED = 16_384
"""Filters of longer sides take megabytes, and are made anew each time."""


@dataclass(frozen=True, slots=True)
class Request:
    """A plane of so many pixels, of the picture brought into an orientation."""

    width: int
    height: int
    way: Turn = UNTURNED


@dataclass(frozen=True, slots=True)
class _Pass:
    """One resize along one axis of the picture as it lies."""

    along_y: bool
    size: int
    mirrored: bool


def planes(picture: Picture, requests: Sequence[Request]) -> list[Plane]:
    """Return the planes asked for, each (height, width) uint8."""
    turns = [request.way.after(picture.turn) for request in requests]
    height, width = picture.base.shape[:2]
    passes = [
        _passes(height, width, request, turn) for request, turn in zip(requests, turns, strict=True)
    ]
    firsts = {first: np.empty(0, np.uint8) for first, _ in passes}
    _first_passes(picture.base, firsts)
    found = []
    for turn, (first, second) in zip(turns, passes, strict=True):
        plane = _resize(firsts[first], second)
        found.append(np.ascontiguousarray(plane.T) if turn.swap else plane)
    return found


def _passes(height: int, width: int, request: Request, turn: Turn) -> tuple[_Pass, _Pass]:
    """Return the two passes over a picture as it lies, in the order Pillow would take them.

    Since version 13, Pillow resizes along y first where the height shrinks by more than twice as
    many pixels as the width (pull request 9549); the rounding between the passes depends on it.
    """
    if turn.swap:
        height, width = width, height
    across = _Pass(turn.swap, request.width, turn.flip_y if turn.swap else turn.flip_x)
    down = _Pass(not turn.swap, request.height, turn.flip_x if turn.swap else turn.flip_y)
    shrinks = height - request.height
    if shrinks > 0 and shrinks > 2 * (width - request.width):
        return down, across
    return across, down


def _first_passes(base: NDArray[np.uint8], wanted: dict[_Pass, Plane]) -> None:
    """Fill in the first passes, which read every pixel, reading them as seldom as possible."""
    height, width, channels = base.shape
    if channels == 3 and any(one.along_y for one in wanted):
        grey = np.empty((height, width), np.uint8)
        kernels.resample.grey(base, grey, kernels.level())
        base = grey[:, :, np.newaxis]
    horizontal = [one for one in wanted if not one.along_y]
    unlike = [one for one in horizontal if not _mirrors(one, width, wanted)]
    for one in unlike:
        wanted[one] = np.empty((height, one.size), np.uint8)
    if unlike:
        filters = [_filter(width, one.size, one.mirrored) for one in unlike]
        outs = [wanted[one] for one in unlike]
        kernels.resample.across(base, filters, outs, kernels.level())
    for one in horizontal:
        if one not in unlike:
            wanted[one] = wanted[_Pass(False, one.size, False)][:, ::-1]
    for one in wanted:
        if one.along_y and not _mirrors(one, height, wanted):
            wanted[one] = _resize(base[:, :, 0], one)
    for one in wanted:
        if one.along_y and _mirrors(one, height, wanted):
            wanted[one] = wanted[_Pass(True, one.size, False)][::-1]


def _mirrors(one: _Pass, length: int, wanted: dict[_Pass, Plane]) -> bool:
    """Whether a mirrored pass only mirrors the result of another that is wanted too."""
    return (
        one.mirrored
        and _Pass(one.along_y, one.size, False) in wanted
        and _filter(length, one.size, False).symmetric
    )


def _resize(plane: Plane, one: _Pass) -> Plane:
    height, width = plane.shape
    if plane.strides[1] != 1:
        plane = np.ascontiguousarray(plane)
    rows = plane[:, :, np.newaxis]
    if one.along_y:
        resized = np.empty((one.size, width), np.uint8)
        by = _filter(height, one.size, one.mirrored)
        kernels.resample.down(rows, by, resized, kernels.level())
    else:
        resized = np.empty((height, one.size), np.uint8)
        by = _filter(width, one.size, one.mirrored)
        kernels.resample.across(rows, [by], [resized], kernels.level())
    return resized


def _filter(size_in: int, size_out: int, mirrored: bool) -> kernels.resample.Filter:
    if size_in > LONGEST_CACHED:
        return kernels.resample.Filter(size_in, size_out, mirrored)
    return _cached_filter(size_in, size_out, mirrored)


@lru_cache(maxsize=64)
def _cached_filter(size_in: int, size_out: int, mirrored: bool) -> kernels.resample.Filter:
    return kernels.resample.Filter(size_in, size_out, mirrored)
