"""The formats, by name: who reads each, and what the name means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hashmatch.lists.blocks import Block
from hashmatch.lists.readers import (
    encase,
    hashdeep,
    jsonl,
    ncmec,
    presets,
    sqlite_files,
    table,
    text,
    vics,
)
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
    "hashdeep": Format("hashdeep", hashdeep.read_hashdeep),
    "csv": Format("table with a header or a column map", table.read_table),
    "vics": Format("VICS (Project VIC) JSON 1.1 to 2.0", vics.read_vics),
    "ncmec": Format("NCMEC Hash Sharing v2, saved XML pages", ncmec.read_ncmec, ncmec.SCHEME),
    "icse": Format("INTERPOL ICSE CSV", presets.read_icse),
    "threatexchange-csv": Format(
        "ThreatExchange dataset CSV", presets.read_threatexchange_csv, "threatexchange"
    ),
    "threatexchange-text": Format("ThreatExchange local file", presets.read_threatexchange_text),
    "nsrl": Format("NSRL RDS v3, or another SQLite file of hashes", sqlite_files.read_nsrl),
    "nsrl-text": Format("NSRL RDS v2, NSRLFile.txt", presets.read_nsrl_text),
    "kdb": Format("Autopsy and Sleuth Kit hash database", sqlite_files.read_kdb),
    "encase": Format("EnCase hash set", encase.read_encase),
    "hashkeeper": Format("HashKeeper hash set", presets.read_hashkeeper),
    "jsonl": Format("hashmatch JSON lines", jsonl.read_jsonl),
}
