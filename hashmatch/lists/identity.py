"""What makes an entry the same entry in the next version of its list.

Where the source names its entries, the name does. Where it does not, the entry's first hash
value does, in the order of :data:`ORDER`, so that a re-import finds its entries again whatever
the order of the file. Either way the identity is BLAKE2b over 16 bytes, keyed to the hash type
by its personalisation, so no contributor can make two entries pass for one. The id shown for an
entry without a name is the first 8 of those bytes in hexadecimal.
"""

from __future__ import annotations

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
    return kernels.digest.digest_rows(
        np.ascontiguousarray(rows), _person(purpose), length
    ).tobytes()


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
    texts = [name.encode("utf-8", "surrogatepass") for name in names]
    return np.frombuffer(_digest_texts(texts, _NAMED, 16).tobytes(), KEY)


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
    if bare and dense and block.ids is None and len(values) == 1:
        return None
    extras = np.hstack([_categories(block), _metadata(block)])
    if dense:
        rows = np.hstack([_beside(values, block.count), extras])
        found = digest_rows(rows, _CONTENT, 8)
    else:
        parts = _parts(values, block.count)
        joined = extras.tobytes()
        size = extras.shape[1]
        found = _digest_texts(
            [part + joined[row * size : (row + 1) * size] for row, part in enumerate(parts)],
            _CONTENT,
        ).tobytes()
    return np.where(_says_more(block, values), _digests(found), np.uint64(0))


def _categories(block: Block) -> NDArray[np.uint8]:
    """Return a digest of each entry's category code, (n, 8) uint8; zeros for none."""
    if block.categories is None:
        return np.zeros((block.count, 8), np.uint8)
    codes = sorted({code for code in block.categories if code is not None})
    number = {code: place for place, code in enumerate(codes, 1)}
    digests = _digest_texts([code.encode("utf-8", "surrogatepass") for code in codes], "category")
    table = np.vstack([np.zeros((1, 8), np.uint8), digests])
    return table[[0 if code is None else number[code] for code in block.categories]]


def _metadata(block: Block) -> NDArray[np.uint8]:
    """Return a digest of each entry's metadata, (n, 8) uint8; zeros for none."""
    if block.metadata is None:
        return np.zeros((block.count, 8), np.uint8)
    digests = _digest_texts([facts or b"" for facts in block.metadata], "metadata")
    digests[[facts is None for facts in block.metadata]] = 0
    return digests


def _digest_texts(texts: Sequence[bytes], purpose: str, length: int = 8) -> NDArray[np.uint8]:
    """Return BLAKE2b over each text, (n, length) uint8."""
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    data = np.frombuffer(b"".join(texts), np.uint8)
    return kernels.digest.digest_spans(data, offsets, _person(purpose), length)


def _person(purpose: str) -> NDArray[np.uint8]:
    return np.frombuffer(purpose.encode("ascii").ljust(16, b"\0"), np.uint8)


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
    if len(values) > 1 and all(column.rows is None for _, column in values):
        return np.ones(block.count, bool)
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
