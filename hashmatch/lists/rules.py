"""What a list asks of a hit: thresholds of its own and of its categories, and what is held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from hashmatch import hash_types
from hashmatch.errors import MatcherConfigError
from hashmatch.hash_types import HashKind
from hashmatch.lists.info import Thresholds


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one list.

    Parameters
    ----------
    thresholds : Thresholds
        For all entries, where they depart from the hash type's defaults.
    category_thresholds : mapping of str to Thresholds
        For entries of a category code, where they depart from the list's.
    held_categories : tuple of str
        Category codes whose entries are kept but not matched.
    labels : mapping of str to str
        What category codes mean, where the scheme is not built in.

    Raises
    ------
    MatcherConfigError
        If a threshold cannot be honoured.
    """

    thresholds: Thresholds = field(default_factory=dict)
    category_thresholds: Mapping[str, Thresholds] = field(default_factory=dict)
    held_categories: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for thresholds in (self.thresholds, *self.category_thresholds.values()):
            for name, (max_distance, min_quality) in thresholds.items():
                _check(name, max_distance, min_quality)

    def updated(
        self,
        thresholds: Thresholds,
        category_thresholds: Mapping[str, Thresholds],
        held_categories: tuple[str, ...] | None,
        labels: Mapping[str, str],
    ) -> Rules:
        """Return the rules with what was said anew in place of what was said before."""
        return Rules(
            {**self.thresholds, **thresholds},
            {
                code: {
                    **self.category_thresholds.get(code, {}),
                    **category_thresholds.get(code, {}),
                }
                for code in {*self.category_thresholds, *category_thresholds}
            },
            self.held_categories if held_categories is None else held_categories,
            {**self.labels, **labels},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the rules as JSON values."""
        return {
            "thresholds": {name: list(pair) for name, pair in self.thresholds.items()},
            "category_thresholds": {
                code: {name: list(pair) for name, pair in found.items()}
                for code, found in sorted(self.category_thresholds.items())
            },
            "held_categories": list(self.held_categories),
            "labels": dict(self.labels),
        }

    @classmethod
    def from_json(cls, shape: Mapping[str, Any]) -> Self:
        """Return the rules that :meth:`to_json` wrote."""
        return cls(
            _pairs(shape["thresholds"]),
            {code: _pairs(found) for code, found in shape["category_thresholds"].items()},
            tuple(shape["held_categories"]),
            shape["labels"],
        )


def _pairs(shape: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    return {name: (int(pair[0]), int(pair[1])) for name, pair in shape.items()}


def _check(name: str, max_distance: int, min_quality: int) -> None:
    known = hash_types.get(name)
    if known.kind is not HashKind.PERCEPTUAL:
        raise MatcherConfigError(f"{name} values match by equality only; they have no threshold")
    if not 0 <= max_distance <= known.bits:
        raise MatcherConfigError(
            f"a largest distance of {name} lies between 0 and {known.bits} bits, not {max_distance}"
        )
    if not 0 <= min_quality <= 100:
        raise MatcherConfigError(f"a smallest quality lies between 0 and 100, not {min_quality}")
