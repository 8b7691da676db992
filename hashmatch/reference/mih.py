"""Multi-index hashing over bands of 16 bits, as ``src_ext/mih`` does it, one code at a time.

The tables are those of the kernel, element by element. The search visits the same buckets and
keeps to the same rule for chains, told in ``src_ext/mih/mih.h``.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VALUES = 1 << 16


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables, by band.

    Parameters
    ----------
    order : list of (N,) int64
        Rows sorted by their value in the band, equal ones by row. The kernel keeps it for
        anchored bands.
    starts : list of (65537,) int64
        Where each value begins in ``order``.
    tags : list of (N,) uint16
        In that order, the value in the next band.
    links : list of (N,) int64
        In that order, the place among the rows with the same value in the next band.
    """

    order: list[NDArray[np.int64]]
    starts: list[NDArray[np.int64]]
    tags: list[NDArray[np.uint16]]
    links: list[NDArray[np.int64]]


def bands(codes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the value of every band, (N, bands), of codes, (N, bytes)."""
    return codes.reshape(len(codes), -1, 2).astype(np.uint16) @ np.array([1, 256], np.uint16)


def build(codes: NDArray[np.uint8]) -> Tables:
    """Make the tables of codes."""
    values = bands(codes)
    made = Tables([], [], [], [])
    ranks = np.empty(values.shape, np.int64)
    for band in range(values.shape[1]):
        order = np.argsort(values[:, band], kind="stable").astype(np.int64)
        starts = np.searchsorted(values[order, band], np.arange(VALUES + 1)).astype(np.int64)
        ranks[order, band] = np.arange(len(codes)) - starts[values[order, band]]
        made.order.append(order)
        made.starts.append(starts)
    for band in range(values.shape[1]):
        after = (band + 1) % values.shape[1]
        made.tags.append(values[made.order[band], after])
        made.links.append(ranks[made.order[band], after])
    return made


def units(radius: int, count: int) -> list[int]:
    """Share ``radius + 1`` among the bands; a band's threshold is one less than its share."""
    return [(radius + 1) // count + (band < (radius + 1) % count) for band in range(count)]


def search(
    codes: NDArray[np.uint8], tables: Tables, query: NDArray[np.uint8], radius: int
) -> list[int]:
    """Return the rows within ``radius`` bits of one query, (bytes,), ascending."""
    wanted = [int(value) for value in bands(query[None])[0]]
    count = len(wanted)
    share = units(min(radius, 8 * codes.shape[1]), count)
    found = set()
    for band in range(count):
        for apart in range(min(share[band], 17)):
            for bits in itertools.combinations(range(16), apart):
                key = wanted[band] ^ sum(1 << bit for bit in bits)
                for place in range(
                    int(tables.starts[band][key]), int(tables.starts[band][key + 1])
                ):
                    row = _follow(tables, wanted, share, band, place, apart - share[band])
                    if row is not None and _distance(codes[row], query) <= radius:
                        found.add(row)
    return sorted(found)


def _follow(
    tables: Tables, wanted: list[int], share: list[int], band: int, place: int, total: int
) -> int | None:
    """Return the row at a place if its chain stays short all around the ring, else ``None``."""
    row = int(tables.order[band][place])
    for _ in range(len(wanted) - 1):
        tag, link = int(tables.tags[band][place]), int(tables.links[band][place])
        band = (band + 1) % len(wanted)
        place = int(tables.starts[band][tag]) + link
        total += (tag ^ wanted[band]).bit_count() - share[band]
        if total >= 0:
            return None
    return row


def _distance(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> int:
    return int(np.bitwise_count(a ^ b).sum())
