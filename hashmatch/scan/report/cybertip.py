"""A draft of the ``fileDetails`` a provider sends with a CyberTipline report, for each match.

A draft only: ``reportId`` and ``fileId`` come from the reporting service, and a person decides
what is reported. ``fileViewedByEsp`` is false, since a matcher cannot know what anybody looked at.
The order of the elements matters to the service.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO
from xml.sax.saxutils import escape, quoteattr

_LONGEST_NAME = 2056
_LONGEST_HASH = 64
_HASHES = ("md5", "sha1", "sha256", "pdq")
_NOTE = (
    "Drafts by hashmatch, one fileDetails for each matched file. Put reportId and fileId in front "
    "of the first element of each before it is sent, and let a person decide what is sent."
)


def write(records: Iterable[Mapping[str, Any]], about: Mapping[str, Any], stream: TextIO) -> None:
    """Write the drafts; see :func:`hashmatch.scan.report.html_page.write` for the parameters."""
    stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    stream.write(f"<!-- {_NOTE} -->\n<fileDetailsDrafts engine={quoteattr(about['engine'])}>\n")
    for record in records:
        if record["verdict"] == "match":
            stream.writelines(_file_details(record))
    stream.write("</fileDetailsDrafts>\n")


def _file_details(record: Mapping[str, Any]) -> Iterator[str]:
    name = record["path"].replace("\\", "/").rsplit("/", 1)[-1]
    yield "  <fileDetails>\n"
    yield _element("originalFileName", name[:_LONGEST_NAME])
    yield _element("fileViewedByEsp", "false")
    yield _element("exifViewedByEsp", "false")
    for hash_type in _HASHES:
        value = record["hashes"].get(hash_type)
        if value is not None and len(value["hex"]) <= _LONGEST_HASH:
            yield _element(
                "originalFileHash", value["hex"], attributes=f' hashType="{hash_type.upper()}"'
            )
    yield "    <details>\n"
    for number, hit in enumerate(record["hits"], 1):
        yield '      <nameValuePair type="HASH">\n'
        yield _element("name", f"hit {number}", depth=4)
        yield _element("value", _said(hit), depth=4)
        yield "      </nameValuePair>\n"
    yield "    </details>\n"
    yield _element("additionalInfo", f"path: {record['path']}; matched by {record['engine']}")
    yield "  </fileDetails>\n"


def _said(hit: Mapping[str, Any]) -> str:
    category = hit["category"]
    named = f", category {category['scheme']}:{category['code']}" if category else ""
    return (
        f"{hit['list']['name']} version {hit['list']['version']}, entry {hit['entry_id']}{named}, "
        f"{hit['tier']} by {hit['hash_type']}, distance {hit['distance']}"
    )


def _element(name: str, text: str, *, attributes: str = "", depth: int = 2) -> str:
    return f"{'  ' * depth}<{name}{attributes}>{escape(_allowed(text))}</{name}>\n"


def _allowed(text: str) -> str:
    """Escape what XML cannot hold in any form."""
    return "".join(c if _is_character(ord(c)) else f"\\u{ord(c):04x}" for c in text)


def _is_character(code: int) -> bool:
    """Say whether XML 1.0 allows a character (section 2.2)."""
    return code in (9, 10) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code > 0xFFFF
