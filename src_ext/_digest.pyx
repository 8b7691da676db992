# cython: language_level=3
"""BLAKE2b over the rows of an array."""

cimport cython
from libc.stdint cimport uint8_t

import numpy as np


cdef extern from "digest/blake2b.h" namespace "hashmatch" nogil:
    void c_digest_rows "hashmatch::digest_rows"(
        const uint8_t* rows, size_t count, size_t size,
        const uint8_t* person, size_t length, uint8_t* out) noexcept


@cython.boundscheck(False)
@cython.wraparound(False)
def digest_rows(const uint8_t[:, ::1] rows not None, const uint8_t[::1] person not None, int length):
    """Return a digest of ``length`` bytes for each row, personalised by 16 bytes."""
    if not 1 <= length <= 64 or person.shape[0] != 16:
        raise ValueError("a digest has 1 to 64 bytes and a personalisation 16")
    cdef size_t count = <size_t>rows.shape[0], size = <size_t>rows.shape[1]
    cdef const uint8_t* first = NULL
    out = np.empty((rows.shape[0], length), np.uint8)
    cdef uint8_t[:, ::1] found = out
    if count:
        if size:
            first = &rows[0, 0]
        with nogil:
            c_digest_rows(first, count, size, &person[0], <size_t>length, &found[0, 0])
    return out
