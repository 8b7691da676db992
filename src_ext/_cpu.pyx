# cython: language_level=3
"""Which SIMD levels this processor and operating system can run."""

from libc.stdint cimport uint32_t


cdef extern from "cpu.h" namespace "hashmatch" nogil:
    uint32_t detect_levels() noexcept


def detect() -> int:
    """Return a bit mask over the level numbers of ``cpu.h``."""
    return detect_levels()
