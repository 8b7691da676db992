"""The count of everything a scan came upon; the counts always add up to the files seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hashmatch.scan.record import FILE
from hashmatch.types import Reason, Verdict

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
    kinds : Counter
        Inputs by what they are: files, members of archives, thumbnails, hashes without files.
    not_pictures : int
        Files that are no pictures at all, of which only exact copies can be known. They count
        as ``unscannable``, but nothing is wrong with them.
    known_good : int
        Files left undecoded because their bytes are known to be good.
    size : int
        Bytes of the files.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    lists: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    not_pictures: int = 0
    known_good: int = 0
    size: int = 0

    @property
    def files(self) -> int:
        """How many inputs were seen, of whatever kind."""
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
        kind = record.get("kind", FILE)
        self.kinds[kind] += 1
        if kind == FILE:  # what lies inside a file is part of its size
            self.size += record["size"] or 0
        self.not_pictures += record["reason"] == Reason.NOT_AN_IMAGE
        self.known_good += record.get("skipped") == "known_good"
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
            "kinds": dict(sorted(self.kinds.items())),
            "not_pictures": self.not_pictures,
            "known_good_skipped": self.known_good,
            "reasons": dict(sorted(self.reasons.items())),
            "lists": dict(sorted(self.lists.items())),
            "categories": dict(sorted(self.categories.items())),
            "exit_status": self.exit_status,
        }
