"""Rows of a list that could not be used: all of them counted, the first ones kept to be shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One row that could not be used.

    Parameters
    ----------
    source : str
        The file, as the caller named it.
    place : int or str
        Its line number, or words such as ``record 12`` where the format has no lines.
    reason : str
        What is wrong; it never repeats the row's content.
    """

    source: str
    place: int | str
    reason: str

    def __str__(self) -> str:
        """Return ``file:place: reason``."""
        return f"{self.source}:{self.place}: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        """Return the problem as JSON values."""
        return {"source": self.source, "place": self.place, "reason": self.reason}


@dataclass(slots=True)
class Problems:
    """Counts every problem by its reason and keeps the first :data:`SHOWN` of them."""

    by_reason: Counter[str] = field(default_factory=Counter)
    shown: list[Problem] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many rows could not be used."""
        return self.by_reason.total()

    def add(self, source: str, place: int | str, reason: str) -> None:
        """Count one problem, and keep it while there is room."""
        self.by_reason[reason] += 1
        if len(self.shown) < SHOWN:
            self.shown.append(Problem(source, place, reason))
