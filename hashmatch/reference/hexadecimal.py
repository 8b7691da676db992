"""Hexadecimal digits to bytes, row by row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_DIGITS = frozenset(b"0123456789abcdefABCDEF")


def decode_rows(
    text: NDArray[np.uint8], starts: NDArray[np.int64], digits: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the bytes that ``digits`` characters from each start spell, and which rows are good.

    The bytes of a row that is not good mean nothing; they are zero here.
    """
    codes = np.zeros((len(starts), digits // 2), np.uint8)
    good = np.zeros(len(starts), bool)
    for row, start in enumerate(starts.tolist()):
        spelt = text[start : start + digits].tobytes()
        if _DIGITS.issuperset(spelt):
            codes[row] = np.frombuffer(bytes.fromhex(spelt.decode("ascii")), np.uint8)
            good[row] = True
    return codes, good
