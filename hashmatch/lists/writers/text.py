"""Lists of one hash a line: bare, with a note, or with their ThreatExchange signal type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO

from hashmatch.errors import ListFormatError
from hashmatch.lists.readers.presets import SIGNALS
from hashmatch.lists.writers.listing import Listing, Written
from hashmatch.types import Entry

# hash type -> the name ThreatExchange's own tools give the signal; they know no others
SIGNAL_OF = {SIGNALS[signal]: signal for signal in ("pdq", "video_md5", "video_sha256")}


def write_text(listing: Listing, stream: TextIO, hash_type: str | None) -> Written:
    """Write the values of one hash type, one a line in hexadecimal."""
    return _write(listing, stream, hash_type, lambda value, entry: value)


def write_pdq(listing: Listing, stream: TextIO, hash_type: str | None) -> Written:
    """Write ``hash,note`` lines as the PDQ tools of ThreatExchange read them."""
    return _write(
        listing,
        stream,
        hash_type or "pdq",
        lambda value, entry: f"{value},{note}" if (note := _note(entry.metadata)) else value,
    )


def write_signals(listing: Listing, stream: TextIO) -> Written:
    """Write ``signal_type value`` lines as ThreatExchange's local files have them."""
    written = Written()
    for entry, _ in listing.entries():
        lines = list(signals(entry, written))
        stream.writelines(f"{signal} {value}\n" for signal, value in lines)
        written.entries += bool(lines)
    return written


def signals(entry: Entry, written: Written) -> Iterator[tuple[str, str]]:
    """Give the signal type and text of an entry's values, counting those without any."""
    for value in entry.hashes:
        signal = SIGNAL_OF.get(value.hash_type)
        if signal is None:
            written.left_out[f"{value.hash_type} value, which has no signal type"] += 1
        else:
            yield signal, value.hex


def _write(
    listing: Listing, stream: TextIO, hash_type: str | None, line: Callable[[str, Entry], str]
) -> Written:
    written = Written()
    chosen = hash_type
    for entry, _ in listing.entries():
        types = {value.hash_type for value in entry.hashes}
        chosen = chosen or min(types)
        if hash_type is None and types != {chosen}:
            raise ListFormatError(
                listing.name, "has values of several hash types; say which with --type"
            )
        values = [value.hex for value in entry.hashes if value.hash_type == chosen]
        stream.writelines(f"{line(value, entry)}\n" for value in values)
        written.entries += bool(values)
        if not values:
            written.left_out[f"entry without {chosen} value"] += 1
    return written


def _note(metadata: Mapping[str, Any]) -> str:
    """Return what fits behind the comma of one line."""
    note = metadata.get("note") or metadata.get("file_name") or ""
    return " ".join(str(note).split("\n")).replace("\r", " ")
