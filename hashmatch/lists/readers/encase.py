"""EnCase hash sets (``.hash``): a header, then records of an MD5 and two more bytes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hashmatch.errors import ListFormatError
from hashmatch.lists.blocks import BLOCK_SIZE, Block, Column
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.readers.source import open_source

MAGIC = b"HASH\r\n\xff\x00"
_NAME_AT, _NAME_SIZE = 1032, 80
_RECORDS_AT, _RECORD = 1152, 18


def read_encase(reading: Reading, path: str) -> Iterator[Block]:
    """Read the layout before EnCase 6; what later ones look like is not public."""
    with open_source(path) as stream:
        header = stream.read(_RECORDS_AT)
        if not header.startswith(MAGIC):
            raise ListFormatError(path, "is no EnCase hash set: its first bytes are others")
        size = stream.seek(0, 2)
        if size < _RECORDS_AT or (size - _RECORDS_AT) % _RECORD:
            raise ListFormatError(path, "is truncated, or an EnCase hash set of another layout")
        name = header[_NAME_AT : _NAME_AT + _NAME_SIZE].decode("utf-16-le", "replace")
        reading.envelope.setdefault("set_names", []).append(name.partition("\0")[0])
        stream.seek(_RECORDS_AT)
        while data := stream.read(BLOCK_SIZE * _RECORD):
            records = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
            yield Block(len(records), {"md5": Column(np.ascontiguousarray(records[:, :16]))})
