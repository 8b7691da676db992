"""The CSV that ``threatexchange dataset --print-signals --csv`` prints."""

from __future__ import annotations

import csv
from typing import TextIO

from hashmatch.lists.writers.listing import Listing, Written
from hashmatch.lists.writers.text import signals
from hashmatch.types import Entry, Polarity

COLUMNS = ("signal_type", "signal_str", "collab", "category", "tags")
_OPINIONS = ("POSITIVE_CLASS", "NEGATIVE_CLASS", "INVESTIGATION_SEED")
_OF_POLARITY = {Polarity.KNOWN_BAD: "POSITIVE_CLASS", Polarity.KNOWN_GOOD: "NEGATIVE_CLASS"}


def write_threatexchange(listing: Listing, stream: TextIO) -> Written:
    """Write one row per value; a category of another scheme becomes a tag ``scheme:code``."""
    written = Written()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    for entry, _ in listing.entries():
        opinion, tags = _opinion(listing, entry)
        collab = entry.metadata.get("collab", listing.name)
        rows = [(signal, text, collab, opinion, tags) for signal, text in signals(entry, written)]
        table.writerows(rows)
        written.entries += bool(rows)
    return written


def _opinion(listing: Listing, entry: Entry) -> tuple[str, str]:
    tags = str(entry.metadata.get("tags", ""))
    category = entry.category
    if category is None:
        return _OF_POLARITY[listing.polarity], tags
    if category.code in _OPINIONS:
        return category.code, tags
    named = f"{category.scheme}:{category.code}".replace(" ", "_")
    return _OF_POLARITY[listing.polarity], f"{tags} {named}".strip()
