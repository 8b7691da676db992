"""NCMEC Hash Sharing API v2: saved XML pages of ``entries`` queries.

One odd record costs itself, never its page. Entries are keyed by member and id; the newest record
of a key counts, whatever the order of pages, and ``deletedImage``/``deletedVideo`` take it away.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from hashmatch import hash_types
from hashmatch.errors import HashFormatError, ListFormatError
from hashmatch.lists.blocks import Block, BlockBuilder, as_metadata
from hashmatch.lists.readers import photodna
from hashmatch.lists.readers.reading import Deletion, Reading
from hashmatch.lists.readers.source import open_source

SCHEME = "ncmec"
NO_VALUE = "only hashes that hashmatch does not hold"

_FINGERPRINTS = {"md5": "md5", "sha1": "sha1", "pdna": "photodna", "pdq": "pdq"}
_DELETED = "deleted"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_OLDEST = -(1 << 63)


def read_ncmec(reading: Reading, path: str) -> Iterator[Block]:
    """Read one page, or many pages' entries saved as one document."""
    reading.ordered = True
    page = _Page(reading, path)
    depth = 0
    open_elements: list[Element] = []
    try:
        with open_source(path) as stream:
            for event, element in iterparse(stream, ("start", "end"), forbid_dtd=True):
                if event == "start":
                    open_elements.append(element)
                    depth += 1
                    if depth == 1 and _tag(element) != "queryResult":
                        raise ListFormatError(path, "is no NCMEC page: no queryResult element")
                    continue
                open_elements.pop()
                depth -= 1
                if depth == 2 and _tag(open_elements[1]) != "paging":
                    page.add(element)
                    open_elements[1].clear()
                elif depth == 2 and _tag(element) == "next":
                    page.has_next = True
                if page.builder.full:
                    yield page.builder.take()
    except (ParseError, ValueError) as error:
        if isinstance(error, ListFormatError):
            raise
        if isinstance(error, DefusedXmlException):
            raise ListFormatError(path, "declares entities or a DTD, which no page does") from None
        broken = "truncated" if "no element found" in str(error) else "not well-formed"
        raise ListFormatError(path, f"is {broken} XML") from None
    if page.builder.count:
        yield page.builder.take()
    if page.has_next and path == reading.files[-1]:
        reading.warnings.append(
            f"{path} says that more pages follow; import all pages of a query together"
        )


class _Page:
    """Turns the records of one page into entries and deletions."""

    def __init__(self, reading: Reading, path: str) -> None:
        self._reading, self._path = reading, path
        self.builder = BlockBuilder()
        self.has_next = False
        self._number = 0

    def add(self, record: Element) -> None:
        """Add one record."""
        self._number += 1
        kind = _tag(record)
        children = {_tag(child): child for child in record}
        member, entry = children.get("member"), children.get("id")
        member_id = (member.get("id") or "").strip() if member is not None else ""
        entry_id = (entry.text or "").strip() if entry is not None else ""
        if not member_id.isascii() or not member_id.isdigit():
            self._problem("the record has no member id that is a number")
            return
        if not entry_id:
            self._problem("the record has no id")
            return
        key = f"{member_id}:{entry_id}"
        stamp = self._stamp(children.get("timestamp"))
        if kind.startswith(_DELETED):
            self._reading.deletions.append(Deletion(key, stamp))
            return
        facts: dict[str, Any] = {
            "member": (member.text or "").strip() if member is not None else ""
        }
        if kind not in ("image", "video"):
            facts["kind"] = kind
        elif kind == "video":
            facts["kind"] = "video"
        values: list[tuple[str, bytes, int | None]] = []
        failed = False
        for name, child in children.items():
            if name == "fingerprints":
                failed = not self._fingerprints(child, values, facts)
            elif name == "timestamp" and child.text:
                facts["timestamp"] = child.text.strip()
            elif name not in ("member", "id", "classification"):
                facts[name] = _raw(child)
        if not values:
            if not failed:
                self._reading.left_out[NO_VALUE] += 1
            return
        classification = children.get("classification")
        code = (classification.text or "").strip() if classification is not None else ""
        self.builder.add(
            values,
            entry_id=key,
            category=code or None,
            metadata=as_metadata(facts),
            stamp=_OLDEST if stamp is None else stamp,
        )

    def _fingerprints(
        self, parent: Element, values: list[tuple[str, bytes, int | None]], facts: dict[str, Any]
    ) -> bool:
        """Read the values; False if one that should be readable is not."""
        good = True
        for child in parent:
            tag, text = _tag(child), (child.text or "").strip()
            if not text:  # a large one, given as a link that must not be stored
                facts.setdefault("large_fingerprints", []).append(tag)
                continue
            name = _FINGERPRINTS.get(tag)
            if name is None:
                facts.setdefault("fingerprints", {})[tag] = text
                continue
            try:
                parse = photodna.parse if name == "photodna" else hash_types.get(name).parse
                values.append((name, parse(text), None))
            except HashFormatError as error:
                self._problem(str(error))
                good = False
        return good

    def _stamp(self, element: Element | None) -> int | None:
        text = (element.text or "").strip() if element is not None else ""
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            self._problem("the timestamp cannot be read; the record counts as the oldest")
            return None
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return (when - _EPOCH) // _MICROSECOND

    def _problem(self, reason: str) -> None:
        self._reading.problems.add(self._path, f"record {self._number}", reason)


def _tag(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def _raw(element: Element) -> Any:
    """Return an element that hashmatch does not interpret as JSON values."""
    shape: dict[str, Any] = dict(element.attrib)
    for child in element:
        shape.setdefault(_tag(child), []).append(_raw(child))
    text = (element.text or "").strip()
    if not shape:
        return text
    return {**shape, "text": text} if text else shape
