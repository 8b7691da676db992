"""Tables: CSV and its kin, with a header or a column map that says what the columns are."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hashmatch import hash_types
from hashmatch.errors import HashFormatError, ListFormatError
from hashmatch.hash_types import HashKind
from hashmatch.lists.blocks import Block, BlockBuilder, as_metadata
from hashmatch.lists.readers import columns, photodna
from hashmatch.lists.readers.columns import ColumnMap
from hashmatch.lists.readers.hexadecimal import Lengths
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.readers.source import text_lines

DELIMITERS = ",;\t|"
_LONGEST_ROW = 64
"""Lines a quoted cell may span before its quote counts as never closed."""


def read_table(reading: Reading, path: str) -> Iterator[Block]:
    """Read a table by the reading's column map, or by the names in its header."""
    said: ColumnMap = reading.options.get("columns") or ColumnMap()
    return read_mapped(reading, path, said, complete=True)


def read_mapped(
    reading: Reading, path: str, said: ColumnMap, *, complete: bool = False
) -> Iterator[Block]:
    """Read a table by a column map, each column of which must be there if ``complete``."""
    lines = logical_lines(reading, path, said.encoding)
    first = next(lines, None)
    while first is not None and not first[1].strip():
        first = next(lines, None)
    if first is None:
        raise ListFormatError(path, "the file is empty")
    delimiter = said.delimiter or likely_delimiter(first[1])
    header = cells_of(first[1], delimiter)
    if header is None:
        raise ListFormatError(path, "the header cannot be taken apart into cells", first[0])
    if not said.header:
        lines = _chain(first, lines)
        header = [str(number) for number in range(1, len(header) + 1)]
    if complete:
        _check_complete(path, header, said)
    row_reader = RowReader(reading, path, header, said)
    builder = BlockBuilder()
    for number, line in lines:
        if not line.strip():
            continue
        cells = cells_of(line, delimiter)
        if cells is None:
            reading.problems.add(path, number, "the row cannot be taken apart into cells")
            continue
        row_reader.add(builder, number, cells)
        if builder.full:
            yield builder.take()
    if builder.count:
        yield builder.take()


class RowReader:
    """Turns the cells of one table's rows into entries.

    Raises
    ------
    ListFormatError
        If no column holds a hash value.
    """

    def __init__(self, reading: Reading, path: str, header: Sequence[str], said: ColumnMap) -> None:
        self._reading, self._path = reading, path
        self._fields = [said.field_of(name, number) for number, name in enumerate(header, 1)]
        if not columns.NAMES_OF_HASHES & set(self._fields):
            raise ListFormatError(
                path,
                "no column is known to hold hash values; name one with --map COLUMN=TYPE, such as "
                "--map checksum=md5",
                1,
            )
        self._lengths = Lengths(reading.hash_type)
        self._maps = {name: {k.strip(): v for k, v in m.items()} for name, m in said.values.items()}
        self._fixed = dict(said.fixed)

    def add(self, builder: BlockBuilder, line: int, cells: Sequence[str]) -> None:
        """Add the entry of one row, or count what is wrong with it."""
        problems, path = self._reading.problems, self._path
        if len(cells) > len(self._fields):
            problems.add(path, line, "the row has more cells than the header has columns")
            return
        facts = dict(self._fixed)
        metadata: dict[str, Any] = {}
        hashes: list[tuple[str, str]] = []
        for name, cell in zip(self._fields, cells, strict=False):
            text: Any = cell.strip()
            if name in self._maps:
                text = self._maps[name].get(text, text)
            if text == "" or name == columns.IGNORE:
                continue
            if name.startswith(columns.METADATA):
                metadata[name[len(columns.METADATA) :]] = text
            elif name in columns.NAMES_OF_HASHES:
                hashes.append((name, str(text)))
            else:
                facts[name] = str(text)
        for name, fixed in self._fixed.items():
            if name.startswith(columns.METADATA):
                metadata.setdefault(name[len(columns.METADATA) :], fixed)
        values = []
        for name, text in hashes:
            try:
                values.append(self._value(line, name, text, facts))
            except HashFormatError as error:
                problems.add(path, line, str(error))
        if not values:
            if not hashes:
                problems.add(path, line, "the row has no hash value")
            return
        quality = facts.get(columns.QUALITY)
        builder.add(
            self._with_quality(line, values, quality) if quality else values,
            entry_id=facts.get(columns.ID),
            category=facts.get(columns.CATEGORY),
            metadata=as_metadata(metadata),
        )

    def _value(
        self, line: int, name: str, text: str, facts: Mapping[str, str]
    ) -> tuple[str, bytes, int | None]:
        if name == columns.HASH:
            said = facts.get(columns.HASH_TYPE)
            if said is None:
                return (*self._lengths.parse(self._path, line, text), None)
            name = said.lower().replace("-", "")
            if name not in hash_types.names():
                raise HashFormatError("a hash type that hashmatch does not hold")
        if name == "photodna":
            return name, photodna.parse(text), None
        return name, hash_types.get(name).parse(text), None

    def _with_quality(
        self, line: int, values: list[tuple[str, bytes, int | None]], text: str
    ) -> list[tuple[str, bytes, int | None]]:
        if not text.isdigit() or int(text) > 100:
            self._reading.problems.add(
                self._path, line, "a quality is a number from 0 to 100; the entry is kept without"
            )
            return values
        return [
            (name, value, int(text))
            if hash_types.get(name).kind is HashKind.PERCEPTUAL
            else (name, value, None)
            for name, value, _ in values
        ]


def _check_complete(path: str, header: Sequence[str], said: ColumnMap) -> None:
    present = {cell.strip().lower() for cell in header}
    for name in said.columns:
        numbered = name.isdigit() and 1 <= int(name) <= len(header)
        if name.strip().lower() not in present and not numbered:
            raise ListFormatError(path, f"there is no column {name!r} in the header", 1)


def logical_lines(
    reading: Reading, path: str, encoding: str | None = None
) -> Iterator[tuple[int, str]]:
    """Join physical lines where a quoted cell spans several.

    A quote that is never closed costs its own line, not the rest of the file.
    """
    lines = iter(text_lines(path, reading.problems, encoding))
    waiting: list[tuple[int, str]] = []
    while True:
        number, line = waiting.pop(0) if waiting else next(lines, (0, ""))
        if not number:
            return
        if line.count('"') % 2 == 0:
            yield number, line
            continue
        spanned = [(number, line)]
        quotes = line.count('"')
        while quotes % 2 and len(spanned) < _LONGEST_ROW:
            following = waiting.pop(0) if waiting else next(lines, (0, ""))
            if not following[0]:
                break
            spanned.append(following)
            quotes += following[1].count('"')
        if quotes % 2:
            reading.problems.add(path, number, "a quote is opened and never closed")
            waiting = spanned[1:] + waiting
        else:
            yield number, "\n".join(text for _, text in spanned)


def likely_delimiter(line: str) -> str:
    """Return the delimiter that occurs most often in a header."""
    return max(DELIMITERS, key=line.count)


def cells_of(line: str, delimiter: str) -> list[str] | None:
    """Return the cells of a row; ``None`` where quotes, line ends or length forbid it."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return None


def header_cells(line: str) -> list[str]:
    """Return the cells of a possible header; none where it cannot be one."""
    return cells_of(line, likely_delimiter(line)) or []


def _chain(first: tuple[int, str], lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from lines
