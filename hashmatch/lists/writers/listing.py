"""What a writer is given: a list's facts and its entries, and what it gives back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hashmatch.lists.blocks import Block
from hashmatch.types import Entry, Polarity


@dataclass(frozen=True, slots=True)
class Listing:
    """One version of a list, to be written. Its entries can be taken once.

    Parameters
    ----------
    name : str
    version : int
    polarity : Polarity
    scheme : str or None
        The scheme of the category codes.
    labels : mapping of str to str
        What the codes mean.
    envelope : mapping
        What the imported files said of the list as a whole.
    blocks : iterator of Block
        The entries.
    """

    name: str
    version: int
    polarity: Polarity
    scheme: str | None
    labels: Mapping[str, str]
    envelope: Mapping[str, Any]
    blocks: Iterator[Block]

    def entries(self) -> Iterator[tuple[Entry, bool]]:
        """Give each entry, and whether its id is the source's own."""
        for block in self.blocks:
            names = block.ids or [None] * block.count
            for name, entry in zip(names, block.entries(self.scheme, self.labels), strict=True):
                yield entry, name is not None


@dataclass(slots=True)
class Written:
    """What became of an export.

    Parameters
    ----------
    entries : int
        Entries that are in the file.
    left_out : Counter
        Entries and values the format has no place for, by reason.
    """

    entries: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        return {"entries": self.entries, "left_out": dict(self.left_out)}
