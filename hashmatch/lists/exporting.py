"""Every live entry of every list, in batches ready for compiling into indexes."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring

import numpy as np
from numpy.typing import NDArray

from hashmatch.lists import block_store, quarantine
from hashmatch.lists.blocks import UNMAPPED, Block, Codes, Rows
from hashmatch.lists.info import ListInfo
from hashmatch.lists.versions import Member

HELD_CATEGORY = "category is held"
QUARANTINED = "in quarantine"


@dataclass(frozen=True, slots=True)
class Source:
    """One list of an export: its facts, labels, live blocks and values on most records."""

    list_id: int
    info: ListInfo
    labels: Mapping[str, str]
    members: Sequence[Member]
    repeated: frozenset[tuple[str, bytes]] = frozenset()


@dataclass(frozen=True, slots=True)
class Batch:
    """Some tens of thousands of entries.

    Parameters
    ----------
    values : dict
        By hash type: codes (n, size) uint8, the number of each code's entry (n,) uint32, and
        qualities (n,) uint8 with 255 for unknown.
    records : list of bytes
        One JSON object per entry: ``list`` (index into the export's lists), ``id``, and where
        there are any ``category`` and ``meta``.
    """

    values: dict[str, tuple[Codes, Rows, NDArray[np.uint8]]]
    records: list[bytes]


@dataclass(slots=True)
class Export:
    """The live entries as of one moment. Entries are numbered from 0 in the order given.

    Parameters
    ----------
    lists : list of ListInfo
    generation : int
        The catalog's at that moment.
    left_out : Counter
        Values and entries that are kept but not matched, by reason; complete at the end.
    """

    lists: list[ListInfo]
    generation: int
    _connection: sqlite3.Connection
    _sources: Sequence[Source]
    left_out: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Batch]:
        """Give the entries batch by batch."""
        number = 0
        for index, source in enumerate(self._sources):
            held = quarantine.Screen(self._connection, source.list_id)
            for member in source.members:
                block = block_store.load(self._connection, member.block_id)
                keep = member.alive & self._matched(source, held, block)
                if not keep.all():
                    block = block.take(np.flatnonzero(keep))
                if not block.count:
                    continue
                yield Batch(
                    self._values(source, block, held, number), list(_records(index, source, block))
                )
                number += block.count

    def _matched(self, source: Source, held: quarantine.Screen, block: Block) -> NDArray[np.bool_]:
        """Mark the entries that are not held as a whole."""
        keep = ~held.entries(block.keys())
        if not keep.all():
            self.left_out[QUARANTINED] += int((~keep).sum())
        if source.info.held_categories and block.categories:
            unwanted = set(source.info.held_categories)
            category = np.array([code in unwanted for code in block.categories], bool)
            self.left_out[HELD_CATEGORY] += int((category & keep).sum())
            keep &= ~category
        return keep

    def _values(
        self, source: Source, block: Block, held: quarantine.Screen, first: int
    ) -> dict[str, tuple[Codes, Rows, NDArray[np.uint8]]]:
        values = {}
        for name, column in block.values.items():
            rows = column.row_numbers()
            keep = ~held.values(name, block.keys(), rows)
            if not keep.all():
                self.left_out[f"{name} value {QUARANTINED}"] += int((~keep).sum())
            for value in (value for other, value in source.repeated if other == name):
                common = (column.codes == np.frombuffer(value, np.uint8)).all(axis=1)
                self.left_out[f"{name} value on most records"] += int((common & keep).sum())
                keep &= ~common
            if not keep.all():
                column = column.select(keep, block.count)
                rows = column.row_numbers()
            if len(column.codes):
                numbers = (rows + np.uint32(first)).astype(np.uint32)
                values[name] = (column.codes, numbers, column.quality_numbers())
        return values


def live_export(
    connection: sqlite3.Connection, sources: Sequence[Source], generation: int
) -> Export:
    """Return an export of the live versions."""
    return Export([source.info for source in sources], generation, connection, sources)


def _records(index: int, source: Source, block: Block) -> Iterator[bytes]:
    """Give the JSON record of each entry."""
    head = b'{"list":%d,"id":' % index
    if block.ids is None:
        ids = [b'"' + name + b'"' for name in _as_bytes(block)]
    else:
        ids = [encode_basestring(name).encode("utf-8", "replace") for name in block.entry_ids()]
    if block.categories is None and block.metadata is None:
        for name in ids:
            yield head + name + b"}"
        return
    scheme = source.info.scheme or UNMAPPED
    codes = set(block.categories or ()) - {None}
    category = {code: _category(scheme, str(code), source.labels) for code in codes}
    for row, name in enumerate(ids):
        record = head + name
        if block.categories is not None and (code := block.categories[row]) is not None:
            record += b',"category":' + category[code]
        if block.metadata is not None and (facts := block.metadata[row]) is not None:
            record += b',"meta":' + facts
        yield record + b"}"


def _as_bytes(block: Block) -> list[bytes]:
    return [name.encode("ascii") for name in block.entry_ids()]


def _category(scheme: str, code: str, labels: Mapping[str, str]) -> bytes:
    label = labels.get(code)
    shown = "null" if label is None else encode_basestring(label)
    text = (
        f'{{"scheme":{encode_basestring(scheme)},"code":{encode_basestring(code)},"label":{shown}}}'
    )
    return text.encode("utf-8", "replace")
