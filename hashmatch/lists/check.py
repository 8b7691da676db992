"""The list doctor: what is wrong with a list, what it will match that it should not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types
from hashmatch.hash_types import HashKind
from hashmatch.lists import check_values, estimate
from hashmatch.lists.blocks import Block, Codes
from hashmatch.lists.catalog import Catalog
from hashmatch.lists.check_values import Gatherer, Values
from hashmatch.lists.estimate import Estimate
from hashmatch.lists.info import ListInfo
from hashmatch.lists.screen import Hold
from hashmatch.types import Polarity

NAMED = 20
"""Entries named per finding."""
MOST_PAIRS = 1 << 31
"""Comparisons of perceptual values that are made without an index."""
LIKELY = 1.0
"""Expected chance matches in a million uploads that deserve a warning."""

KNOWN_GOOD = "value that is on a known-good list"
ACROSS = "value near one on a list of the other polarity"


class Search(Protocol):
    """Finds values within a distance, exactly; an index, composed by the caller."""

    def __call__(
        self, codes: Codes, queries: Codes, bits: int, radius: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the query and the code of each pair within ``radius`` bits, (m,) each."""


@dataclass(slots=True)
class Finding:
    """One thing found.

    Parameters
    ----------
    kind : str
        ``rows``, ``unbalanced``, ``repeated-rows``, ``conflicting-categories``,
        ``repeated-values``, ``value-on-most-records``, ``held``, ``known-good``,
        ``across-polarities``, ``chance-matches`` or ``not-checked``.
    serious : bool
        Whether something should be done; else it is for information.
    message : str
    count : int
        Entries or values concerned.
    entry_ids : list of str
        The first of them.
    holds : list of Hold
        How to put what was found into quarantine.
    """

    kind: str
    serious: bool
    message: str
    count: int = 0
    entry_ids: list[str] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return {
            "kind": self.kind,
            "serious": self.serious,
            "message": self.message,
            "count": self.count,
            "entry_ids": self.entry_ids,
        }


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the doctor says of a list.

    Parameters
    ----------
    name : str
    entries : int
    findings : list of Finding
    estimates : list of Estimate
        Expected chance matches by perceptual hash type.
    """

    name: str
    entries: int
    findings: list[Finding]
    estimates: list[Estimate]

    @property
    def sound(self) -> bool:
        """Whether nothing should be done."""
        return not any(finding.serious for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "list": self.name,
            "entries": self.entries,
            "sound": self.sound,
            "findings": [finding.to_json() for finding in self.findings],
            "estimates": [found.to_json() for found in self.estimates],
        }


def check(
    catalog: Catalog,
    name: str,
    *,
    against: Catalog | None = None,
    search: Search | None = None,
    progress: Callable[[str], object] | None = None,
) -> CheckReport:
    """Examine the live version of a list.

    Parameters
    ----------
    catalog : Catalog
        Where the list is.
    name : str
    against : Catalog or None
        Where the lists are that it is held against; the same one if ``None``.
    search : Search or None
        Finds near values; without one they are compared one by one, up to :data:`MOST_PAIRS`.
    progress : callable or None
        Told which step begins.

    Raises
    ------
    CatalogError
        If there is no such list.
    """
    with catalog.frozen():
        return _check(catalog, name, against or catalog, search, progress or (lambda step: None))


def _check(
    catalog: Catalog,
    name: str,
    others: Catalog,
    search: Search | None,
    tell: Callable[[str], object],
) -> CheckReport:
    info = catalog.list_info(name)
    tell("reading values")
    gatherer = Gatherer()
    unlikely: list[Hold] = []
    for block in catalog.blocks(name):
        gatherer.add(block)
        unlikely += check_values.unlikely_pdq(block)
    values = gatherer.sorted()
    findings = [*_unlikely(unlikely), *_held(catalog, name), *_doubles(catalog, name, values)]
    findings += [
        Finding(
            "value-on-most-records",
            True,
            f"one {hash_type} value is on {count:,} records, as a faulty exporter writes; it is "
            "kept but not matched",
            count,
        )
        for hash_type, count in catalog.repeated(name)
    ]
    tell("comparing with known-good lists")
    findings += _known_good(catalog, info, values, others)
    tell("comparing across polarities")
    findings += _across(catalog, info, others, search or by_comparison, indexed=search is not None)
    estimates = _estimates(info)
    findings += [
        Finding(
            "chance-matches",
            True,
            f"at a distance of {e.max_distance} bits about {e.per_million:,.0f} of a million "
            f"unrelated uploads match a {e.hash_type} value by chance; lower --max-distance or "
            "leave the hash type out",
            e.values,
        )
        for e in estimates
        if e.per_million >= LIKELY
    ]
    return CheckReport(name, info.entries, findings, estimates)


def _unlikely(holds: Sequence[Hold]) -> Iterator[Finding]:
    kinds = {check_values.UNBALANCED: "unbalanced", check_values.REPEATED_ROWS: "repeated-rows"}
    for reason, kind in kinds.items():
        found = [hold for hold in holds if hold.reason == reason]
        if found:
            yield _of_holds(
                kind, found, f"{len(found):,}: {reason}; no picture with detail has such a value"
            )


def _of_holds(kind: str, holds: list[Hold], message: str) -> Finding:
    return Finding(kind, True, message, len(holds), [h.entry_id for h in holds[:NAMED]], holds)


def _held(catalog: Catalog, name: str) -> Iterator[Finding]:
    reasons: dict[str, list[str]] = {}
    for held in catalog.held(name):
        reasons.setdefault(held.reason, []).append(held.entry_id)
    for reason, ids in sorted(reasons.items()):
        yield Finding("held", False, f"{len(ids):,} in quarantine: {reason}", len(ids), ids[:NAMED])


def _doubles(catalog: Catalog, name: str, values: dict[str, Values]) -> Iterator[Finding]:
    for hash_type, found in values.items():
        marks = np.flatnonzero(found.conflicting())
        if len(marks):
            yield Finding(
                "conflicting-categories",
                True,
                f"{len(marks):,} entries share a {hash_type} value under different categories; "
                "every hit will show all of them",
                len(marks),
                [h.entry_id for h in _holds(catalog, name, hash_type, found, marks[:NAMED], "")],
            )
        if count := found.repeated():
            yield Finding(
                "repeated-values",
                False,
                f"{count:,} {hash_type} values occur on more than one entry",
                count,
            )


def _known_good(
    catalog: Catalog, info: ListInfo, values: dict[str, Values], others: Catalog
) -> Iterator[Finding]:
    """Find values of a known-bad list that a known-good list has too."""
    if info.polarity is Polarity.KNOWN_GOOD:
        return
    for other in others.lists():
        if other.polarity is not Polarity.KNOWN_GOOD:
            continue
        hits: dict[str, set[int]] = {}
        for block in others.blocks(other.name):
            for hash_type, column in block.values.items():
                if hash_type in values:
                    digests = np.sort(check_values.digests_of(hash_type, column.codes))
                    hits.setdefault(hash_type, set()).update(
                        values[hash_type].among(digests).tolist()
                    )
        for hash_type, marks in hits.items():
            if marks:
                where = np.array(sorted(marks))
                holds = _holds(catalog, info.name, hash_type, values[hash_type], where, KNOWN_GOOD)
                yield _of_holds(
                    "known-good",
                    holds,
                    f"{len(holds):,} {hash_type} values are also on the known-good list "
                    f"{other.name}",
                )


def _across(
    catalog: Catalog, info: ListInfo, others: Catalog, search: Search, *, indexed: bool
) -> Iterator[Finding]:
    """Find perceptual values near ones on a list of the other polarity."""
    for other in others.lists():
        if other.polarity is info.polarity:
            continue
        for name in sorted(set(info.values) & set(other.values)):
            known = hash_types.get(name)
            if known.kind is not HashKind.PERCEPTUAL:
                continue
            pairs = info.values[name] * other.values[name]
            if not indexed and pairs > MOST_PAIRS:
                yield Finding(
                    "not-checked",
                    True,
                    f"{pairs:,} pairs of {name} values with {other.name} are too many to compare "
                    "without an index",
                )
                continue
            radius = max(_distance(listed, name) for listed in (info, other))
            codes = _codes(catalog, info.name, name)
            holds: dict[tuple[bytes, str], Hold] = {}
            for block in others.blocks(other.name):
                if name in block.values:
                    _, near = search(codes.values, block.values[name].codes, known.bits, radius)
                    holds |= {(h.identity, h.hash_type): h for h in codes.holds(np.unique(near))}
            if holds:
                yield _of_holds(
                    "across-polarities",
                    list(holds.values()),
                    f"{len(holds):,} {name} values are within {radius} bits of values on the "
                    f"{other.polarity.value} list {other.name}",
                )


@dataclass(slots=True)
class _Codes:
    """All values of one hash type of a list, with the blocks they come from."""

    name: str
    values: Codes
    starts: list[int]
    blocks: list[Block]

    def holds(self, positions: NDArray[np.int64]) -> Iterator[Hold]:
        numbers = np.searchsorted(self.starts, positions, side="right") - 1
        for number in np.unique(numbers).tolist():
            block = self.blocks[number]
            within = positions[numbers == number] - self.starts[number]
            rows = block.values[self.name].row_numbers()[within].tolist()
            yield from check_values.holds(block, self.name, rows, ACROSS)


def _codes(catalog: Catalog, list_name: str, hash_type: str) -> _Codes:
    blocks, starts, parts, total = [], [], [], 0
    for block in catalog.blocks(list_name):
        if hash_type in block.values:
            column = block.values[hash_type]
            # ids and values are all that is needed later
            blocks.append(Block(block.count, {hash_type: column}, block.ids, _keys=block.keys()))
            starts.append(total)
            parts.append(column.codes)
            total += len(column.codes)
    return _Codes(hash_type, np.concatenate(parts), starts, blocks)


def by_comparison(
    codes: Codes, queries: Codes, bits: int, radius: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find values within a distance by comparing every pair; a :class:`Search`."""
    # eight bytes at a time, unless a plug-in's values have another length
    word: np.dtype[np.unsignedinteger[Any]] = np.dtype("u8" if codes.shape[1] % 8 == 0 else "u1")
    words = np.ascontiguousarray(codes).view(word)
    asked = np.ascontiguousarray(queries).view(word)
    found_queries, found_codes = [], []
    step = max(1, (1 << 22) // max(1, len(words)))
    for start in range(0, len(asked), step):
        differing = asked[start : start + step, None, :] ^ words[None, :, :]
        near = np.bitwise_count(differing).sum(axis=2, dtype=np.int32) <= radius
        query, code = np.nonzero(near)
        found_queries.append(query + start)
        found_codes.append(code)
    nothing = [np.empty(0, np.int64)]
    return np.concatenate(found_queries or nothing), np.concatenate(found_codes or nothing)


def _estimates(info: ListInfo) -> list[Estimate]:
    return [
        estimate.expected(name, _distance(info, name), count)
        for name, count in info.values.items()
        if hash_types.get(name).kind is HashKind.PERCEPTUAL
    ]


def _distance(info: ListInfo, hash_type: str) -> int:
    """Return the largest distance at which any entry of a list matches."""
    default = (hash_types.get(hash_type).max_distance, 0)
    own = info.thresholds.get(hash_type, default)[0]
    return max(
        [own, *(r[hash_type][0] for r in info.category_thresholds.values() if hash_type in r)]
    )


def _places(values: Values, where: NDArray[np.intp]) -> dict[int, list[int]]:
    """Return the entries at some places of a list: by block, their rows."""
    places: dict[int, list[int]] = {}
    for block, row in zip(values.blocks[where].tolist(), values.rows[where].tolist(), strict=True):
        places.setdefault(block, []).append(row)
    return places


def _holds(
    catalog: Catalog,
    name: str,
    hash_type: str,
    values: Values,
    where: NDArray[np.intp],
    reason: str,
) -> list[Hold]:
    """Return how to hold the values at some places of a list."""
    places = _places(values, where)
    return [
        hold
        for number, block in enumerate(catalog.blocks(name))
        for hold in check_values.holds(block, hash_type, places.get(number, []), reason)
    ]
