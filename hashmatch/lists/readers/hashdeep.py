"""hashdeep files: named columns, and a file name that comes last and may hold commas."""

from __future__ import annotations

from collections.abc import Iterator

from hashmatch import hash_types
from hashmatch.errors import HashFormatError, ListFormatError
from hashmatch.lists.blocks import Block, BlockBuilder, as_metadata
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.readers.source import text_lines

MAGIC = "%%%% HASHDEEP"
_HELD = ("md5", "sha1", "sha256")


def read_hashdeep(reading: Reading, path: str) -> Iterator[Block]:
    """Read one file; columns of hashes that hashmatch does not hold become metadata."""
    columns: list[str] = []
    builder = BlockBuilder()
    for number, line in text_lines(path, reading.problems):
        if not line.strip() or line.startswith("##"):
            continue
        if line.startswith("%%%%"):
            if not line.startswith(MAGIC):
                columns = [name.strip().lower() for name in line[4:].split(",")]
            continue
        if not columns:
            raise ListFormatError(path, "a hashdeep file names its columns first", number)
        cells = line.split(",", len(columns) - 1)
        if len(cells) < len(columns):
            reading.problems.add(path, number, "the row has fewer cells than there are columns")
            continue
        values: list[tuple[str, bytes, int | None]] = []
        facts: dict[str, object] = {}
        for name, cell in zip(columns, cells, strict=True):
            if name in _HELD:
                try:
                    values.append((name, hash_types.get(name).parse(cell), None))
                except HashFormatError as error:
                    reading.problems.add(path, number, str(error))
            elif name == "size" and cell.isdigit():
                facts["file_size"] = int(cell)
            else:
                facts["file_name" if name == "filename" else name] = cell
        if values:
            builder.add(values, metadata=as_metadata(facts))
        if builder.full:
            yield builder.take()
    if builder.count:
        yield builder.take()
