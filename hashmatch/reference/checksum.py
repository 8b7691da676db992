"""CRC-32C, bit by bit."""

from __future__ import annotations


def crc32c(data: bytes) -> int:
    """Return the CRC-32C (Castagnoli, reflected) of some bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
