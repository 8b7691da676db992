"""Entries that a program gives, read as if they came from a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hashmatch import hash_types
from hashmatch.errors import CatalogError, HashFormatError
from hashmatch.lists.blocks import Block, BlockBuilder, as_metadata
from hashmatch.lists.readers.reading import Reading
from hashmatch.types import Entry

FORMAT = "entries"


def read_entries(entries: Sequence[Entry], scheme: str | None = None) -> Reading:
    """Return a reading of entries.

    Parameters
    ----------
    entries : sequence of Entry
        With at least one hash value each.
    scheme : str or None
        The list's category scheme; ``None`` takes that of the entries.

    Raises
    ------
    CatalogError
        If an entry has no id or no hash value, or entries belong to several schemes.
    HashFormatError
        If a value does not fit its type.
    """
    for place, entry in enumerate(entries, 1):
        if not entry.entry_id or not entry.hashes:
            raise CatalogError(f"entry {place} of those given needs an id and a hash value")
        for value in entry.hashes:
            size = hash_types.get(value.hash_type).size
            if len(value.bytes) != size:
                raise HashFormatError(
                    f"entry {place} of those given: a {value.hash_type} value has {size} bytes, "
                    f"not {len(value.bytes)}"
                )
    schemes = {entry.category.scheme for entry in entries if entry.category}
    if scheme is not None:
        schemes.add(scheme)
    if len(schemes) > 1:
        raise CatalogError(
            f"category codes of a list belong to one scheme, not to {' and '.join(sorted(schemes))}"
        )

    def blocks(reading: Reading, source: str) -> Iterator[Block]:
        builder = BlockBuilder()
        for entry in entries:
            builder.add(
                [(value.hash_type, value.bytes, value.quality) for value in entry.hashes],
                entry_id=entry.entry_id,
                category=entry.category.code if entry.category else None,
                metadata=as_metadata(entry.metadata),
            )
            if builder.full:
                yield builder.take()
        if builder.count:
            yield builder.take()

    return Reading(FORMAT, ("given entries",), scheme=next(iter(schemes), None), source=blocks)
