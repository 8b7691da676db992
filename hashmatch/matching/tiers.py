"""What makes a hit: each list's rules, the second radius, and which types decide alone.

The figures behind the constants are in ``docs/matching.md``; ``python -m bench.quality`` measures
them again. They were chosen on the tuning part of its pictures only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hashmatch.types import Polarity

WEAK = frozenset({"ahash", "whash", "dhash"})
"""Types too coarse to decide alone: unrelated pictures share their values."""

POSSIBLE_TYPE = "pdq"
"""The one type with a second radius: the only one whose unrelated pictures stay far apart."""

REACH = {"canonical": 72}
"""Second radius by view. The picture as it is hardly comes near an unrelated one by chance."""
REACH_OF_OTHERS = 54
"""Not much beyond, the index has to compare every entry; only the picture as it is gets that."""
REACH_ONE_SIDED = 46
"""Continuing one side only makes smooth pictures more alike than any other view does."""

SECOND_OPINION = "dhash16"
"""The type nearly independent of PDQ: on unrelated pictures their distances hardly correlate."""
OPINION_AGREES = 66
"""Largest dhash16 distance, in the same view, at which it speaks for a match. If an entry has
that type and it says otherwise, a distant PDQ value is not believed."""

LEAST_QUALITY = 20
"""A picture below its list's gate but not below this one can still be a ``possible`` hit."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a list asks of a hit in one hash type.

    Parameters
    ----------
    max_distance, min_quality : int
        The largest distance, and the smallest quality of either side.
    source : str
        Where they come from: ``list``, or ``category``.
    """

    max_distance: int
    min_quality: int
    source: str = "list"


@dataclass(frozen=True, slots=True)
class ListRules:
    """One list of the snapshot and its rules.

    Parameters
    ----------
    name, version, polarity
        The list.
    rules : mapping
        By hash type.
    by_category : mapping
        By category code, then hash type: where a category departs from its list.
    """

    name: str
    version: int
    polarity: Polarity
    rules: Mapping[str, Rule]
    by_category: Mapping[str, Mapping[str, Rule]]

    @classmethod
    def described(cls, shape: Mapping[str, Any]) -> ListRules:
        """Return the rules a snapshot's manifest describes.

        Raises
        ------
        KeyError, ValueError, TypeError, AttributeError
            If it does not describe them as expected.
        """
        return cls(
            shape["name"],
            int(shape["version"]),
            Polarity(shape["polarity"]),
            _rules(shape["thresholds"], "list"),
            {
                code: _rules(thresholds, "category")
                for code, thresholds in shape.get("category_thresholds", {}).items()
            },
        )

    def rule(self, hash_type: str, category: Mapping[str, Any] | None) -> Rule:
        """Return what applies to an entry of a category."""
        if category and self.by_category:
            special = self.by_category.get(category["code"], {}).get(hash_type)
            if special is not None:
                return special
        return self.rules[hash_type]

    def all_rules(self, hash_type: str) -> list[Rule]:
        """Return every rule that may apply to an entry of this list."""
        rules = [
            by_type[hash_type] for by_type in self.by_category.values() if hash_type in by_type
        ]
        return [*rules, self.rules[hash_type]] if hash_type in self.rules else rules


def reach(variant: str) -> int:
    """Return the second radius of a view."""
    if any(side in variant for side in ("-left-", "-right-", "-top-", "-bottom-")):
        return REACH_ONE_SIDED
    return REACH.get(variant, REACH_OF_OTHERS)


def corroboration(variant: str, distance: int, opinion: int | None) -> tuple[int, str] | None:
    """Say whether a distant PDQ value is believed.

    Parameters
    ----------
    variant : str
        The view it was found by.
    distance : int
        Its distance.
    opinion : int or None
        The distance of the same view in the independent type; ``None`` if the entry lacks it.

    Returns
    -------
    (int, str) or None
        The radius that applied and the reason in words; ``None`` if it is not believed.
    """
    radius = reach(variant)
    if distance > radius or (opinion is not None and opinion > OPINION_AGREES):
        return None
    if opinion is not None:
        return radius, (
            f"{SECOND_OPINION}, which is independent, agrees: {opinion} <= {OPINION_AGREES} bits"
        )
    return radius, (
        f"the entry has no {SECOND_OPINION} value; held-out photographs came this near by chance "
        "in fewer than 1 of 100,000 pairs"
    )


def _rules(thresholds: Mapping[str, Mapping[str, Any]], source: str) -> dict[str, Rule]:
    return {
        name: Rule(int(rule["max_distance"]), int(rule["min_quality"]), source)
        for name, rule in thresholds.items()
    }
