"""BLAKE2b over many short messages, by the standard library."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def digest_rows(
    rows: NDArray[np.uint8], person: NDArray[np.uint8], length: int
) -> NDArray[np.uint8]:
    """Return a digest of ``length`` bytes for each row, personalised by 16 bytes."""
    joined = b"".join(
        hashlib.blake2b(row.tobytes(), digest_size=length, person=person.tobytes()).digest()
        for row in rows
    )
    return np.frombuffer(joined, np.uint8).reshape(len(rows), length)


def digest_spans(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], person: NDArray[np.uint8], length: int
) -> NDArray[np.uint8]:
    """Return a digest of ``length`` bytes for each span between neighbouring offsets."""
    joined = b"".join(
        hashlib.blake2b(
            data[begin:end].tobytes(), digest_size=length, person=person.tobytes()
        ).digest()
        for begin, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    )
    return np.frombuffer(joined, np.uint8).reshape(len(offsets) - 1, length)
