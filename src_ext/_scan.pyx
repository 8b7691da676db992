# cython: language_level=3
# distutils: language = c++
"""The exhaustive search: every code against every query."""

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libcpp.vector cimport vector

import numpy as np


cdef extern from "scan/scan.h" namespace "hashmatch" nogil:
    ctypedef vector[uint64_t] Found

    cdef struct Scan:
        const uint8_t* codes
        size_t rows
        size_t size
        const uint8_t* removed
        uint64_t first_row

    void scan_radius(const Scan& scan, const uint8_t* queries, size_t count, int radius,
                     int level, Found* found) except +
    void scan_nearest(const Scan& scan, const uint8_t* queries, size_t count, size_t k,
                      int level, Found* found) except +
    void write_sorted(Found& found, bint ascending, int64_t* rows, int32_t* distances) except +


cdef Scan describe(const uint8_t[:, ::1] codes, const uint8_t[::1] removed, uint64_t first_row):
    cdef Scan scan
    scan.rows = <size_t>codes.shape[0]
    scan.size = <size_t>codes.shape[1]
    scan.codes = NULL
    scan.removed = NULL
    if scan.rows:
        scan.codes = &codes[0, 0]
    if removed is not None and removed.shape[0]:
        scan.removed = &removed[0]
    scan.first_row = first_row
    return scan


@cython.boundscheck(False)
@cython.wraparound(False)
def search_radius(const uint8_t[:, ::1] codes not None, const uint8_t[:, ::1] queries not None,
                  int radius, const uint8_t[::1] removed, uint64_t first_row, int level):
    """Return offsets, rows and distances of every row within ``radius`` of each query."""
    cdef Scan scan = describe(codes, removed, first_row)
    cdef size_t count = <size_t>queries.shape[0], q
    cdef vector[Found] found
    offsets = np.zeros(count + 1, np.int64)
    cdef int64_t[::1] ends = offsets
    with nogil:
        found.resize(count)
        if count and scan.rows:
            scan_radius(scan, &queries[0, 0], count, radius, level, found.data())
        for q in range(count):
            ends[q + 1] = ends[q] + <int64_t>found[q].size()
    rows = np.empty(offsets[count], np.int64)
    distances = np.empty(offsets[count], np.int32)
    cdef int64_t[::1] r = rows
    cdef int32_t[::1] d = distances
    with nogil:
        for q in range(count):
            if found[q].size():
                write_sorted(found[q], True, &r[ends[q]], &d[ends[q]])
    return offsets, rows, distances


@cython.boundscheck(False)
@cython.wraparound(False)
def search_nearest(const uint8_t[:, ::1] codes not None, const uint8_t[:, ::1] queries not None,
                   size_t k, const uint8_t[::1] removed, uint64_t first_row, int level):
    """Return rows and distances, (Q, k), of the nearest rows, -1 where there are fewer."""
    cdef Scan scan = describe(codes, removed, first_row)
    cdef size_t count = <size_t>queries.shape[0], q
    cdef vector[Found] found
    rows = np.full((count, k), -1, np.int64)
    distances = np.full((count, k), -1, np.int32)
    cdef int64_t[:, ::1] r = rows
    cdef int32_t[:, ::1] d = distances
    if not k:
        return rows, distances
    with nogil:
        found.resize(count)
        if count and scan.rows:
            scan_nearest(scan, &queries[0, 0], count, k, level, found.data())
        for q in range(count):
            if found[q].size():
                write_sorted(found[q], False, &r[q, 0], &d[q, 0])
    return rows, distances
