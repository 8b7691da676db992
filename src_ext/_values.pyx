# cython: language_level=3
# distutils: language = c++
"""Sorted fixed-length values and where they are found."""

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint32_t

import numpy as np


cdef extern from "values/values.h" namespace "hashmatch" nogil:
    cdef struct Values:
        const uint8_t* bytes
        size_t count
        size_t size

    void count_values(const Values& values, int bits, uint32_t* firsts,
                      uint32_t* prefixes) noexcept
    void group_values(const Values& values, const uint32_t* firsts, uint32_t* order) noexcept
    void sort_values(const Values& values, uint32_t* order, size_t count) except +
    void find_values(const Values& values, int bits, const uint32_t* prefixes,
                     const uint8_t* queries, size_t count, int64_t* first,
                     int64_t* last) noexcept


cdef Values describe(const uint8_t[:, ::1] values):
    cdef Values found
    found.count = <size_t>values.shape[0]
    found.size = <size_t>values.shape[1]
    found.bytes = NULL
    if found.count:
        found.bytes = &values[0, 0]
    return found


@cython.boundscheck(False)
@cython.wraparound(False)
def group(const uint8_t[:, ::1] values not None, int bits):
    """Return where each first byte begins, where each prefix begins, and the grouped positions."""
    cdef Values described = describe(values)
    firsts = np.zeros(257, np.uint32)
    prefixes = np.zeros((1 << bits) + 1, np.uint32)
    order = np.empty(described.count, np.uint32)
    cdef uint32_t[::1] f = firsts
    cdef uint32_t[::1] p = prefixes
    cdef uint32_t[::1] o = order
    if described.count:
        with nogil:
            count_values(described, bits, &f[0], &p[0])
            group_values(described, &f[0], &o[0])
    return firsts, prefixes, order


@cython.boundscheck(False)
@cython.wraparound(False)
def sort(const uint8_t[:, ::1] values not None, uint32_t[::1] order not None):
    """Sort positions in place by their values, then by position."""
    cdef Values described = describe(values)
    if order.shape[0]:
        with nogil:
            sort_values(described, &order[0], <size_t>order.shape[0])


@cython.boundscheck(False)
@cython.wraparound(False)
def find(const uint8_t[:, ::1] values not None, int bits, const uint32_t[::1] prefixes not None,
         const uint8_t[:, ::1] queries not None):
    """Return where each query's values begin and end among sorted values."""
    cdef Values described = describe(values)
    cdef size_t count = <size_t>queries.shape[0]
    first = np.zeros(count, np.int64)
    last = np.zeros(count, np.int64)
    cdef int64_t[::1] f = first
    cdef int64_t[::1] b = last
    if count and described.count:
        with nogil:
            find_values(described, bits, &prefixes[0], &queries[0, 0], count, &f[0], &b[0])
    return first, last
