"""How near a person's own benign pictures come to a list, and which thresholds that allows.

Nothing but distances and qualities is kept: no picture, no name, no hash value.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hashmatch import hash_types, media
from hashmatch.errors import MatcherConfigError, MediaError
from hashmatch.matching.examine import Examination, examine
from hashmatch.matching.plan import Plan
from hashmatch.matching.profiles import Profile
from hashmatch.matching.search import Searcher

CONFIDENCE = 0.95
SHARES = (1e-2, 1e-3, 1e-4)
"""Shares of benign pictures that may be mistaken, for which thresholds are proposed."""


@dataclass(slots=True)
class TypeCalibration:
    """What the benign pictures say about one hash type of a list.

    Parameters
    ----------
    hash_type : str
    entries : int
        Values of the type the list holds.
    max_distance : int
        The list's own threshold.
    nearest : Counter
        How many pictures come how near to their nearest entry; those further than ``reach`` are
        in none of its counts.
    pictures : int
        How many pictures were good enough to be searched for.
    poor : int
        How many were not.
    reach : int
        How far was looked.
    """

    hash_type: str
    entries: int
    max_distance: int
    reach: int
    nearest: Counter[int] = field(default_factory=Counter)
    pictures: int = 0
    poor: int = 0

    def mistaken(self, distance: int) -> int:
        """Return how many pictures a threshold would take for known ones."""
        return sum(count for near, count in self.nearest.items() if near <= distance)

    def bound(self, distance: int) -> float:
        """Return the share of benign pictures a threshold mistakes at most, with 95 % confidence.

        The exact upper bound of Clopper and Pearson, which for none mistaken is about three over
        the number of pictures.
        """
        return upper_bound(self.mistaken(distance), self.pictures)

    def proposal(self, share: float) -> int | None:
        """Return the largest threshold that mistakes at most so many, surely; ``None`` if none is.

        None may be: with few pictures not even a threshold nothing comes near can be vouched for.
        """
        fitting = [d for d in range(self.reach + 1) if self.bound(d) <= share]
        return fitting[-1] if fitting else None

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as JSON values."""
        return {
            "hash_type": self.hash_type,
            "entries": self.entries,
            "max_distance": self.max_distance,
            "pictures": self.pictures,
            "too_poor": self.poor,
            "looked_within": self.reach,
            "nearest": {str(d): n for d, n in sorted(self.nearest.items())},
            "mistaken": self.mistaken(self.max_distance),
            "mistaken_share_at_most": self.bound(self.max_distance),
            "confidence": CONFIDENCE,
            "proposals": [
                {"share": share, "max_distance": self.proposal(share)} for share in SHARES
            ],
        }


class Calibration:
    """Gathers distances picture by picture.

    Parameters
    ----------
    searcher : Searcher
        The snapshot.
    list_name : str
        The list of it to calibrate.

    Raises
    ------
    MatcherConfigError
        If the snapshot has no such list.
    """

    def __init__(self, searcher: Searcher, list_name: str) -> None:
        self._searcher = searcher
        names = [listed.name for listed in searcher.lists]
        if list_name not in names:
            raise MatcherConfigError(
                f"the live snapshot has no list {list_name!r}; it has {', '.join(names)}"
            )
        self._list = names.index(list_name)
        described = searcher.snapshot.lists[self._list]["values"]
        self.types: Mapping[str, TypeCalibration] = {
            name: TypeCalibration(
                name,
                described.get(name, 0),
                searcher.lists[self._list].rules[name].max_distance,
                _reach(name, searcher.lists[self._list].rules[name].max_distance),
            )
            for name in searcher.perceptual
            if described.get(name, 0)
        }

    def add(self, found: Examination) -> None:
        """Take up one picture, of which all probes count as they would in matching."""
        for name, calibration in self.types.items():
            rule = self._searcher.lists[self._list].rules[name]
            probes = [
                probe
                for probe in found.probes
                if probe.value.hash_type == name
                and (probe.value.quality is None or probe.value.quality >= rule.min_quality)
            ]
            if not probes:
                calibration.poor += 1
                continue
            calibration.pictures += 1
            near = [
                distance
                for _, row, distance in self._searcher.near(name, probes, calibration.reach)
                if self._searcher.row(name, row)[1]["list"] == self._list
            ]
            if near:
                calibration.nearest[min(near)] += 1


def upper_bound(hits: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """Return the Clopper-Pearson upper bound of a share, one-sided.

    Raises
    ------
    ValueError
        If there are more hits than trials.
    """
    if hits > trials:
        raise ValueError("there cannot be more hits than trials")
    if hits == trials:
        return 1.0
    low, high = hits / trials, 1.0
    for _ in range(60):  # bisection: the chance of so few hits falls as the share grows
        middle = (low + high) / 2
        if _at_most(hits, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def calibrate(
    searcher: Searcher,
    list_name: str,
    paths: Iterable[str],
    *,
    profile: Profile,
    limits: media.Limits = media.DEFAULT_LIMITS,
) -> tuple[Calibration, Counter[str]]:
    """Measure how near benign pictures come to a list.

    Parameters
    ----------
    searcher : Searcher
        The snapshot.
    list_name : str
        The list.
    paths : iterable of str
        The person's own pictures, known to be benign.
    profile : Profile
        How each is looked at: the more ways, the nearer the nearest of them.
    limits : Limits
        What is refused before it is decoded.

    Returns
    -------
    Calibration
        What was measured.
    Counter
        How many files were ``used``, and of the others how many were not, by reason.

    Raises
    ------
    MatcherConfigError
        If the snapshot has no such list.
    """
    measured = Calibration(searcher, list_name)
    used: Counter[str] = Counter()
    for path in paths:
        try:
            data = media.read_bytes(path, limits)
        except MediaError as error:
            used[error.reason.value] += 1
            continue
        found = examine(data, Plan((), tuple(measured.types), profile, limits))
        if found.decoded:
            measured.add(found)
            used["used"] += 1
        else:
            used[found.reason.value if found.reason else "not_decoded"] += 1
    return measured, used


def _reach(name: str, max_distance: int) -> int:
    """Return how far to look: well beyond the threshold, but not where everything is near."""
    bits = hash_types.get(name).bits
    return max(max_distance, round(0.3 * bits))


def _at_most(hits: int, trials: int, share: float) -> float:
    """Return the chance of at most so many hits."""
    if share >= 1:
        return 0.0
    if share <= 0:
        return 1.0
    counts = np.arange(hits + 1)
    logs = [
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(share) + (trials - k) * math.log1p(-share)
        for k in counts.tolist()
    ]  # fmt: skip
    return float(np.exp(logs).sum())
