"""What the catalog tells about its lists, versions and imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hashmatch.lists.problems import Problem
from hashmatch.types import Polarity

Thresholds = Mapping[str, tuple[int, int]]
"""By perceptual hash type: the largest distance in bits and the smallest quality of a hit."""


class Mode(StrEnum):
    """What an import, or a roll back, does to the entries it does not mention."""

    FULL = "full"
    """The files are the whole list: what they do not hold is removed."""
    DELTA = "delta"
    """The files are changes: what they do not mention stays."""
    ROLLBACK = "rollback"
    """An earlier version was made live again."""


@dataclass(frozen=True, slots=True)
class ListInfo:
    """A list as it is live.

    Parameters
    ----------
    name : str
    version : int
        The live version.
    polarity : Polarity
    scheme : str or None
        The scheme of its category codes.
    entries : int
        Entries of the live version.
    values : mapping of str to int
        Their values by hash type.
    thresholds : Thresholds
        The list's own, where it departs from the defaults.
    category_thresholds : mapping of str to Thresholds
        By category code, where a category departs from the list.
    held_categories : tuple of str
        Categories that are kept but not matched.
    imported_at : str
        When the live version was made, ISO 8601 in UTC.
    format : str
        The format it came in.
    """

    name: str
    version: int
    polarity: Polarity
    scheme: str | None
    entries: int
    values: Mapping[str, int]
    thresholds: Thresholds
    category_thresholds: Mapping[str, Thresholds]
    held_categories: tuple[str, ...]
    imported_at: str
    format: str

    def to_json(self) -> dict[str, Any]:
        """Return the list's facts as JSON values."""
        return {
            "name": self.name,
            "version": self.version,
            "polarity": self.polarity.value,
            "scheme": self.scheme,
            "entries": self.entries,
            "values": dict(self.values),
            "thresholds": _shown(self.thresholds),
            "category_thresholds": {
                code: _shown(rules) for code, rules in self.category_thresholds.items()
            },
            "held_categories": list(self.held_categories),
            "imported_at": self.imported_at,
            "format": self.format,
        }


def _shown(thresholds: Thresholds) -> dict[str, dict[str, int]]:
    return {
        name: {"max_distance": distance, "min_quality": quality}
        for name, (distance, quality) in thresholds.items()
    }


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """One version of a list; the counts are against the version that was live before it."""

    version: int
    live: bool
    imported_at: str
    format: str
    mode: Mode
    entries: int
    added: int
    changed: int
    removed: int
    unchanged: int

    def to_json(self) -> dict[str, Any]:
        """Return the version's facts as JSON values."""
        return {
            "version": self.version,
            "live": self.live,
            "imported_at": self.imported_at,
            "format": self.format,
            "mode": self.mode.value,
            "entries": self.entries,
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "unchanged": self.unchanged,
        }


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or in a dry run would have done.

    Parameters
    ----------
    version : int
        The version it made.
    added, changed, removed, unchanged : int
        Entries, against the version that was live before.
    values : mapping of str to int
        Values of the new version by hash type.
    left_out : mapping of str to int
        What was left out on purpose, by reason: duplicates, empty-file hashes ...
    problem_count : int
        Rows that could not be used.
    problems : tuple of Problem
        The first of them.
    problem_reasons : mapping of str to int
        All of them by reason.
    warnings : tuple of str
        What the person who imports should know.
    dry_run : bool
        Whether the catalog was left as it was.
    """

    version: int
    added: int
    changed: int
    removed: int
    unchanged: int
    values: Mapping[str, int]
    left_out: Mapping[str, int] = field(default_factory=dict)
    problem_count: int = 0
    problems: tuple[Problem, ...] = ()
    problem_reasons: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    dry_run: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "version": self.version,
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "unchanged": self.unchanged,
            "values": dict(self.values),
            "left_out": dict(self.left_out),
            "problem_count": self.problem_count,
            "problems": [problem.to_json() for problem in self.problems],
            "problem_reasons": dict(self.problem_reasons),
            "warnings": list(self.warnings),
            "dry_run": self.dry_run,
        }
