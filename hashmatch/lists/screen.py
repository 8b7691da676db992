"""Values that must not be searched for, taken out or held back as a list comes in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hashmatch.lists.blocks import Block, Codes

EMPTY_FILE = "hash of an empty file"
UNIFORM = "all bits of the value are equal"

# every exporter that hashes an unreadable file puts these on its list
_EMPTY = {
    "md5": bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e"),
    "sha1": bytes.fromhex("da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    "sha256": bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
}


@dataclass(frozen=True, slots=True)
class Hold:
    """A value to be kept but not matched.

    Parameters
    ----------
    identity : bytes
        The entry, 16 bytes.
    hash_type : str
        Which of its values; empty for all of them.
    entry_id, reason : str
    """

    identity: bytes
    hash_type: str
    entry_id: str
    reason: str


def without_empty_files(block: Block, left_out: Counter[str]) -> Block:
    """Take out hashes of empty files, counting them, and entries that have no other value."""
    dropped = 0
    values = {}
    for name, column in block.values.items():
        empty = _equal(column.codes, _EMPTY[name]) if name in _EMPTY else None
        if empty is None or not empty.any():
            values[name] = column
            continue
        dropped += int(empty.sum())
        rest = column.select(~empty, block.count)
        if len(rest.codes):
            values[name] = rest
    if not dropped:
        return block
    left_out[EMPTY_FILE] += dropped
    has_value = np.zeros(block.count, bool)
    for column in values.values():
        has_value[column.row_numbers()] = True
    block.values = values
    return block.take(np.flatnonzero(has_value))


def uniform_values(block: Block) -> list[Hold]:
    """Find values whose bits are all equal: what featureless pictures and broken exports give."""
    found = []
    for name, column in block.values.items():
        suspect = np.flatnonzero((column.codes[:, 0] == 0) | (column.codes[:, 0] == 255))
        codes = column.codes[suspect]
        for at in suspect[(codes == codes[:, :1]).all(axis=1)]:
            row = int(column.row_numbers()[at])
            key = block.keys()[row].tobytes()
            found.append(Hold(key, name, block.entry_ids()[row], UNIFORM))
    return found


def _equal(codes: Codes, value: bytes) -> NDArray[np.bool_]:
    """Mark the rows that are ``value``."""
    wanted = np.frombuffer(value, np.uint8)
    equal: NDArray[np.bool_] = codes[:, 0] == wanted[0]
    rows = np.flatnonzero(equal)
    equal[rows] = (codes[rows] == wanted).all(axis=1)
    return equal
