# cython: language_level=3
# distutils: language = c++
"""Multi-index hashing: building its tables and searching them."""

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libcpp.vector cimport vector

import numpy as np


cdef extern from "mih/mih.h" namespace "hashmatch" nogil:
    ctypedef vector[uint64_t] Found

    cdef struct Mih:
        const uint8_t* codes
        size_t rows
        int bands
        const uint32_t* starts
        const uint16_t* tags
        const uint32_t* anchors
        const uint8_t* links
        int link_size
        const uint8_t* removed

    bint is_anchor(int band, int bands, int link_size) noexcept
    size_t count_bands(const uint8_t* codes, size_t rows, int bands, uint32_t* starts) noexcept
    void fill_bands(const uint8_t* codes, size_t rows, int bands, const uint32_t* starts,
                    int link_size, uint16_t* tags, uint32_t* anchors, uint8_t* links) except +
    void mih_radius(const Mih& mih, const uint8_t* queries, size_t count, int radius,
                    size_t budget, int level, Found* found, uint8_t* deferred) except +
    void write_sorted(Found& found, bint ascending, int64_t* rows, int32_t* distances) except +


def anchored(int bands, int link_size):
    """Return which bands hold rows rather than links."""
    return [is_anchor(band, bands, link_size) for band in range(bands)]


@cython.boundscheck(False)
@cython.wraparound(False)
def count(const uint8_t[:, ::1] codes not None, uint32_t[:, ::1] starts not None):
    """Fill ``starts``, (bands, 65537) and zero before; return how long the longest bucket is."""
    cdef size_t rows = <size_t>codes.shape[0], longest = 0
    cdef int bands = <int>starts.shape[0]
    if rows:
        with nogil:
            longest = count_bands(&codes[0, 0], rows, bands, &starts[0, 0])
    return longest


@cython.boundscheck(False)
@cython.wraparound(False)
def fill(const uint8_t[:, ::1] codes not None, const uint32_t[:, ::1] starts not None,
         uint16_t[:, ::1] tags not None, uint32_t[:, ::1] anchors not None,
         uint8_t[:, ::1] links not None, int link_size):
    """Fill the tables; ``links`` has ``link_size`` bytes per row."""
    cdef size_t rows = <size_t>codes.shape[0]
    cdef int bands = <int>starts.shape[0]
    cdef uint8_t* link = NULL
    if not rows:
        return
    if links.shape[0]:
        link = &links[0, 0]
    with nogil:
        fill_bands(&codes[0, 0], rows, bands, &starts[0, 0], link_size, &tags[0, 0],
                   &anchors[0, 0], link)


@cython.boundscheck(False)
@cython.wraparound(False)
def search_radius(const uint8_t[:, ::1] codes not None, const uint32_t[:, ::1] starts not None,
                  const uint16_t[:, ::1] tags not None, const uint32_t[:, ::1] anchors not None,
                  const uint8_t[:, ::1] links not None, int link_size, const uint8_t[::1] removed,
                  const uint8_t[:, ::1] queries not None, int radius, size_t budget, int level):
    """Return offsets, rows and distances, and which queries would have exceeded the budget."""
    cdef Mih mih
    cdef size_t asked = <size_t>queries.shape[0], q
    mih.rows = <size_t>codes.shape[0]
    mih.bands = <int>starts.shape[0]
    mih.link_size = link_size
    mih.links = NULL
    mih.removed = NULL
    if links.shape[0] and links.shape[1]:
        mih.links = &links[0, 0]
    if removed is not None and removed.shape[0]:
        mih.removed = &removed[0]
    cdef vector[Found] found
    offsets = np.zeros(asked + 1, np.int64)
    deferred = np.zeros(asked, np.uint8)
    cdef int64_t[::1] ends = offsets
    cdef uint8_t[::1] later = deferred
    if asked and mih.rows:
        mih.codes = &codes[0, 0]
        mih.starts = &starts[0, 0]
        mih.tags = &tags[0, 0]
        mih.anchors = &anchors[0, 0]
        with nogil:
            found.resize(asked)
            mih_radius(mih, &queries[0, 0], asked, radius, budget, level, found.data(), &later[0])
            for q in range(asked):
                ends[q + 1] = ends[q] + <int64_t>found[q].size()
    rows = np.empty(offsets[asked], np.int64)
    distances = np.empty(offsets[asked], np.int32)
    cdef int64_t[::1] r = rows
    cdef int32_t[::1] d = distances
    with nogil:
        for q in range(found.size()):
            if found[q].size():
                write_sorted(found[q], False, &r[ends[q]], &d[ends[q]])
    return offsets, rows, distances, deferred
