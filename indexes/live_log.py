"""The log of updates to a snapshot: how records are framed, and what a damaged one means.

    offset 0    16 bytes   magic
    16          u32        format version, 1
    20          32 bytes   id of the snapshot, padded with zeros
    52          u64        zero
    60          u32        CRC-32C of the 60 bytes before
    64          records

    a record:   u32        length of its payload
                u64        its number, from 0
                u32        CRC-32C of the payload
                u32        CRC-32C of the 16 bytes before
                payload    JSON in ASCII

The log is only ever appended to, one write for each record, and a record counts once it is on
disk. A process that is killed while it writes leaves the beginning of a record; a machine that
loses power may leave zeros where data was still to be written. Both are a *torn* tail, which was
never acknowledged and is cut off. Anything else that does not agree with its checksum is damage:
it is refused, since cutting it off would lose updates that were acknowledged. JSON in ASCII holds
no zero bytes, so a run of them tells the two apart.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from hashmatch import kernels
from hashmatch.errors import SnapshotCorruptError

MAGIC = b"hashmatch\0live\0\0"
VERSION = 1
HEADER = 64
_HEADER = struct.Struct("<16sI32sQ")
_RECORD = struct.Struct("<IQI")
_CRC = struct.Struct("<I")
FRAME = _RECORD.size + _CRC.size
_UNWRITTEN = bytes(64)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a stretch of a log holds.

    Parameters
    ----------
    records : list
        The payloads of its complete records.
    end : int
        The offset behind the last of them.
    torn : int
        How many bytes of a record that was never finished follow.
    """

    records: list[dict[str, Any]]
    end: int
    torn: int


def encode_header(snapshot_id: str) -> bytes:
    """Return the beginning of a log."""
    head = _HEADER.pack(MAGIC, VERSION, snapshot_id.encode("ascii"), 0)
    return head + _CRC.pack(_crc(head))


def encode_record(number: int, payload: dict[str, Any]) -> bytes:
    """Return a record."""
    data = json.dumps(payload, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    head = _RECORD.pack(len(data), number, _crc(data))
    return head + _CRC.pack(_crc(head)) + data


def parse(name: str, snapshot_id: str, data: bytes, start: int, number: int) -> Parsed:
    """Read a log from an offset on.

    Parameters
    ----------
    name : str
        What to call it in a message.
    snapshot_id : str
        The snapshot it has to belong to.
    data : bytes
        The log from ``start`` to its end as it is now.
    start : int
        0, or the ``end`` of what was parsed before.
    number : int
        The number of the next record.

    Raises
    ------
    SnapshotCorruptError
        If it is damaged, rather than merely torn at its end.
    """
    at = 0
    if start == 0:
        if len(data) < HEADER or not any(data[:HEADER]):
            return Parsed([], 0, len(data))
        if data[:HEADER] != encode_header(snapshot_id):
            raise _damaged(name, "has a damaged header or belongs to another snapshot")
        at = HEADER
    records: list[dict[str, Any]] = []
    while at < len(data):
        head = data[at : at + FRAME]
        if len(head) < FRAME or not any(data[at:]):
            break
        length, found, crc = _RECORD.unpack_from(head)
        if _CRC.unpack_from(head, _RECORD.size)[0] != _crc(head[: _RECORD.size]):
            raise _damaged(name, f"is damaged at byte {start + at}")
        if found != number + len(records):
            raise _damaged(name, f"lacks record {number + len(records)}")
        payload = data[at + FRAME : at + FRAME + length]
        if len(payload) < length:
            break
        if _crc(payload) != crc:
            last = at + FRAME + length == len(data)
            if last and _UNWRITTEN in payload:
                break
            raise _damaged(name, f"is damaged in record {found}")
        records.append(json.loads(payload))
        at += FRAME + length
    return Parsed(records, start + at, len(data) - at)


def _crc(data: bytes) -> int:
    sums = kernels.checksum.block_checksums(np.frombuffer(data, np.uint8), 1 << 40, kernels.level())
    return int(sums[0]) if len(sums) else 0


def _damaged(name: str, what: str) -> SnapshotCorruptError:
    return SnapshotCorruptError(
        name,
        f"{name} {what}; updates in it may be lost, so the snapshot is refused. Make a new one "
        "with 'hashmatch index build', or restore the file from a copy",
    )
