"""VICS (Project VIC) JSON 1.3 and 2.0: hash sets and cases.

What an imported record said beyond what hashmatch interprets is written back as it came, and so
is what the file said of the case, so that vendors' own fields survive a round trip.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from hashmatch.errors import ListFormatError
from hashmatch.lists.readers.vics import CONTEXT, CONTEXT_KEYS, ENTRY_ID
from hashmatch.lists.writers.listing import Listing, Written
from hashmatch.types import Entry, HashValue
from hashmatch.version import VERSION

VERSIONS = ("1.3", "2.0")
NO_MD5 = "entry without MD5, which VICS asks of every record"

_OWN_FIELDS = {"md5": "MD5", "sha1": "SHA1"}
_RESERVED = {"MediaID", "Category", "MD5", "SHA1", "SHA256", "PhotoDNA", "PDNA", ENTRY_ID}


@dataclass(frozen=True, slots=True)
class Options:
    """What to write.

    Parameters
    ----------
    version : str
        ``1.3`` or ``2.0``.
    case : bool
        Whether to write a case rather than a hash set.
    region : str or None
        The region in the context of 2.0, such as ``US``; that of the imported file if ``None``.
    """

    version: str = "2.0"
    case: bool = False
    region: str | None = None


def write_vics(listing: Listing, stream: TextIO, options: Options) -> Written:
    """Write a list as one VICS document.

    Raises
    ------
    ListFormatError
        If 2.0 is asked for and no region is known.
    """
    documents = listing.envelope.get("documents") or [{}]
    document: dict[str, Any] = dict(documents[0])
    head = {_context_key(options): _context(listing, document, options)}
    head |= {k: v for k, v in document.items() if k not in CONTEXT_KEYS and k != "value"}
    cases = document.get("value")
    other: list[Any] = []
    if options.case:
        first, *other = cases if isinstance(cases, list) and cases else [{}]
        case = {**_new_case(listing), **first}
        case.pop("Media", None)
        stream.write(_opened(head)[:-1] + _comma(head) + '"value":[' + _opened(case)[:-1])
        stream.write(_comma(case) + '"Media":[\n')
    else:
        stream.write(_opened(head)[:-1] + _comma(head) + '"value":[\n')
    written = Written()
    for entry, named in listing.entries():
        record = _record(entry, named, written.entries + 1, options)
        if record is None:
            written.left_out[NO_MD5] += 1
            continue
        stream.write(("" if written.entries == 0 else ",\n") + _opened(record))
        written.entries += 1
    rest = "".join(f",{_opened(case)}" for case in other)
    stream.write("\n]}" + rest + "]}\n" if options.case else "\n]}\n")
    return written


def _record(entry: Entry, named: bool, media_id: int, options: Options) -> dict[str, Any] | None:
    own: dict[str, HashValue] = {}
    alternatives: list[HashValue] = []
    for value in entry.hashes:
        if value.hash_type in _OWN_FIELDS and value.hash_type not in own:
            own[value.hash_type] = value
        else:
            alternatives.append(value)
    if "md5" not in own:
        return None
    md5 = own["md5"].hex.upper()
    category = entry.category.code if entry.category else None
    record: dict[str, Any] = {
        "MediaID": media_id,
        "Category": int(category) if category and category.isdecimal() else category,
        **{_OWN_FIELDS[name]: value.hex.upper() for name, value in own.items()},
    }
    if options.version == "2.0":
        for value in alternatives:
            if value.hash_type == "photodna":
                record["PhotoDNA"] = _text(value)
                alternatives.remove(value)
                break
    facts = dict(entry.metadata)
    listed = [_alternative(value, md5) for value in alternatives]
    kept = facts.pop("AlternativeHashes", [])
    if listed or kept:
        record["AlternativeHashes"] = [*listed, *(kept if isinstance(kept, list) else [kept])]
    for name, fact in facts.items():
        record[f"Other{name}" if name in _RESERVED else name] = fact
    if isinstance(files := record.get("MediaFiles"), list):
        record["MediaFiles"] = [
            {"MD5": md5, **item} if isinstance(item, dict) else item for item in files
        ]
    if named:
        record[ENTRY_ID] = entry.entry_id
    return record


def _alternative(value: HashValue, md5: str) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "MD5": md5,
        "HashName": "PhotoDNA" if value.hash_type == "photodna" else value.hash_type.upper(),
        "HashValue": _text(value),
    }
    if value.quality is not None:
        shape["Quality"] = value.quality
    return shape


def _text(value: HashValue) -> str:
    if value.hash_type == "photodna":
        return base64.b64encode(value.bytes).decode("ascii")
    return value.hex.upper()


def _context_key(options: Options) -> str:
    return "@odata.context" if options.version == "2.0" else "odata.metadata"


def _context(listing: Listing, document: Mapping[str, Any], options: Options) -> str:
    what = "Cases" if options.case else "Media"
    if options.version != "2.0":
        return f"http://github.com/ICMEC/ProjectVic/DataModels/{options.version}.xml#{what}"
    said = next((document[key] for key in CONTEXT_KEYS if key in document), "")
    found = CONTEXT.search(said) if isinstance(said, str) else None
    region = options.region or (found[2] if found else None)
    if not region:
        raise ListFormatError(
            listing.name, "VICS 2.0 names a region; say it with --region, for example --region US"
        )
    return (
        f"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/{region}/$metadata#{what}"
    )


def _new_case(listing: Listing) -> dict[str, Any]:
    return {
        "CaseID": str(uuid.uuid4()),
        "CaseNumber": listing.name,
        "SourceApplicationName": "hashmatch",
        "SourceApplicationVersion": VERSION,
    }


def _opened(shape: Mapping[str, Any]) -> str:
    return json.dumps(shape, ensure_ascii=False, separators=(",", ":"))


def _comma(shape: Mapping[str, Any]) -> str:
    return "," if shape else ""
