"""The count of everything a scan came upon; the counts always add up to the files seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hashmatch.types import Verdict

# the documented exit status of `match` and `scan`; incomplete wins over matched over clean
CLEAN, MATCHED, INCOMPLETE = 0, 1, 2


@dataclass(slots=True)
class Summary:
    """Counts over the records of a scan.

    Parameters
    ----------
    verdicts : Counter
        Files by verdict.
    reasons : Counter
        Files that were not checked in full, by reason.
    lists : Counter
        Files with at least one hit, by list name.
    categories : Counter
        Files with at least one hit, by ``scheme:code``.
    size : int
        Bytes read.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    lists: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    size: int = 0

    @property
    def files(self) -> int:
        """How many files were seen."""
        return self.verdicts.total()

    @property
    def exit_status(self) -> int:
        """The exit status these counts call for."""
        if any(self.verdicts[v] for v in (Verdict.PARTIAL, Verdict.UNSCANNABLE, Verdict.ERROR)):
            return INCOMPLETE
        return MATCHED if self.verdicts[Verdict.MATCH] else CLEAN

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record."""
        self.verdicts[record["verdict"]] += 1
        if record["reason"]:
            self.reasons[record["reason"]] += 1
        self.size += record["size"] or 0
        self.lists.update({hit["list"]["name"] for hit in record["hits"]})
        self.categories.update(
            {
                f"{hit['category']['scheme']}:{hit['category']['code']}"
                for hit in record["hits"]
                if hit["category"]
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON values, every verdict named even at zero."""
        return {
            "files": self.files,
            "bytes": self.size,
            "verdicts": {verdict.value: self.verdicts[verdict] for verdict in Verdict},
            "reasons": dict(sorted(self.reasons.items())),
            "lists": dict(sorted(self.lists.items())),
            "categories": dict(sorted(self.categories.items())),
            "exit_status": self.exit_status,
        }
