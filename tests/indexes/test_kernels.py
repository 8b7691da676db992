"""The compiled search kernels against their twins, at every level this machine has."""

from __future__ import annotations

import numpy as np
import pytest

from hashmatch import kernels
from hashmatch._ext import _checksum, _scan, _values
from hashmatch.reference import checksum, hamming

LEVELS = [kernels.Level[name.upper()] for name in kernels.available_levels()]
SIZES = (0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 511, 512, 513, 1100)


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name.lower())
@pytest.mark.parametrize("size", [1, 4, 7, 8, 9, 20, 32, 64, 144])
def test_scan_agrees_with_its_twin(level: int, size: int) -> None:
    rng = np.random.default_rng(size)
    for rows in SIZES:
        # off by one byte, so that nothing is aligned
        room = rng.integers(0, 256, rows * size + 1, np.uint8)
        codes = room[1:].reshape(rows, size)
        removed = rng.random(rows) < 0.2
        bitmap = np.packbits(removed, bitorder="little")
        for count in (0, 1, 2, 3, 5):
            queries = rng.integers(0, 256, (count, size), np.uint8)
            if rows and count:
                queries[0] = codes[rows // 2]
            for radius in (0, size, 4 * size - 5, 4 * size, 8 * size):
                if radius < 0:
                    continue
                found = _scan.search_radius(codes, queries, radius, bitmap, 1000, level)
                expected = hamming.search_radius(codes, queries, radius, removed)
                np.testing.assert_array_equal(found[0], expected[0])
                np.testing.assert_array_equal(found[1], expected[1] + 1000)
                np.testing.assert_array_equal(found[2], expected[2])
            for k in (0, 1, 4, rows + 1):
                rows_found, far = _scan.search_nearest(codes, queries, k, bitmap, 0, level)
                expected_rows, expected_far = hamming.search_nearest(codes, queries, k, removed)
                np.testing.assert_array_equal(rows_found, expected_rows)
                np.testing.assert_array_equal(far, expected_far)


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name.lower())
@pytest.mark.parametrize("block", [8, 13, 64])
def test_checksums_agree_with_their_twin(level: int, block: int) -> None:
    data = np.random.default_rng(1).integers(0, 256, 700, np.uint8)
    for size in SIZES[:-3]:
        part = data[1 : 1 + size]
        found = _checksum.block_checksums(part, block, level)
        expected = [
            checksum.crc32c(part[at : at + block].tobytes()) for at in range(0, size, block)
        ]
        assert found.tolist() == expected


def test_the_checksum_is_the_standard_one() -> None:
    digits = np.frombuffer(b"123456789", np.uint8)
    assert _checksum.block_checksums(digits, 100, kernels.level()).tolist() == [0xE3069283]
    assert checksum.crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize("size", [4, 7, 8, 16, 20, 32])
@pytest.mark.parametrize("bits", [0, 1, 9, 16])
def test_values_are_sorted_and_found(size: int, bits: int) -> None:
    rng = np.random.default_rng(size + bits)
    values = rng.integers(0, 256, (3000, size), np.uint8)
    values[:1000, :2] = values[0, :2]  # many with one prefix
    values[500:700] = values[0]  # many equal
    firsts, prefixes, order = _values.group(values, bits)
    for start, stop in zip(firsts[:-1].tolist(), firsts[1:].tolist(), strict=True):
        part = order[start:stop]
        _values.sort(values, part)
        order[start:stop] = part
    as_bytes = [value.tobytes() for value in values]
    expected = sorted(range(len(values)), key=lambda at: (as_bytes[at], at))
    assert order.tolist() == expected
    queries = np.concatenate([values[::7], rng.integers(0, 256, (50, size), np.uint8)])
    first, last = _values.find(values[order], bits, prefixes, queries)
    for query, start, stop in zip(queries, first.tolist(), last.tolist(), strict=True):
        found = sorted(order[start:stop].tolist())
        assert found == [at for at, value in enumerate(as_bytes) if value == query.tobytes()]
