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
    """A plane of so many pixels of the turned picture."""

    width: int
    height: int
    turn: Turn = UNTURNED


@dataclass(frozen=True, slots=True)
class _Pass:
    """One resize along one axis of the picture as it lies."""

    along_y: bool
    size: int
    mirrored: bool


def planes(picture: Picture, requests: Sequence[Request]) -> list[Plane]:
    """Return the planes asked for, each (height, width) uint8."""
    firsts, seconds = {}, []
    for request in requests:
        first, second = _passes(picture, request)
        firsts[first] = np.empty(0, np.uint8)
        seconds.append((first, second))
    _first_passes(picture, firsts)
    found = []
    for request, (first, second) in zip(requests, seconds, strict=True):
        plane = _resize(firsts[first], second)
        found.append(np.ascontiguousarray(plane.T) if request.turn.swap else plane)
    return found


def _passes(picture: Picture, request: Request) -> tuple[_Pass, _Pass]:
    """Return the two passes of a request in the order Pillow would take them.

    Since version 13, Pillow resizes along y first where the height shrinks by more than twice as
    many pixels as the width (pull request 9549); the rounding between the passes depends on it.
    """
    turn = request.turn
    height, width = picture.height, picture.width
    if turn.swap:
        height, width = width, height
    across = _Pass(turn.swap, request.width, turn.flip_y if turn.swap else turn.flip_x)
    down = _Pass(not turn.swap, request.height, turn.flip_x if turn.swap else turn.flip_y)
    shrinks = height - request.height
    if shrinks > 0 and shrinks > 2 * (width - request.width):
        return down, across
    return across, down


def _first_passes(picture: Picture, wanted: dict[_Pass, Plane]) -> None:
    """Fill in the first passes, which read every pixel, reading them as seldom as possible."""
    rows, channels = picture.rows, picture.channels
    if channels == 3 and any(one.along_y for one in wanted):
        grey = np.empty((picture.height, picture.width), np.uint8)
        kernels.resample.grey(rows, grey, kernels.level())
        rows, channels = grey, 1
    horizontal = [one for one in wanted if not one.along_y]
    unlike = [one for one in horizontal if not _mirrors(one, picture.width, wanted)]
    for one in unlike:
        wanted[one] = np.empty((picture.height, one.size), np.uint8)
    if unlike:
        filters = [_filter(picture.width, one.size, one.mirrored) for one in unlike]
        outs = [wanted[one] for one in unlike]
        kernels.resample.across(rows, channels, filters, outs, kernels.level())
    for one in horizontal:
        if one not in unlike:
            wanted[one] = wanted[_Pass(False, one.size, False)][:, ::-1]
    for one in wanted:
        if one.along_y and not _mirrors(one, picture.height, wanted):
            wanted[one] = _resize(rows, one)
    for one in wanted:
        if one.along_y and _mirrors(one, picture.height, wanted):
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
    if one.along_y:
        resized = np.empty((one.size, width), np.uint8)
        rows = plane if plane.strides[1] == 1 else np.ascontiguousarray(plane)
        by = _filter(height, one.size, one.mirrored)
        kernels.resample.down(rows, by, resized, kernels.level())
        return resized
    resized = np.empty((height, one.size), np.uint8)
    rows = plane if plane.strides[1] == 1 else np.ascontiguousarray(plane)
    by = _filter(width, one.size, one.mirrored)
    kernels.resample.across(rows, 1, [by], [resized], kernels.level())
    return resized


def _filter(size_in: int, size_out: int, mirrored: bool) -> kernels.resample.Filter:
    if size_in > LONGEST_CACHED:
        return kernels.resample.Filter(size_in, size_out, mirrored)
    return _cached_filter(size_in, size_out, mirrored)


@lru_cache(maxsize=64)
def _cached_filter(size_in: int, size_out: int, mirrored: bool) -> kernels.resample.Filter:
    return kernels.resample.Filter(size_in, size_out, mirrored)
