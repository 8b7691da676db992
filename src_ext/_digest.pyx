# cython: language_level=3
"""BLAKE2b over many short messages."""

cimport cython
from libc.stdint cimport int64_t, uint8_t

import numpy as np


cdef extern from "digest/blake2b.h" namespace "hashmatch" nogil:
    void c_digest_rows "hashmatch::digest_rows"(
        const uint8_t* rows, size_t count, size_t size,
        const uint8_t* person, size_t length, uint8_t* out) noexcept
    void c_digest_spans "hashmatch::digest_spans"(
        const uint8_t* data, const int64_t* offsets, size_t count,
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


@cython.boundscheck(False)
@cython.wraparound(False)
def digest_spans(
    const uint8_t[::1] data not None, const int64_t[::1] offsets not None,
    const uint8_t[::1] person not None, int length
):
    """Return a digest of ``length`` bytes for each span between neighbouring offsets."""
    if not 1 <= length <= 64 or person.shape[0] != 16:
        raise ValueError("a digest has 1 to 64 bytes and a personalisation 16")
    cdef Py_ssize_t count = offsets.shape[0] - 1, span
    if count < 0 or offsets[0] != 0 or offsets[count] != data.shape[0]:
        raise ValueError("offsets run from 0 to the end of the data")
    for span in range(count):
        if offsets[span] > offsets[span + 1]:
            raise ValueError("offsets rise")
    cdef const uint8_t* first = NULL
    out = np.empty((count, length), np.uint8)
    cdef uint8_t[:, ::1] found = out
    if data.shape[0]:
        first = &data[0]
    if count:
        with nogil:
            c_digest_spans(first, &offsets[0], <size_t>count, &person[0], <size_t>length,
                           &found[0, 0])
    return out
