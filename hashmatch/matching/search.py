"""A loaded snapshot with its lists' rules, and the search that turns probes into hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types
from hashmatch.errors import MatcherConfigError, SnapshotError
from hashmatch.hash_types import HashKind, HashType
from hashmatch.indexes.snapshot import Snapshot
from hashmatch.matching import possible
from hashmatch.matching.examine import Probe
from hashmatch.matching.tiers import ListRules, Rule
from hashmatch.types import UNKNOWN_QUALITY, Category, HashValue, Hit, Polarity, Tier

_TIERS = tuple(Tier)


class Searcher:
    """A snapshot made ready for matching. Immutable, so any number of threads may share it.

    Parameters
    ----------
    snapshot : Snapshot
        The open snapshot.

    Raises
    ------
    SnapshotError
        If its manifest lacks what matching needs.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        kinds = {name: hash_types.get(name).kind for name in snapshot.hash_types}
        self.cryptographic = tuple(n for n, k in kinds.items() if k is HashKind.CRYPTOGRAPHIC)
        self.perceptual = tuple(n for n, k in kinds.items() if k is HashKind.PERCEPTUAL)
        try:
            self.lists = tuple(ListRules.described(described) for described in snapshot.lists)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise SnapshotError(
                f"snapshot {snapshot.id} does not describe its lists as this version expects; "
                "run 'hashmatch index build' to make a new one"
            ) from error
        asked = {
            name: [rule for lists in self.lists for rule in lists.all_rules(name)]
            for name in self.perceptual
        }
        # the index is asked once, for the widest list; each hit is then held to its own list
        self.radius = {n: max(rule.max_distance for rule in rules) for n, rules in asked.items()}
        self.gates = {
            n: (
                min(rule.min_quality for rule in rules),
                max(rule.min_quality for rule in rules),
            )
            for n, rules in asked.items()
        }

    def holds(self, hash_type: str) -> HashType:
        """Return a hash type of the snapshot.

        Raises
        ------
        UnknownHashTypeError
            If there is no such hash type.
        MatcherConfigError
            If the snapshot holds no list with it, so nothing could be answered.
        """
        known = hash_types.get(hash_type)
        if hash_type not in self.snapshot.hash_types:
            raise MatcherConfigError(
                f"snapshot {self.snapshot.id} holds no {hash_type} values, so they cannot be "
                f"checked; it holds {', '.join(self.snapshot.hash_types)}"
            )
        return known

    def fully_searchable(self, probe: Probe) -> bool:
        """Say whether a probe's quality lets it be searched in every list of its hash type."""
        gate = self.gates.get(probe.value.hash_type)
        return gate is None or probe.value.quality is None or probe.value.quality >= gate[1]

    def search(self, probes: Sequence[Probe], *, also_possible: bool = False) -> list[Hit]:
        """Return every hit of the probes, best first, each entry once per hash type.

        With ``also_possible``, what is only possible is searched for where nothing known-bad was
        found that is stronger.
        """
        hits: list[Hit] = []
        for name in self.cryptographic:
            hits += self._exact(name, [p for p in probes if p.value.hash_type == name])
        for name in self.perceptual:
            lowest, _ = self.gates[name]
            hits += self._near(
                name,
                [
                    p
                    for p in probes
                    if p.value.hash_type == name
                    and (p.value.quality is None or p.value.quality >= lowest)
                ],
            )
        if also_possible and not any(hit.polarity is Polarity.KNOWN_BAD for hit in hits):
            hits += possible.search(self, probes)
        hits.sort(key=_best_first)
        return hits

    def search_each(
        self,
        name: str,
        codes: NDArray[np.uint8],
        qualities: Sequence[int | None] | None = None,
    ) -> tuple[dict[int, list[Hit]], list[int]]:
        """Search for many values of one type at once, each for itself.

        Parameters
        ----------
        name : str
            A hash type of the snapshot.
        codes : (N, bits / 8) uint8
        qualities : sequence of int or None
            0..100 where known.

        Returns
        -------
        hits : dict of int to list of Hit
            The hits of each value that has some, by its number, best first.
        blind : list of int
            The numbers of the values that were not searched in every list of their type,
            because their quality is too low.
        """
        exact = name in self.cryptographic
        blind: list[int] = []
        searched = np.arange(len(codes))
        if qualities is not None and not exact:
            lowest, highest = self.gates[name]
            known = np.array([100 if q is None else q for q in qualities])
            blind = np.flatnonzero(known < highest).tolist()
            searched = np.flatnonzero(known >= lowest)
        hits: dict[int, list[Hit]] = {}
        if not len(searched):
            return hits, blind
        wanted = np.ascontiguousarray(codes[searched])
        if exact:
            offsets, entries = self.snapshot.values(name).find(wanted)
        else:
            found = self.snapshot.index(name).search_radius(wanted, self.radius[name])
            offsets = found.offsets
        for place in np.flatnonzero(np.diff(offsets)).tolist():
            number = int(searched[place])
            quality = qualities[number] if qualities is not None else None
            probe = Probe(HashValue(name, wanted[place].tobytes(), quality))
            best: dict[int, Hit] = {}
            if exact:
                for entry in entries[offsets[place] : offsets[place + 1]].tolist():
                    record = self.snapshot.entry(entry)
                    best[entry] = self._hit(record, probe, 0, Rule(0, 0), Tier.EXACT, None)
            else:
                for row, distance in zip(*(part.tolist() for part in found.of(place)), strict=True):
                    self._keep_best(best, name, probe, row, distance)
            if best:
                hits[number] = sorted(best.values(), key=_best_first)
        return hits, blind

    def _exact(self, name: str, probes: Sequence[Probe]) -> list[Hit]:
        if not probes:
            return []
        offsets, entries = self.snapshot.values(name).find(_codes(probes))
        hits = []
        for number, probe in enumerate(probes):
            for entry in entries[offsets[number] : offsets[number + 1]]:
                record = self.snapshot.entry(int(entry))
                hits.append(self._hit(record, probe, 0, Rule(0, 0), Tier.EXACT, None))
        return hits

    def _near(self, name: str, probes: Sequence[Probe]) -> list[Hit]:
        if not probes:
            return []
        best: dict[int, Hit] = {}
        for probe, row, distance in self.near(name, probes, self.radius[name]):
            self._keep_best(best, name, probe, row, distance)
        return list(best.values())

    def _keep_best(
        self, best: dict[int, Hit], name: str, probe: Probe, row: int, distance: int
    ) -> None:
        """Add what one probe found to what others did, the nearest hit of each entry."""
        entry, record, quality = self.row(name, row)
        if entry in best and best[entry].distance <= distance:
            return
        rule = self.lists[record["list"]].rule(name, record.get("category"))
        if distance <= rule.max_distance and all(
            q is None or q >= rule.min_quality for q in (probe.value.quality, quality)
        ):
            best[entry] = self._hit(record, probe, distance, rule, Tier.STRONG, quality)

    def near(
        self, name: str, probes: Sequence[Probe], radius: int
    ) -> Iterator[tuple[Probe, int, int]]:
        """Give the rows of an index near each probe, with their distances."""
        if not probes:
            return
        found = self.snapshot.index(name).search_radius(_codes(probes), radius)
        if not len(found.rows):
            return
        for number in np.flatnonzero(np.diff(found.offsets)).tolist():
            for row, distance in zip(*(part.tolist() for part in found.of(number)), strict=True):
                yield probes[number], row, distance

    def row(self, name: str, row: int) -> tuple[int, dict[str, Any], int | None]:
        """Return the entry of an index's row: its number, its record and the row's quality."""
        entry = int(self.snapshot.entries_of(name)[row])
        quality = int(self.snapshot.qualities_of(name)[row])
        return entry, self.snapshot.entry(entry), None if quality == UNKNOWN_QUALITY else quality

    def hit(
        self,
        record: Mapping[str, Any],
        probe: Probe,
        distance: int,
        rule: Rule,
        entry_quality: int | None,
        corroboration: str,
    ) -> Hit:
        """Return a possible hit."""
        found = self._hit(record, probe, distance, rule, Tier.POSSIBLE, entry_quality)
        return replace(found, corroboration=corroboration)

    def _hit(
        self,
        record: Mapping[str, Any],
        probe: Probe,
        distance: int,
        rule: Rule,
        tier: Tier,
        entry_quality: int | None,
    ) -> Hit:
        owner = self.lists[record["list"]]
        category = record.get("category")
        return Hit(
            list_name=owner.name,
            list_version=record.get("version", owner.version),
            polarity=owner.polarity,
            entry_id=record["id"],
            category=Category(**category) if category else None,
            hash_type=probe.value.hash_type,
            distance=distance,
            max_distance=rule.max_distance,
            tier=tier,
            orientation=probe.orientation,
            frame=probe.frame,
            variant=probe.variant,
            query_quality=probe.value.quality,
            entry_quality=entry_quality,
            min_quality=rule.min_quality if tier is not Tier.EXACT else None,
            threshold_source=rule.source,
            metadata=record.get("meta") or {},
        )


def _best_first(hit: Hit) -> tuple[int, float, str, str, str]:
    return (
        _TIERS.index(hit.tier),
        hit.distance / (hit.max_distance or 1),
        hit.list_name,
        hit.entry_id,
        hit.hash_type,
    )


def _codes(probes: Sequence[Probe]) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    size = hash_types.get(probes[0].value.hash_type).size
    joined = b"".join(probe.value.bytes for probe in probes)
    return np.frombuffer(joined, np.uint8).reshape(len(probes), size)
