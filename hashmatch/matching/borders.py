"""Where the picture proper lies inside an upload: without its border, letterbox or caption bar.

Works on the small plane of :mod:`hashmatch.matching.views`, by the profiles of its rows and
columns. Two signs are looked for: rows that are flat and alike from a side inwards (a border), and
single lines along which most neighbours differ at once (the edge of a bar with text on it, of a
picture within a screenshot). A sign can mislead, so each box is only a further view to search,
never a replacement of the picture as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hashmatch.kernels import probes as kernel

Plane = NDArray[np.float32]
Profile = NDArray[np.float32]

# A row counts as border while its deviation and its distance from the outermost row's mean stay
# below one of these: the first fits clean borders, the second ones that JPEG has smeared.
TOLERANCES = (4.0, 14.0)
DEEPEST = 0.45  # a border takes less than this share of a side's length
STEP = 10.0  # grey levels between neighbours that count as differing
LINE_SHARE = 0.55  # share of a line's neighbours that must differ ...
LINE_CONTRAST = 0.35  # ... and by how much that must exceed the share around the line
MOST_LINES = 4  # per direction
MOST_PARTS = 4
SMALLEST_SIDE = 0.2  # of the whole, for a part between lines
SMALLEST_AREA = 0.12
NEAR = 1.5  # rows or columns between boxes that are taken for the same one


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a plane, in its rows and columns; the sides may lie between them."""

    top: float
    bottom: float
    left: float
    right: float

    def near(self, other: Box) -> bool:
        """Say whether two boxes are the same but for a row or two."""
        return (
            max(
                abs(self.top - other.top),
                abs(self.bottom - other.bottom),
                abs(self.left - other.left),
                abs(self.right - other.right),
            )
            <= NEAR
        )


def content_boxes(plane: Plane) -> list[tuple[str, Box]]:
    """Return parts that may be the picture proper, most likely first, by name.

    ``trimmed`` is without a flat border, ``part`` lies between lines. The plane as a whole is
    never among them.
    """
    height, width = plane.shape
    whole = Box(0, height, 0, width)
    if min(height, width) < 16:
        return []
    rows, columns = _profiles(plane, whole)
    found: list[tuple[str, Box]] = []
    candidates = [("trimmed", _trimmed(plane, rows, columns, t)) for t in TOLERANCES]
    candidates += [("part", box) for box in _parts(rows, columns)]
    for name, box in candidates:
        if not any(box.near(known) for known in (whole, *(known for _, known in found))):
            found.append((name, box))
    return found


def readable_rows(plane: Plane) -> float:
    """Return how many rows of a file cut short hold picture; all, if no flat rest follows them."""
    rows, _ = _profiles(plane, Box(0, plane.shape[0], 0, plane.shape[1]))
    return len(plane) - _depth(rows[::-1], TOLERANCES[0], deepest=1)


def _profiles(plane: Plane, box: Box) -> tuple[Profile, Profile]:
    top, bottom, left, right = (round(v) for v in (box.top, box.bottom, box.left, box.right))
    rows = np.empty((bottom - top, 3), np.float32)
    columns = np.empty((right - left, 3), np.float32)
    kernel.profiles(plane, top, bottom, left, right, STEP, rows, columns)
    return rows, columns


def _trimmed(plane: Plane, rows: Profile, columns: Profile, tolerance: float) -> Box:
    """Peel flat rows, then flat columns of what is left, then rows again."""
    height, width = plane.shape
    top, bottom = _depth(rows, tolerance), _depth(rows[::-1], tolerance)
    inside = Box(int(top), height - int(bottom), 0, width)
    if top or bottom:
        _, columns = _profiles(plane, inside)
    left, right = _depth(columns, tolerance), _depth(columns[::-1], tolerance)
    if (left or right) and not (top and bottom):
        rows, _ = _profiles(plane, Box(0, height, int(left), width - int(right)))
        top, bottom = top or _depth(rows, tolerance), bottom or _depth(rows[::-1], tolerance)
    return Box(top, height - bottom, left, width - right)


def _depth(lines: Profile, tolerance: float, deepest: float = DEEPEST) -> float:
    """Return how many of the first lines are border; between two where the edge falls in one."""
    means, deviations = lines[:, 0], lines[:, 1]
    first = float(means[:2].mean())
    content = (deviations >= tolerance) | (np.abs(means - first) >= tolerance)
    depth = int(content.argmax())
    if depth < 2 or not content.any() or depth > deepest * len(lines):
        return 0.0
    # smearing starts before the edge: the edge is where the lines change most
    low, high = max(0, depth - 2), min(len(lines) - 1, depth + 6)
    change = np.abs(np.diff(means[low : high + 1])) + np.abs(np.diff(deviations[low : high + 1]))
    most = int(change.argmax())
    around = slice(max(0, most - 1), most + 2)
    weights = change[around]
    places = np.arange(len(change))[around] + 1
    return low + float((weights * places).sum() / weights.sum())


def _parts(rows: Profile, columns: Profile) -> list[Box]:
    """Return the parts between lines across the plane, largest first."""
    down, across = _cuts(rows[:, 2]), _cuts(columns[:, 2])
    if len(down) + len(across) == 4:  # only the outer sides
        return []
    height, width = down[-1], across[-1]
    boxes = [
        Box(top, bottom, left, right)
        for top, bottom in combinations(down, 2)
        for left, right in combinations(across, 2)
        if bottom - top >= SMALLEST_SIDE * height
        and right - left >= SMALLEST_SIDE * width
        and (bottom - top) * (right - left) >= SMALLEST_AREA * height * width
    ]
    boxes.sort(key=lambda box: (box.top - box.bottom) * (box.right - box.left))
    return [box for box in boxes if box != Box(0, height, 0, width)][:MOST_PARTS]


def _cuts(shares: NDArray[np.float32]) -> list[float]:
    """Return both ends and, between them, the lines along which most neighbours differ."""
    length = len(shares)
    margin = round(0.02 * length)
    lines = np.flatnonzero(shares >= LINE_SHARE)
    lines = lines[(lines >= margin) & (lines < length - margin)]
    reach = np.concatenate([np.arange(-8, -2), np.arange(3, 9)])
    around = np.clip(lines[:, None] + reach, 0, length - 1)
    contrast = np.zeros(length, np.float32)
    contrast[lines] = shares[lines] - np.median(shares[around], axis=1)
    cuts: list[float] = []
    while len(cuts) < MOST_LINES and contrast.max() >= LINE_CONTRAST:
        line = int(contrast.argmax())
        cuts.append(line + 1.0)  # the step spans three rows; the edge is before the second
        contrast[max(0, line - 4) : line + 5] = 0
    return [0.0, *sorted(cuts), float(length)]
