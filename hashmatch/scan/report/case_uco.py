"""The matches as a CASE/UCO bundle (JSON-LD): tool, action, files, and what they were found on.

Identifiers are derived from what they name, so the same run gives the same bundle.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

_CONTEXT = {
    "kb": "http://example.org/kb/",
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
    "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_METHODS = {"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256", "pdq": "PDQ"}
_SPACE = uuid.UUID("6f1d0d5c-6d2c-5a55-9a6e-7a5a2f6f5f10")


def write(records: Iterable[Mapping[str, Any]], about: Mapping[str, Any], stream: TextIO) -> None:
    """Write the bundle; see :func:`hashmatch.scan.report.html_page.write` for the parameters."""
    run = f"{about['snapshot']} {' '.join(about['roots'])}"
    tool = _id("tool", about["engine"])
    action = _id("action", run)
    lists = {
        listed["name"]: _id("list", f"{listed['name']} {listed['version']}")
        for listed in about["lists"]
    }
    stream.write('{"@context":' + _json(_CONTEXT) + ',"@graph":[\n')
    stream.write(_json(_tool(tool, about["engine"])))
    for listed in about["lists"]:
        stream.write(",\n" + _json(_list(lists[listed["name"]], listed)))
    results = []
    for record in records:
        if record["verdict"] != "match":
            continue
        file = _id("file", f"{run} {record['path']}")
        results.append({"@id": file})
        stream.write(",\n" + _json(_file(file, record)))
        for number, hit in enumerate(record["hits"]):
            stream.write(",\n" + _json(_relation(file, lists[hit["list"]["name"]], hit, number)))
    stream.write(",\n" + _json(_action(action, tool, about, results)))
    stream.write("\n]}\n")


def _id(kind: str, name: str) -> str:
    return f"kb:{kind}-{uuid.uuid5(_SPACE, f'{kind} {name}')}"


def _tool(identifier: str, engine: str) -> dict[str, Any]:
    name, _, version = engine.partition(" ")
    return {
        "@id": identifier,
        "@type": "uco-tool:Tool",
        "uco-core:name": name,
        "uco-tool:version": version,
    }


def _list(identifier: str, listed: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@id": identifier,
        "@type": "uco-observable:ObservableObject",
        "uco-core:name": listed["name"],
        "uco-core:description": (
            f"hash list, version {listed['version']}, {listed['polarity']}, "
            f"{listed['entries']} entries"
        ),
    }


def _file(identifier: str, record: Mapping[str, Any]) -> dict[str, Any]:
    path = record["path"]
    hashes = [
        {
            "@id": f"{identifier}-{name}",
            "@type": "uco-types:Hash",
            "uco-types:hashMethod": method,
            "uco-types:hashValue": {
                "@type": "xsd:hexBinary",
                "@value": record["hashes"][name]["hex"].upper(),
            },
        }
        for name, method in _METHODS.items()
        if name in record["hashes"]
    ]
    file_facet: dict[str, Any] = {
        "@id": f"{identifier}-facet",
        "@type": "uco-observable:FileFacet",
        "uco-observable:fileName": path.rsplit("/", 1)[-1],
        "uco-observable:filePath": path,
    }
    content: dict[str, Any] = {
        "@id": f"{identifier}-content",
        "@type": "uco-observable:ContentDataFacet",
        "uco-observable:hash": hashes,
    }
    if record["size"] is not None:
        size = {"@type": "xsd:integer", "@value": str(record["size"])}
        file_facet["uco-observable:sizeInBytes"] = size
        content["uco-observable:sizeInBytes"] = size
    return {
        "@id": identifier,
        "@type": "uco-observable:File",
        "uco-core:hasFacet": [file_facet, content],
    }


def _relation(file: str, listed: str, hit: Mapping[str, Any], number: int) -> dict[str, Any]:
    category = hit["category"]
    named = f", category {category['scheme']}:{category['code']}" if category else ""
    return {
        "@id": f"{file}-hit-{number}",
        "@type": "uco-observable:ObservableRelationship",
        "uco-core:source": {"@id": file},
        "uco-core:target": {"@id": listed},
        "uco-core:kindOfRelationship": "Matched",
        "uco-core:isDirectional": {"@type": "xsd:boolean", "@value": "true"},
        "uco-core:description": (
            f"entry {hit['entry_id']}{named}; {hit['tier']} by {hit['hash_type']}, distance "
            f"{hit['distance']} of at most {hit['max_distance']}, {hit['orientation']}"
        ),
    }


def _action(
    identifier: str, tool: str, about: Mapping[str, Any], results: list[dict[str, str]]
) -> dict[str, Any]:
    def moment(text: str) -> dict[str, str]:
        return {"@type": "xsd:dateTime", "@value": text}

    action: dict[str, Any] = {
        "@id": identifier,
        "@type": "case-investigation:InvestigativeAction",
        "uco-core:name": "scan for known material",
        "uco-action:startTime": moment(about["started"]),
        "uco-action:endTime": moment(about["ended"]),
        "uco-action:instrument": {"@id": tool},
    }
    if results:
        action["uco-action:result"] = results
    return action


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
