# cython: language_level=3
"""Hexadecimal digits to bytes, many rows at a time."""

cimport cython
from libc.stdint cimport int64_t, uint8_t

import numpy as np


cdef extern from "hexadecimal/decode.h" namespace "hashmatch" nogil:
    void c_decode_rows "hashmatch::decode_rows"(
        const uint8_t* text, const int64_t* starts, size_t count, size_t digits,
        uint8_t* codes, uint8_t* good) noexcept


@cython.boundscheck(False)
@cython.wraparound(False)
def decode_rows(const uint8_t[::1] text not None, const int64_t[::1] starts not None, int digits):
    """Return the bytes that ``digits`` characters from each start spell, and which rows are good."""
    if digits < 2 or digits % 2:
        raise ValueError("a value has an even number of digits")
    cdef Py_ssize_t count = starts.shape[0], last = text.shape[0] - digits, row
    codes = np.empty((count, digits // 2), np.uint8)
    good = np.empty(count, np.uint8)
    cdef uint8_t[:, ::1] found = codes
    cdef uint8_t[::1] marks = good
    for row in range(count):
        if starts[row] < 0 or starts[row] > last:
            raise ValueError("a row lies outside the text")
    if count:
        with nogil:
            c_decode_rows(&text[0], &starts[0], <size_t>count, <size_t>digits,
                          &found[0, 0], &marks[0])
    return codes, good.view(np.bool_)
