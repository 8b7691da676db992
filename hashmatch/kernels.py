"""The one door to compiled code, and the choice of its SIMD level.

A kernel takes the level it shall run at as an argument. Callers pass :func:`level`, which is the
best this machine has unless ``HASHMATCH_SIMD`` or :func:`set_level` says otherwise. Every level
gives the same answer; the readable twin of each kernel is in :mod:`hashmatch.reference`.
"""

from __future__ import annotations

import os
from enum import IntEnum

from hashmatch._ext import (
    _checksum,
    _cpu,
    _digest,
    _hexadecimal,
    _mih,
    _pdq,
    _probes,
    _resample,
    _scan,
    _values,
)
from hashmatch.errors import KernelLevelError

ENVIRONMENT_VARIABLE = "HASHMATCH_SIMD"

checksum = _checksum
"""CRC-32C of blocks."""

digest = _digest
"""BLAKE2b of many short rows."""

hexadecimal = _hexadecimal
"""Reading hexadecimal in bulk."""

mih = _mih
"""Multi-index hashing: building its tables and searching them."""

pdq = _pdq
"""Samples and hashes of PDQ."""

probes = _probes
"""Samples of changed views of a picture."""

resample = _resample
"""Pillow's grey and Lanczos resize."""

scan = _scan
"""Comparing queries with every code."""

values = _values
"""Sorting exact values and finding them."""


class Level(IntEnum):
    """SIMD levels, numbered as in ``src_ext/cpu.h``."""

    SCALAR = 0
    NEON = 1
    AVX2 = 2
    AVX512 = 3


_available = tuple(level for level in Level if _cpu.detect() >> level & 1)
_current = _available[-1]


def available_levels() -> tuple[str, ...]:
    """Return the names of the levels this machine can run, slowest first."""
    return tuple(level.name.lower() for level in _available)


def level() -> Level:
    """Return the level in force."""
    return _current


def set_level(name: str) -> None:
    """Force a level for every kernel of this process.

    Parameters
    ----------
    name : str
        ``scalar``, ``neon``, ``avx2`` or ``avx512``; ``auto`` for the best there is.

    Raises
    ------
    KernelLevelError
        If the name is unknown or this machine cannot run the level.
    """
    global _current
    wanted = {found.name.lower(): found for found in _available}
    wanted["auto"] = _available[-1]
    if name not in wanted:
        raise KernelLevelError(
            f"SIMD level {name!r} cannot run here; this machine has {', '.join(available_levels())}"
        )
    _current = wanted[name]


if os.environ.get(ENVIRONMENT_VARIABLE):
    set_level(os.environ[ENVIRONMENT_VARIABLE])
