"""Lists of one hash value a line: bare, with metadata, or as md5sum and its kin print them.

A chunk of lines is decoded at once wherever its lines have the ordinary form; the others are
read one by one, where what is wrong with them is found out and reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types, kernels
from hashmatch.errors import HashFormatError
from hashmatch.lists.blocks import Block, BlockBuilder, Column
from hashmatch.lists.readers.hexadecimal import Lengths
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.readers.source import line_chunks

_NEWLINE, _RETURN, _SPACE, _COMMA, _STAR = b"\n\r ,*"

# the lines of the tools, in full
_SUM = re.compile(r"(\\?)([0-9A-Fa-f]+) [ *](.+)")
_BSD = re.compile(r"(\\?)([A-Za-z0-9/-]+) ?\((.+)\) ?= ?([0-9A-Fa-f]+)")
_BSD_TYPES = {
    "MD5": "md5",
    "SHA1": "sha1",
    "SHA256": "sha256",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
}
_ESCAPES = {r"\\": "\\", r"\n": "\n", r"\r": "\r"}

_LineReader = Callable[[str], tuple[str | None, str, bytes | None]]
"""From a line to the hash type it names, if it does, the digits, and the metadata."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a line is laid out.

    Parameters
    ----------
    gap : int
        Characters between the digits and what follows them.
    key : bytes
        What the metadata calls what follows.
    """

    gap: int
    key: bytes


_BARE = Layout(0, b"")
_NOTED = Layout(1, b"note")
_NAMED = Layout(2, b"file_name")


def read_plain(reading: Reading, path: str) -> Iterator[Block]:
    """Read one value a line, the type told by its length or said; ``#`` starts a comment."""
    return _read(reading, path, _BARE, _plain_line)


def read_pdq(reading: Reading, path: str) -> Iterator[Block]:
    """Read ``[hash=]digits[,free text]`` a line, as the PDQ tools of ThreatExchange write."""
    return _read(reading, path, _NOTED, _noted_line)


def read_sums(reading: Reading, path: str) -> Iterator[Block]:
    """Read what md5sum, sha1sum and sha256sum print, plain or with ``--tag`` (BSD style)."""
    return _read(reading, path, _NAMED, _sum_line)


def _read(reading: Reading, path: str, layout: Layout, read_line: _LineReader) -> Iterator[Block]:
    lengths = Lengths(reading.hash_type)
    for first, chunk in line_chunks(path, reading.problems):
        fast, left = _fast(chunk, lengths, layout)
        yield from fast
        if not left:
            continue
        builder = BlockBuilder()
        for number, start, end in left:
            line = chunk[start:end].decode("utf-8", "backslashreplace").strip()
            if not line or line.startswith("#"):
                continue
            try:
                name, digits, facts = read_line(line)
                found = (
                    (name, hash_types.get(name).parse(digits))
                    if name
                    else lengths.parse(path, first + number, digits)
                )
            except HashFormatError as error:
                reading.problems.add(path, first + number, str(error))
                continue
            builder.add([(*found, None)], metadata=facts)
        if builder.count:
            yield builder.take()


def _fast(
    chunk: bytes, lengths: Lengths, layout: Layout
) -> tuple[list[Block], list[tuple[int, int, int]]]:
    """Decode the lines of ordinary form, by hash type; return the others' number and span."""
    characters = np.frombuffer(chunk, np.uint8)
    breaks = np.flatnonzero(characters == _NEWLINE)
    starts = np.empty_like(breaks)
    starts[0] = 0
    starts[1:] = breaks[:-1] + 1
    ends = breaks - ((breaks > starts) & (characters[breaks - 1] == _RETURN))
    undone = np.ones(len(breaks), bool)
    blocks = []
    for length, known in lengths.by_length.items():
        ordinary = _ordinary(characters, starts, ends, length, layout)
        if not ordinary.any():
            continue
        rows = np.flatnonzero(ordinary)
        codes, good = kernels.hexadecimal.decode_rows(characters, starts[rows], length)
        rows = rows[good]
        if not len(rows):
            continue
        undone[rows] = False
        metadata = None
        if layout.gap:
            after = length + layout.gap
            metadata = _facts(chunk, (starts[rows] + after).tolist(), ends[rows].tolist(), layout)
        block = Block(len(rows), {known.name: Column(codes[good])}, metadata=metadata)
        blocks.append(block)
    left = np.flatnonzero(undone)
    return blocks, list(zip(left.tolist(), starts[left].tolist(), ends[left].tolist(), strict=True))


def _ordinary(
    characters: NDArray[np.uint8],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
    length: int,
    layout: Layout,
) -> NDArray[np.bool_]:
    """Mark the lines that have the layout's gap right after ``length`` characters."""
    sizes = ends - starts
    bare: NDArray[np.bool_] = sizes == length
    if layout is _BARE:
        return bare
    long_enough = sizes > length + layout.gap
    after = np.where(long_enough, starts + length, 0)
    if layout is _NOTED:
        bare |= long_enough & (characters[after] == _COMMA)
        return bare
    second = characters[np.minimum(after + 1, len(characters) - 1)]
    spaced = (characters[after] == _SPACE) & ((second == _SPACE) | (second == _STAR))
    fits: NDArray[np.bool_] = spaced & long_enough
    return fits


def _facts(chunk: bytes, begins: list[int], ends: list[int], layout: Layout) -> list[bytes | None]:
    """Return what follows the digits of each line as metadata."""
    head = b'{"' + layout.key + b'":'
    return [
        head + encode_basestring(chunk[a:b].decode("utf-8", "backslashreplace")).encode() + b"}"
        if a < b
        else None
        for a, b in zip(begins, ends, strict=True)
    ]


def _fact(layout: Layout, text: str) -> bytes | None:
    return b'{"' + layout.key + b'":' + encode_basestring(text).encode() + b"}" if text else None


def _plain_line(line: str) -> tuple[str | None, str, bytes | None]:
    return None, line, None


def _noted_line(line: str) -> tuple[str | None, str, bytes | None]:
    digits, _, text = line.removeprefix("hash=").partition(",")
    return None, digits.strip(), _fact(_NOTED, text)


def _sum_line(line: str) -> tuple[str | None, str, bytes | None]:
    if found := _SUM.fullmatch(line):
        escaped, digits, name = found.groups()
        return None, digits, _fact(_NAMED, _unescaped(name) if escaped else name)
    if found := _BSD.fullmatch(line):
        escaped, algorithm, name, digits = found.groups()
        known = _BSD_TYPES.get(algorithm.upper())
        if known is None:
            raise HashFormatError("a digest hashmatch does not hold; it holds MD5, SHA-1, SHA-256")
        return known, digits, _fact(_NAMED, _unescaped(name) if escaped else name)
    raise HashFormatError("not a line of md5sum, sha1sum or sha256sum")


def _unescaped(name: str) -> str:
    return re.sub(r"\\[\\nr]", lambda found: _ESCAPES[found[0]], name)
