"""The formats, by name: who reads each, and what the name means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hashmatch.lists.blocks import Block
from hashmatch.lists.readers import table, text
from hashmatch.lists.readers.reading import Reading


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read.

    Parameters
    ----------
    title : str
        What it is, in a few words.
    read : callable
        Gives the blocks of one file.
    scheme : str or None
        The scheme of its category codes, where the format itself defines them.
    """

    title: str
    read: Callable[[Reading, str], Iterator[Block]]
    scheme: str | None = None


FORMATS: dict[str, Format] = {
    "text": Format("one hash value a line", text.read_plain),
    "pdq-text": Format("hash value, comma, free text", text.read_pdq),
    "sums": Format("md5sum, sha1sum and sha256sum, plain or BSD style", text.read_sums),
    "csv": Format("table with a header or a column map", table.read_table),
}
