"""What makes an entry the same entry in the next version of its list.

Where the source names its entries, the name does. Where it does not, the entry's first hash
value does, in the order of :data:`ORDER`, so that a re-import finds its entries again whatever
the order of the file. Either way the identity is BLAKE2b over 16 bytes, keyed to the hash type
by its personalisation, so no contributor can make two entries pass for one. The id shown for an
entry without a name is the first 8 of those bytes in hexadecimal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hashmatch import kernels

if TYPE_CHECKING:
    from hashmatch.lists.blocks import Block, Column

Keys = NDArray[np.void]
KEY = np.dtype([("high", ">u8"), ("low", ">u8")])
ORDER = ("md5", "sha1", "sha256", "pdq", "phash16", "dhash16", "phash", "dhash", "ahash", "whash")
_NAMED = "entry-id"
_CONTENT = "content"


def digest_rows(rows: NDArray[np.uint8], purpose: str, length: int) -> bytes:
    """Return BLAKE2b over each row, one digest after the other.

    Parameters
    ----------
    rows : (n, size) uint8
    purpose : str
        At most 16 bytes of ASCII, the personalisation.
    length : int
        Bytes of a digest.
    """
    person = np.frombuffer(purpose.encode("ascii").ljust(16, b"\0"), np.uint8)
    return kernels.digest.digest_rows(np.ascontiguousarray(rows), person, length).tobytes()


def of_entries(
    count: int, names: Sequence[str | None] | None, values: Mapping[str, Column]
) -> Keys:
    """Return the identity of ``count`` entries: by name, else by first value."""
    if names is None:
        return _of_values(np.ones(count, bool), values)
    named = np.array([name is not None for name in names], bool)
    keys = _of_values(~named, values) if not named.all() else np.zeros(count, KEY)
    keys[named] = of_names([name for name in names if name is not None])
    return keys


def of_names(names: Sequence[str]) -> Keys:
    """Return the identity of entries that their source names."""
    person = _NAMED.encode("ascii")
    digest = hashlib.blake2b
    found = [
        digest(name.encode("utf-8", "surrogatepass"), digest_size=16, person=person).digest()
        for name in names
    ]
    return np.frombuffer(b"".join(found), KEY)


def _of_values(wanted: NDArray[np.bool_], values: Mapping[str, Column]) -> Keys:
    """Return the identity of the wanted entries by their first value; zero for the others."""
    keys = np.zeros(len(wanted), KEY)
    missing = wanted.copy()
    for name in sorted(values, key=_rank):
        column = values[name]
        if column.rows is None and missing.all():
            return np.frombuffer(digest_rows(column.codes, name, 16), KEY)
        rows, first = np.unique(column.row_numbers(), return_index=True)
        use = missing[rows]
        found = digest_rows(column.codes[first[use]], name, 16)
        keys[rows[use]] = np.frombuffer(found, KEY)
        missing[rows[use]] = False
        if not missing.any():
            break
    return keys


def as_ids(keys: Keys) -> list[str]:
    """Return the id shown for each identity: 16 hexadecimal digits."""
    digits = np.ascontiguousarray(keys["high"]).tobytes().hex()
    return [digits[at : at + 16] for at in range(0, len(digits), 16)]


def contents(block: Block) -> NDArray[np.uint64] | None:
    """Return a digest of all that each entry holds, (n,) uint64.

    An entry of one value and nothing else, which its identity already says, has 0; ``None``
    stands for a block of only such entries. The digest of an entry does not depend on the
    entries it shares a block with.
    """
    values = sorted(block.values.items())
    dense = all(column.rows is None and column.qualities is None for _, column in values)
    bare = block.categories is None and block.metadata is None
    if bare and dense:
        if block.ids is None and len(values) == 1:
            return None
        if block.ids is None or None not in block.ids:
            return _digests(digest_rows(_beside(values, block.count), _CONTENT, 8))
    parts = _dense_parts(values, block.count) if dense else _parts(values, block.count)
    categories = block.categories or [None] * block.count
    metadata = block.metadata or [None] * block.count
    digest, person = hashlib.blake2b, _CONTENT.encode("ascii")
    found = []
    for part, category, facts in zip(parts, categories, metadata, strict=True):
        if category is not None:
            part += b"\0category " + category.encode("utf-8", "surrogatepass")
        if facts is not None:
            part += b"\0metadata " + facts
        found.append(digest(part, digest_size=8, person=person).digest())
    said = _says_more(block, values)
    return np.where(said, _digests(b"".join(found)), np.uint64(0))


def _dense_parts(values: Sequence[tuple[str, Column]], count: int) -> list[bytes]:
    """Return type, value and quality of every value of each entry, where each has one of each."""
    rows = _beside(values, count)
    size, joined = rows.shape[1], rows.tobytes()
    return [joined[at : at + size] for at in range(0, size * count, size)]


def _parts(values: Sequence[tuple[str, Column]], count: int) -> list[bytes]:
    """Return type, value and quality of every value of each entry."""
    parts: list[list[bytes]] = [[] for _ in range(count)]
    for name, column in values:
        size = column.codes.shape[1]
        joined, mark = column.codes.tobytes(), name.encode()
        qualities = column.quality_numbers().tobytes()
        for number, row in enumerate(column.row_numbers().tolist()):
            code = joined[number * size : (number + 1) * size]
            parts[row] += (mark, code, qualities[number : number + 1])
    return [b"".join(part) for part in parts]


def _says_more(block: Block, values: Sequence[tuple[str, Column]]) -> NDArray[np.bool_]:
    """Mark the entries that hold more than one value of unknown quality without a name."""
    counts = np.zeros(block.count, np.int64)
    more = np.zeros(block.count, bool)
    for _, column in values:
        rows = column.row_numbers()
        np.add.at(counts, rows, 1)
        if column.qualities is not None:
            more[rows[column.qualities != 255]] = True
    for extras in (block.ids, block.categories, block.metadata):
        if extras is not None:
            more |= np.array([extra is not None for extra in extras], bool)
    more |= counts != 1
    return more


def _beside(values: Sequence[tuple[str, Column]], count: int) -> NDArray[np.uint8]:
    """Lay type, value and unknown quality of every type side by side, one row an entry."""
    pieces = []
    for name, column in values:
        mark = np.frombuffer(name.encode(), np.uint8)
        pieces.append(np.broadcast_to(mark, (count, len(mark))))
        pieces.append(column.codes)
        pieces.append(np.full((count, 1), 255, np.uint8))
    return np.hstack(pieces)


def _digests(joined: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(joined, ">u8").astype(np.uint64)


def _rank(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)
