"""Tables whose columns are known: ThreatExchange, INTERPOL ICSE, NSRL RDS v2, HashKeeper."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hashmatch import hash_types
from hashmatch.errors import HashFormatError
from hashmatch.lists.blocks import Block, BlockBuilder
from hashmatch.lists.readers import photodna, table
from hashmatch.lists.readers.columns import ColumnMap
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.readers.source import text_lines

# how ThreatExchange's tools name the signals that are hashes
SIGNALS = {
    "pdq": "pdq",
    "video_md5": "md5",
    "md5": "md5",
    "sha1": "sha1",
    "video_sha256": "sha256",
    "sha256": "sha256",
    "photodna": "photodna",
}
_NOT_HELD = "a signal type that hashmatch does not hold"

_YES_NO = {
    text: answer
    for yes, no in (("y", "n"), ("yes", "no"), ("t", "f"), ("true", "false"))
    for text, answer in ((yes, True), (no, False))
}
_FLAGS = {
    text: answer
    for word, answer in _YES_NO.items()
    for text in (word, word.upper(), word.capitalize())
}
_ICSE_FLAGS = (
    "Is distributed", "Victim identified", "Offender identified", "File Available", "Baseline",
)  # fmt: skip

THREATEXCHANGE = ColumnMap(
    columns={
        "signal_type": "hash_type",
        "signal_str": "hash",
        "collab": "meta:collab",
        "category": "category",
        "tags": "meta:tags",
    },
    delimiter=",",
    values={"hash_type": SIGNALS},
)
ICSE = ColumnMap(
    columns={"Image ID": "id", **{name: f"meta:{name}" for name in _ICSE_FLAGS}},
    delimiter=";",
    values={f"meta:{name}": _FLAGS for name in _ICSE_FLAGS},
)
NSRL_TEXT = ColumnMap(delimiter=",", encoding="latin-1")
HASHKEEPER = ColumnMap(columns={"hash": "md5", "file_id": "meta:file_id"}, delimiter=",")

# lower-case header names by which each is known
HEADERS: dict[str, frozenset[str]] = {
    "threatexchange-csv": frozenset({"signal_type", "signal_str"}),
    "icse": frozenset({"md5", "sha1", "photodna", "image id", "baseline"}),
    "nsrl-text": frozenset({"sha-1", "md5", "productcode", "specialcode"}),
    "hashkeeper": frozenset({"file_id", "hashset_id", "hash"}),
}


def read_threatexchange_csv(reading: Reading, path: str) -> Iterator[Block]:
    """Read what ``threatexchange dataset --print-signals --csv`` prints."""
    return table.read_mapped(reading, path, THREATEXCHANGE)


def read_icse(reading: Reading, path: str) -> Iterator[Block]:
    """Read a CSV export of INTERPOL's ICSE database."""
    return table.read_mapped(reading, path, ICSE)


def read_nsrl_text(reading: Reading, path: str) -> Iterator[Block]:
    """Read ``NSRLFile.txt`` of RDS v2."""
    return table.read_mapped(reading, path, NSRL_TEXT)


def read_hashkeeper(reading: Reading, path: str) -> Iterator[Block]:
    """Read a HashKeeper ``.hsh`` file; its hashes are MD5."""
    return table.read_mapped(reading, path, HASHKEEPER)


def read_threatexchange_text(reading: Reading, path: str) -> Iterator[Block]:
    """Read ``signal_type value`` lines, or bare values of the type that was said."""
    builder = BlockBuilder()
    for number, line in text_lines(path, reading.problems):
        text = line.strip()
        if not text:
            continue
        signal, _, value = text.rpartition(" ")
        name = SIGNALS.get(signal.strip()) if signal else reading.hash_type
        if name is None:
            reading.problems.add(path, number, _NOT_HELD if signal else "the line names no type")
            continue
        try:
            parse = photodna.parse if name == "photodna" else hash_types.get(name).parse
            builder.add([(name, parse(value), None)])
        except HashFormatError as error:
            reading.problems.add(path, number, str(error))
        if builder.full:
            yield builder.take()
    if builder.count:
        yield builder.take()


SIGNAL_LINE = re.compile(rf"({'|'.join(SIGNALS)}) \S+")
