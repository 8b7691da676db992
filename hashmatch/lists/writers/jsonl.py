"""hashmatch's own lists: one JSON object an entry, with everything it holds."""

from __future__ import annotations

import json
from typing import Any, TextIO

from hashmatch.lists.writers.listing import Listing, Written


def write_jsonl(listing: Listing, stream: TextIO) -> Written:
    """Write every entry; the only format that loses nothing of any list."""
    written = Written()
    for entry, named in listing.entries():
        shape: dict[str, Any] = {"id": entry.entry_id} if named else {}
        shape["hashes"] = [{"type": value.hash_type, **value.to_json()} for value in entry.hashes]
        if entry.category is not None:
            shape["category"] = entry.category.to_json()
        if entry.metadata:
            shape["metadata"] = dict(entry.metadata)
        stream.write(json.dumps(shape, ensure_ascii=False, separators=(",", ":")) + "\n")
        written.entries += 1
    return written
