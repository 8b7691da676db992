"""Blocks in the catalog's file: each part of a block is one blob, read only when it is needed."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types
from hashmatch.lists import identity
from hashmatch.lists.blocks import Block, Column

_ABSENT = 0xFFFFFFFF
_LEVEL = 1


def save(connection: sqlite3.Connection, list_id: int, block: Block) -> int:
    """Write a block and return its number."""
    found = connection.execute(
        "INSERT INTO blocks (list_id, count) VALUES (?, ?) RETURNING block_id",
        (list_id, block.count),
    ).fetchone()
    block_id: int = found[0]
    parts: dict[str, bytes] = {"keys": block.keys().tobytes()}
    contents = identity.contents(block)
    if contents is not None:
        parts["contents"] = contents.astype("<u8").tobytes()
    if block.stamps is not None:
        parts["stamps"] = block.stamps.astype("<i8").tobytes()
    for name, column in block.values.items():
        parts[f"codes {name}"] = column.codes.tobytes()
        if column.rows is not None:
            parts[f"rows {name}"] = column.rows.astype("<u4").tobytes()
        if column.qualities is not None:
            parts[f"qualities {name}"] = column.qualities.tobytes()
    if block.ids is not None:
        parts["ids"] = _pack([None if x is None else _encode(x) for x in block.ids])
    if block.categories is not None:
        codes = sorted({code for code in block.categories if code is not None})
        number = {code: n for n, code in enumerate(codes)}
        numbers = [_ABSENT if c is None else number[c] for c in block.categories]
        parts["categories"] = zlib.compress(np.array(numbers, "<u4").tobytes(), _LEVEL)
        parts["category codes"] = json.dumps(codes).encode()
    if block.metadata is not None:
        parts["metadata"] = _pack(block.metadata)
    connection.executemany(
        "INSERT INTO parts VALUES (?, ?, ?)",
        ((block_id, name, data) for name, data in parts.items()),
    )
    return block_id


def load(connection: sqlite3.Connection, block_id: int) -> Block:
    """Read a whole block."""
    (count,) = connection.execute(
        "SELECT count FROM blocks WHERE block_id = ?", (block_id,)
    ).fetchone()
    parts = dict(connection.execute("SELECT name, data FROM parts WHERE block_id = ?", (block_id,)))
    values = {}
    for part, data in parts.items():
        kind, _, name = part.partition(" ")
        if kind == "codes":
            size = hash_types.get(name).size
            rows, qualities = parts.get(f"rows {name}"), parts.get(f"qualities {name}")
            values[name] = Column(
                np.frombuffer(data, np.uint8).reshape(-1, size),
                None if rows is None else np.frombuffer(rows, "<u4").astype(np.uint32),
                None if qualities is None else np.frombuffer(qualities, np.uint8),
            )
    ids = categories = None
    if "ids" in parts:
        ids = [None if x is None else _decode(x) for x in _unpack(parts["ids"])]
    if "categories" in parts:
        codes: list[str] = json.loads(parts["category codes"])
        numbers = np.frombuffer(zlib.decompress(parts["categories"]), "<u4")
        categories = [None if n == _ABSENT else codes[n] for n in numbers.tolist()]
    return Block(
        count,
        values,
        ids,
        categories,
        _unpack(parts["metadata"]) if "metadata" in parts else None,
        np.frombuffer(parts["stamps"], "<i8").astype(np.int64) if "stamps" in parts else None,
        np.frombuffer(parts["keys"], identity.KEY),
    )


def part(connection: sqlite3.Connection, block_id: int, name: str) -> bytes | None:
    """Read one part of a block, ``None`` where the block has no such part."""
    found = connection.execute(
        "SELECT data FROM parts WHERE block_id = ? AND name = ?", (block_id, name)
    ).fetchone()
    return None if found is None else found[0]


def keys(connection: sqlite3.Connection, block_id: int) -> identity.Keys:
    """Read the identities of a block's entries."""
    data = part(connection, block_id, "keys")
    assert data is not None, "every block is stored with its keys"
    return np.frombuffer(data, identity.KEY)


def contents(connection: sqlite3.Connection, block_id: int, count: int) -> NDArray[np.uint64]:
    """Read the content digests of a block's entries."""
    data = part(connection, block_id, "contents")
    if data is None:
        return np.zeros(count, np.uint64)
    return np.frombuffer(data, "<u8").astype(np.uint64)


def stamps(connection: sqlite3.Connection, block_id: int) -> NDArray[np.int64] | None:
    """Read when a block's entries were last changed, where their source says so."""
    data = part(connection, block_id, "stamps")
    return None if data is None else np.frombuffer(data, "<i8").astype(np.int64)


def hash_types_of(connection: sqlite3.Connection, block_id: int) -> list[str]:
    """Return the hash types of a block."""
    rows = connection.execute(
        "SELECT name FROM parts WHERE block_id = ? AND name >= 'codes ' AND name < 'codes!'",
        (block_id,),
    )
    return [name.removeprefix("codes ") for (name,) in rows]


def category_counts(
    connection: sqlite3.Connection, block_id: int, alive: NDArray[np.bool_]
) -> Counter[str]:
    """Count the living entries of a block by category code."""
    data = part(connection, block_id, "categories")
    if data is None:
        return Counter()
    codes: list[str] = json.loads(part(connection, block_id, "category codes") or b"[]")
    numbers = np.frombuffer(zlib.decompress(data), "<u4")[alive]
    counts = np.bincount(numbers[numbers != _ABSENT], minlength=len(codes))
    return Counter({code: int(n) for code, n in zip(codes, counts, strict=True) if n})


def pack_alive(alive: NDArray[np.bool_]) -> bytes | None:
    """Return the bits of the living entries; ``None`` where all live."""
    return None if alive.all() else np.packbits(alive).tobytes()


def unpack_alive(data: bytes | None, count: int) -> NDArray[np.bool_]:
    """Return which of ``count`` entries live."""
    if data is None:
        return np.ones(count, bool)
    return np.unpackbits(np.frombuffer(data, np.uint8), count=count).astype(bool)


def _pack(texts: Sequence[bytes | None]) -> bytes:
    """Store byte strings, or their absence: lengths, then the strings."""
    lengths = np.array([_ABSENT if text is None else len(text) for text in texts], "<u4")
    joined = b"".join(text for text in texts if text is not None)
    return zlib.compress(lengths.tobytes() + joined, _LEVEL) + len(texts).to_bytes(4, "little")


def _unpack(data: bytes) -> list[bytes | None]:
    count = int.from_bytes(data[-4:], "little")
    plain = zlib.decompress(data[:-4])
    found: list[bytes | None] = []
    at = 4 * count
    for length in np.frombuffer(plain, "<u4", count).tolist():
        if length == _ABSENT:
            found.append(None)
        else:
            found.append(plain[at : at + length])
            at += length
    return found


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
