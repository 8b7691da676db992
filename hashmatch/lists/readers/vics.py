"""VICS (Project VIC) JSON 1.1 to 2.0: hash sets and cases, read record by record.

What a file is, its structure decides: the context string is wrong in too many exports. Records
are an array under ``value`` (or its known stand-ins), the whole document, or the ``Media`` of case
objects; everything else a file or a record says is kept as it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import ijson

from hashmatch import hash_types
from hashmatch.errors import HashFormatError, ListFormatError
from hashmatch.lists.blocks import Block, BlockBuilder, as_metadata
from hashmatch.lists.readers import photodna
from hashmatch.lists.readers.nesting import guarded
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.readers.source import open_utf8

CONTEXT = re.compile(r"DataModels/(\d\.\d)\.xml(?:/(\w+)/)?", re.IGNORECASE)
VERSIONS = ("1.1", "1.2", "1.3", "2.0")
CONTEXT_KEYS = ("@odata.context", "odata.metadata")

_CONTAINERS = ("value", "Media", "media", "objects", "data")
_HASH_FIELDS = {
    "MD5": "md5", "SHA1": "sha1", "SHA256": "sha256", "PhotoDNA": "photodna", "PDNA": "photodna",
}  # fmt: skip
_HASH_NAMES = {name.upper(): name for name in hash_types.names()} | {"PDNA": "photodna"}
ENTRY_ID = "hashmatchEntryID"
"""The field in which our own writer keeps an id the source of the list gave an entry."""

_FLAGS = (
    "VictimIdentified", "OffenderIdentified", "IsDistributed", "IsPrecategorized", "IsSuspected",
    "SelfGenerated",
)  # fmt: skip
_TRAILING = re.compile(
    rb'\]\s*((?:,\s*"[^"\\]*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[-+.eE\d]+|true|false|null)\s*)+)\}\s*\Z'
)
_TAIL = 1 << 14
_TELLING = {*_HASH_FIELDS, "MediaID", "AlternativeHashes"}
"""Names by one of which a record is known."""


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its names came twice, and with what."""

    __slots__ = ("repeated",)

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self:
            if not hasattr(self, "repeated"):
                self.repeated: list[tuple[str, Any]] = []
            self.repeated.append((name, self[name]))
        dict.__setitem__(self, name, value)


@dataclass(slots=True)
class _Shape:
    """Where the records of a file are, and what stood before them."""

    prefix: str
    """ijson's name for the items of the array that holds records or cases."""
    cases: bool
    envelope: dict[str, Any] = field(default_factory=dict)


def read_vics(reading: Reading, path: str) -> Iterator[Block]:
    """Read one VICS file; several files of one reading are parts of one set."""
    shape = _shape(path)
    if shape.cases:
        skeleton = _skeleton(path, shape)
        reading.envelope.setdefault("documents", []).append(skeleton)
    else:
        shape.envelope |= _trailing(path)
        reading.envelope.setdefault("documents", []).append(shape.envelope)
    _check_context(reading, path, shape.envelope)
    records = _Records(reading, path)
    inner = f"{shape.prefix}.Media.item" if shape.cases else shape.prefix
    for number, item in enumerate(_items(path, inner), 1):
        records.add(item, str(number))
        if records.builder.full:
            yield records.builder.take()
    if shape.cases:
        for number, stray in enumerate(_strays(skeleton, shape), 1):
            records.add(stray, f"{number} outside any case")
    if records.builder.count:
        yield records.builder.take()


class _Records:
    """Turns the Media records of one file into entries."""

    def __init__(self, reading: Reading, path: str) -> None:
        self._reading, self._path = reading, path
        self.builder = BlockBuilder()

    def add(self, item: Any, number: str) -> None:
        """Add the entry of one record, or of every record of a case met among records."""
        if not isinstance(item, dict):
            self._problem(number, "not an object")
            return
        media = item.get("Media")
        if isinstance(media, list):  # a case where records were expected
            for inner, record in enumerate(media, 1):
                self.add(record, f"{number}, media {inner}")
            return
        try:
            self._add(item, number)
        except RecursionError:
            self._problem(number, "nested too deeply")

    def _add(self, record: dict[str, Any], number: str) -> None:
        values: list[tuple[str, bytes, int | None]] = []
        facts: dict[str, Any] = {}
        category: str | None = None
        entry_id: str | None = None
        for name, raw in record.items():
            if raw is None or raw == "":
                continue
            if name in _HASH_FIELDS:
                self._value(values, _HASH_FIELDS[name], raw, number)
            elif name == "Category":
                category = self._category(raw, number)
            elif name == "AlternativeHashes":
                rest = self._alternatives(values, raw, number)
                if rest:
                    facts[name] = rest
            elif name in _FLAGS:
                facts[name] = _flag(raw)
            elif name == "MediaSize" and isinstance(raw, str) and raw.isdigit():
                facts[name] = int(raw)
            elif name == ENTRY_ID:
                entry_id = str(raw)
            elif name != "MediaID" and "odata." not in name:
                facts[name] = raw
        for name, raw in getattr(record, "repeated", ()):
            self._problem(number, "a name occurs twice in the record")
            if name in _HASH_FIELDS and raw:
                self._value(values, _HASH_FIELDS[name], raw, number)
            elif raw is not None:
                facts.setdefault("repeated", {}).setdefault(name, []).append(raw)
        if not values:
            self._problem(number, "the record has no hash that can be used")
            return
        if "MediaFiles" in facts:
            facts["MediaFiles"] = _files(facts["MediaFiles"], values)
        self.builder.add(values, entry_id=entry_id, category=category, metadata=as_metadata(facts))

    def _value(
        self,
        values: list[tuple[str, bytes, int | None]],
        name: str,
        raw: Any,
        number: str,
        quality: int | None = None,
    ) -> None:
        try:
            if not isinstance(raw, str):
                raise HashFormatError(f"a {name} value must be text")
            parse = photodna.parse if name == "photodna" else hash_types.get(name).parse
            found = (name, parse(raw), quality)
        except HashFormatError as error:
            self._problem(number, str(error))
            return
        if found not in values:
            values.append(found)

    def _alternatives(
        self, values: list[tuple[str, bytes, int | None]], raw: Any, number: str
    ) -> list[Any]:
        """Take the hashes hashmatch holds and return the others as they are."""
        rest = []
        for item in raw if isinstance(raw, list) else [raw]:
            said = item.get("HashName") if isinstance(item, dict) else None
            folded = re.sub(r"[^A-Z0-9]", "", said.upper()) if isinstance(said, str) else ""
            if folded not in _HASH_NAMES:
                rest.append(item)
            elif item.get("HashValue"):
                quality = item.get("Quality")
                known = quality if type(quality) is int and 0 <= quality <= 100 else None
                self._value(values, _HASH_NAMES[folded], item["HashValue"], number, known)
        return rest

    def _category(self, raw: Any, number: str) -> str | None:
        if isinstance(raw, str):
            return raw.strip() or None
        if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
            self._problem(number, "the category is neither a number nor text; kept without")
            return None
        return str(int(raw)) if raw == int(raw) else str(raw)

    def _problem(self, number: str, reason: str) -> None:
        self._reading.problems.add(self._path, f"record {number}", reason)


def _flag(raw: Any) -> Any:
    """Read a flag that may be the text "false", which is not false to Python."""
    if isinstance(raw, str) and raw.strip().lower() in ("true", "false"):
        return raw.strip().lower() == "true"
    return raw


def _files(raw: Any, values: list[tuple[str, bytes, int | None]]) -> Any:
    """Drop the record's own MD5 from its files: hash values do not belong into metadata."""
    if not isinstance(raw, list):
        return raw
    own = {value.hex() for name, value, _ in values if name == "md5"}
    return [
        {k: v for k, v in item.items() if k != "MD5" or str(v).lower() not in own}
        if isinstance(item, dict)
        else item
        for item in raw
    ]


def _shape(path: str) -> _Shape:
    """Read a file's beginning until it is clear where its records are."""
    envelope: dict[str, Any] = {}
    container, name, names, seen = "", "", set[str](), list[str]()
    with open_utf8(path) as stream, _explained(path):
        for prefix, event, value in ijson.parse(guarded(stream, path)):
            if event == "start_array" and (prefix == "" or prefix in _CONTAINERS):
                container, names = (f"{prefix}.item" if prefix else "item"), set()
                seen.append(container)
            elif container and event == "start_array" and prefix == f"{container}.Media":
                return _Shape(container, True, envelope)
            elif container and prefix == container and event == "map_key":
                names.add(value)
            elif container and prefix == container and event == "end_map":
                if names & _TELLING:
                    return _Shape(container, False, envelope)
                container = ""  # an array of something else
            elif event == "map_key" and prefix == "":
                name = value
            elif prefix == name and event in ("string", "number", "boolean"):
                envelope[name] = value
    if seen:
        return _Shape("value.item" if "value.item" in seen else seen[0], False, envelope)
    if _TELLING & set(envelope):
        return _Shape("", False)
    raise ListFormatError(path, "holds no VICS records: neither 'value' nor 'Media' is there")


def _items(path: str, prefix: str) -> Iterator[Any]:
    with open_utf8(path) as stream, _explained(path):
        yield from ijson.items(guarded(stream, path), prefix, map_type=_Object)


def _skeleton(path: str, shape: _Shape) -> dict[str, Any]:
    """Return a case file without its records: contexts, case fields, whatever vendors add."""
    inner = f"{shape.prefix}.Media.item"
    builder = ijson.ObjectBuilder()
    with open_utf8(path) as stream, _explained(path):
        for prefix, event, value in ijson.parse(guarded(stream, path)):
            if not prefix.startswith(inner):
                builder.event(event, value)
    found = builder.value
    return found if isinstance(found, dict) else {"value": found}


def _strays(skeleton: dict[str, Any], shape: _Shape) -> Iterator[Any]:
    """Give records that stand beside the cases of a case file."""
    container = shape.prefix.removesuffix(".item") if "." in shape.prefix else "value"
    cases = skeleton.get(container)
    if isinstance(cases, list):
        skeleton[container] = [case for case in cases if _is_case(case)]
        yield from (record for record in cases if not _is_case(record))


def _is_case(item: Any) -> bool:
    return isinstance(item, dict) and ("Media" in item or "CaseID" in item)


def _trailing(path: str) -> dict[str, Any]:
    """Return what a hash set says after its records, where it is plain values."""
    with open_utf8(path) as stream:
        tail = b""
        while piece := stream.read(1 << 20):
            tail = (tail + piece)[-_TAIL:]
    found = _TRAILING.search(tail)
    if found is None:
        return {}
    text = b"{" + found[1].lstrip(b", \r\n\t") + b"}"
    return dict(next(ijson.items(text, "")))


def _check_context(reading: Reading, path: str, envelope: dict[str, Any]) -> None:
    said = next((envelope[key] for key in CONTEXT_KEYS if key in envelope), None)
    found = CONTEXT.search(said) if isinstance(said, str) else None
    if found is None or found[1] not in VERSIONS:
        reading.warnings.append(
            f"{path}: the VICS version is not one of {', '.join(VERSIONS)}; read by its structure"
        )


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn what ijson raises into our error, without the content it quotes."""
    try:
        yield
    except ijson.JSONError as error:
        if "premature EOF" in str(error):
            message = "is truncated: the JSON breaks off before its end"
        else:
            message = "is not valid JSON"
        raise ListFormatError(path, message) from None
    except UnicodeError as error:
        raise ListFormatError(path, f"is not valid JSON: {type(error).__name__}") from None
