"""hashmatch's own lists: one JSON object an entry, one entry a line, with everything it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hashmatch import hash_types
from hashmatch.errors import HashFormatError
from hashmatch.lists.blocks import Block, BlockBuilder, as_metadata
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.readers.source import text_lines


def read_jsonl(reading: Reading, path: str) -> Iterator[Block]:
    """Read what :mod:`hashmatch.lists.writers.jsonl` writes."""
    builder = BlockBuilder()
    for number, line in text_lines(path, reading.problems):
        if not line.strip():
            continue
        try:
            _add(builder, json.loads(line, object_pairs_hook=_object), reading, path, number)
        except HashFormatError as error:
            reading.problems.add(path, number, str(error))
        except (ValueError, RecursionError):
            reading.problems.add(path, number, "the line is not one JSON object")
        if builder.full:
            yield builder.take()
    if builder.count:
        yield builder.take()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise HashFormatError("a name occurs twice in the object")
    return found


def _add(builder: BlockBuilder, entry: Any, reading: Reading, path: str, number: int) -> None:
    hashes = entry.get("hashes") if isinstance(entry, dict) else None
    if not isinstance(hashes, list) or not hashes:
        raise HashFormatError("an entry is an object with a list of 'hashes'")
    values = []
    for item in hashes:
        try:
            values.append(_value(item))
        except HashFormatError as error:
            reading.problems.add(path, number, str(error))
    if not values:
        return
    category, metadata = entry.get("category"), entry.get("metadata")
    code = category.get("code") if isinstance(category, dict) else None
    entry_id = entry.get("id")
    builder.add(
        values,
        entry_id=None if entry_id is None else str(entry_id),
        category=None if code is None else str(code),
        metadata=as_metadata(metadata) if isinstance(metadata, dict) else None,
    )


def _value(item: Any) -> tuple[str, bytes, int | None]:
    if not isinstance(item, dict) or not all(isinstance(item.get(k), str) for k in ("type", "hex")):
        raise HashFormatError("a hash is an object with a 'type' and a 'hex'")
    if item["type"] not in hash_types.names():
        raise HashFormatError("a hash type that hashmatch does not hold")
    quality = item.get("quality")
    if quality is not None and (type(quality) is not int or not 0 <= quality <= 100):
        raise HashFormatError("a quality is a number from 0 to 100")
    return item["type"], hash_types.get(item["type"]).parse(item["hex"]), quality
