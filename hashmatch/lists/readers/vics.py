"""VICS (Project VIC) JSON 1.1 to 2.0: hash sets and cases, read record by record.

What a file is, its structure decides: the context string is wrong in too many exports. Records
are an array under ``value`` (or its known stand-ins), the whole document, or the ``Media`` of case
objects; everything else a file or a record says is kept as it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hashmatch import hash_types
from hashmatch.errors import HashFormatError, ListFormatError
from hashmatch.lists.blocks import Block, BlockBuilder, as_metadata
from hashmatch.lists.readers import photodna
from hashmatch.lists.readers.hexadecimal import parser
from hashmatch.lists.readers.json_stream import JsonStream, Repeated
from hashmatch.lists.readers.reading import Reading

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
_OTHER_KINDS = {
    "Category": "category", "MediaSize": "size", "AlternativeHashes": "alternatives",
    ENTRY_ID: "id",
}  # fmt: skip
_PARSERS = {name: parser(name) for name in hash_types.names()} | {"photodna": photodna.parse}
_TELLING = {*_HASH_FIELDS, "MediaID", "AlternativeHashes"}
"""Names by one of which a record is known."""


def read_vics(reading: Reading, path: str) -> Iterator[Block]:
    """Read one VICS file; several files of one reading are parts of one set."""
    stream = JsonStream(path)
    document = _Document(stream)
    records = _Records(reading, path)
    try:
        for number, record in enumerate(document.records(), 1):
            records.add(record, number)
            if records.builder.full:
                yield records.builder.take()
        stream.finish()
    finally:
        stream.close()
    if records.builder.count:
        yield records.builder.take()
    if not document.found:
        raise ListFormatError(path, "holds no VICS records: neither 'value' nor 'Media' is there")
    if document.cases:
        document.envelope["value"] = document.cases
    reading.envelope.setdefault("documents", []).append(document.envelope)
    _check_context(reading, path, document.envelope)


class _Document:
    """Finds the records of a document, whatever is wrapped around them."""

    def __init__(self, stream: JsonStream) -> None:
        self._stream = stream
        self.envelope: dict[str, Any] = {}
        self.cases: list[dict[str, Any]] = []
        self.found = False

    def records(self) -> Iterator[Any]:
        """Give every record, and fill the envelope with the rest of the document."""
        stream = self._stream
        opening = stream.peek()
        if opening == "[":
            yield from self._array()
        elif opening == "{":
            for name in stream.members():
                if name in _CONTAINERS and stream.peek() == "[":
                    yield from self._array()
                else:
                    self.envelope[name] = stream.value()
            if not self.found and _TELLING & set(self.envelope):
                self.found = True
                yield dict(self.envelope)
                self.envelope.clear()
        else:
            self.envelope["value"] = stream.value()

    def _array(self) -> Iterator[Any]:
        self.found = True
        for item, complete in self._stream.values():
            if not complete and self._stream.peek() == "{":
                yield from self._entered()
            elif not complete:
                yield self._stream.value()
            elif isinstance(item, dict) and _is_case(item):
                media = item.pop("Media", None)
                self.cases.append(item)
                yield from media if isinstance(media, list) else ()
            else:
                yield item

    def _entered(self) -> Iterator[Any]:
        """Give the records of an object too large to be decoded whole: a case, surely."""
        fields: dict[str, Any] = {}
        media = False
        for name in self._stream.members():
            if name == "Media" and self._stream.peek() == "[":
                media = True
                for record, complete in self._stream.values():
                    yield record if complete else self._stream.value()
            else:
                fields[name] = self._stream.value()
        if media or _is_case(fields):
            self.cases.append(fields)
        else:
            yield fields


def _is_case(item: dict[str, Any]) -> bool:
    return isinstance(item.get("Media"), list) or ("CaseID" in item and not _TELLING & set(item))


class _Records:
    """Turns the Media records of one file into entries."""

    def __init__(self, reading: Reading, path: str) -> None:
        self._reading, self._path = reading, path
        self.builder = BlockBuilder()
        self._kinds: dict[str, str] = {}

    def add(self, record: Any, number: int) -> None:
        """Add the entry of one record, or count what is wrong with it."""
        if not isinstance(record, dict):
            self._problem(number, "not an object")
            return
        values: list[tuple[str, bytes, int | None]] = []
        facts: dict[str, Any] = {}
        category: str | None = None
        entry_id: str | None = None
        kinds = self._kinds
        for name, raw in record.items():
            if raw is None or raw == "":
                continue
            kind = kinds.get(name)
            if kind is None:
                kind = kinds[name] = _kind(name)
            if kind == "fact":
                facts[name] = raw
            elif kind == "flag":
                facts[name] = raw if raw is True or raw is False else _flag(raw)
            elif kind == "hash":
                self._value(values, _HASH_FIELDS[name], raw, number)
            elif kind == "category":
                category = self._category(raw, number)
            elif kind == "size":
                facts[name] = int(raw) if isinstance(raw, str) and raw.isdecimal() else raw
            elif kind == "alternatives":
                if rest := self._alternatives(values, raw, number):
                    facts[name] = rest
            elif kind == "id":
                entry_id = str(raw)
        if isinstance(record, Repeated):
            self._earlier(record, values, facts, number)
        if not values:
            self._problem(number, "the record has no hash that can be used")
            return
        if "MediaFiles" in facts:
            facts["MediaFiles"] = _files(facts["MediaFiles"], values)
        try:
            metadata = as_metadata(facts)
        except RecursionError:
            self._problem(number, "nested too deeply")
            return
        self.builder.add(values, entry_id=entry_id, category=category, metadata=metadata)

    def _earlier(
        self,
        record: Repeated,
        values: list[tuple[str, bytes, int | None]],
        facts: dict[str, Any],
        number: int,
    ) -> None:
        """Keep what names that come twice said first: a hash above all must not be lost."""
        for name, raw in record.earlier:
            self._problem(number, "a name occurs twice in the record")
            if name in _HASH_FIELDS and raw:
                self._value(values, _HASH_FIELDS[name], raw, number)
            elif raw is not None:
                facts.setdefault("repeated", {}).setdefault(name, []).append(raw)

    def _value(
        self,
        values: list[tuple[str, bytes, int | None]],
        name: str,
        raw: Any,
        number: int,
        quality: int | None = None,
    ) -> None:
        try:
            if not isinstance(raw, str):
                raise HashFormatError(f"a {name} value must be text")
            found = (name, _PARSERS[name](raw), quality)
        except HashFormatError as error:
            self._problem(number, str(error))
            return
        if found not in values:
            values.append(found)

    def _alternatives(
        self, values: list[tuple[str, bytes, int | None]], raw: Any, number: int
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

    def _category(self, raw: Any, number: int) -> str | None:
        if isinstance(raw, str):
            return raw.strip() or None
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            self._problem(number, "the category is neither a number nor text; kept without")
            return None
        return str(int(raw)) if raw == raw // 1 else str(raw)

    def _problem(self, number: int, reason: str) -> None:
        self._reading.problems.add(self._path, f"record {number}", reason)


def _kind(name: str) -> str:
    """Return what is done with a field of this name."""
    if name in _HASH_FIELDS:
        return "hash"
    if name in _FLAGS:
        return "flag"
    if name == "MediaID" or "odata." in name:  # of the file only; link noise
        return "nothing"
    return _OTHER_KINDS.get(name, "fact")


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


def _check_context(reading: Reading, path: str, envelope: dict[str, Any]) -> None:
    said = next((envelope[key] for key in CONTEXT_KEYS if key in envelope), None)
    found = CONTEXT.search(said) if isinstance(said, str) else None
    if found is None or found[1] not in VERSIONS:
        reading.warnings.append(
            f"{path}: the VICS version is not one of {', '.join(VERSIONS)}; read by its structure"
        )
