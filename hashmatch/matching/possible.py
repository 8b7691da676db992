"""The ``possible`` tier: entries further off, or seen through a poorer picture, but corroborated.

It is searched only where nothing stronger was found, in one batch per hash type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import TYPE_CHECKING

import numpy as np

from hashmatch.matching import tiers
from hashmatch.matching.examine import Probe
from hashmatch.matching.views import WIDE
from hashmatch.types import Hit, Orientation

if TYPE_CHECKING:
    from hashmatch.matching.search import Searcher

View = tuple[int, str, Orientation]


def search(searcher: Searcher, probes: Sequence[Probe]) -> list[Hit]:
    """Return the possible hits of an input's probes, one per entry and hash type."""
    best: dict[tuple[str, int], Hit] = {}
    for entry, hit in (*_poor(searcher, probes), *_distant(searcher, probes)):
        key = (hit.hash_type, entry)
        if key not in best or hit.distance < best[key].distance:
            best[key] = hit
    return list(best.values())


def _poor(searcher: Searcher, probes: Sequence[Probe]) -> Iterator[tuple[int, Hit]]:
    """Find entries near a picture whose quality is below their list's gate, but not hopeless."""
    for name in searcher.perceptual:
        if name in tiers.WEAK:
            continue
        _, gate = searcher.gates[name]
        poor = [p for p in probes if _is(p, name) and tiers.LEAST_QUALITY <= _quality(p) < gate]
        for probe, row, distance in searcher.near(name, poor, searcher.radius[name]):
            entry, record, quality = searcher.row(name, row)
            rule = searcher.lists[record["list"]].rule(name, record.get("category"))
            above = quality is None or quality >= rule.min_quality
            if distance <= rule.max_distance and above and _quality(probe) < rule.min_quality:
                reason = (
                    f"within the list's own distance, but the picture's quality "
                    f"{probe.value.quality} is below the gate of {rule.min_quality}"
                )
                yield entry, searcher.hit(record, probe, distance, rule, quality, reason)


def _distant(searcher: Searcher, probes: Sequence[Probe]) -> Iterator[tuple[int, Hit]]:
    """Find entries within the second radius that something else speaks for."""
    name = tiers.POSSIBLE_TYPE
    if name not in searcher.perceptual:
        return
    lowest, _ = searcher.gates[name]
    wide = [p for p in probes if _is(p, name) and _is_wide(p) and _quality(p) >= lowest]
    opinions: Mapping[View, Probe] = {
        _view(probe): probe for probe in probes if _is(probe, tiers.SECOND_OPINION)
    }
    by_reach = groupby(
        sorted(wide, key=lambda probe: tiers.reach(probe.variant)),
        key=lambda probe: tiers.reach(probe.variant),
    )
    found = (searcher.near(name, list(probes), radius) for radius, probes in by_reach)
    for probe, row, distance in chain.from_iterable(found):
        entry, record, quality = searcher.row(name, row)
        rule = searcher.lists[record["list"]].rule(name, record.get("category"))
        if distance <= rule.max_distance or not all(
            q is None or q >= rule.min_quality for q in (probe.value.quality, quality)
        ):
            continue
        opinion = _opinion(searcher, entry, opinions.get(_view(probe)))
        believed = tiers.corroboration(probe.variant, distance, opinion)
        if believed is not None:
            radius, reason = believed
            applied = tiers.Rule(radius, rule.min_quality, "possible")
            yield entry, searcher.hit(record, probe, distance, applied, quality, reason)


def _opinion(searcher: Searcher, entry: int, probe: Probe | None) -> int | None:
    """Return how far an entry is from a view in the independent type, if it has a value there."""
    name = tiers.SECOND_OPINION
    if probe is None or name not in searcher.perceptual:
        return None
    codes = searcher.snapshot.codes_of(name, entry)
    if not len(codes):
        return None
    own = np.frombuffer(probe.value.bytes, np.uint8)
    return int(np.bitwise_count(codes ^ own).sum(axis=1).min())


def _is(probe: Probe, name: str) -> bool:
    return probe.value.hash_type == name


def _is_wide(probe: Probe) -> bool:
    return probe.variant in WIDE and probe.orientation is Orientation.ORIGINAL


def _quality(probe: Probe) -> int:
    return 100 if probe.value.quality is None else probe.value.quality


def _view(probe: Probe) -> View:
    return probe.frame, probe.variant, probe.orientation
