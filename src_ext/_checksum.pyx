# cython: language_level=3
# distutils: language = c++
"""Checksums of the blocks of stored arrays."""

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t

import numpy as np


cdef extern from "checksum/crc32c.h" namespace "hashmatch" nogil:
    void c_block_checksums "hashmatch::block_checksums"(
        const uint8_t* data, size_t size, size_t block, uint32_t* out, int level) noexcept


@cython.boundscheck(False)
@cython.wraparound(False)
def block_checksums(const uint8_t[::1] data not None, size_t block, int level):
    """Return the CRC-32C of every block of ``data``, the last one being what is left over."""
    cdef size_t size = <size_t>data.shape[0]
    out = np.empty((size + block - 1) // block, np.uint32)
    cdef uint32_t[::1] sums = out
    if size:
        with nogil:
            c_block_checksums(&data[0], size, block, &sums[0], level)
    return out
