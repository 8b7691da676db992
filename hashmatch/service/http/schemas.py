"""The OpenAPI description of the routes, with examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hashmatch import hash_types
from hashmatch.hash_types import HashType
from hashmatch.service.http.curate import MOST_ENTRIES
from hashmatch.service.http.match import MOST_VALUES
from hashmatch.types import RESULT_SCHEMA, Reason, Verdict

Schema = dict[str, Any]

_EXAMPLE_PDQ = "f8f8f0cee0f4a84f06370a32038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
_EXAMPLE_MD5 = "d3b07384d113edec49eaa6238ad5ff00"
_TYPES = [hash_types.get(name) for name in hash_types.names()]


def _hex(known: HashType) -> Schema:
    digits = 2 * known.size
    return {"type": "string", "pattern": f"^[0-9a-fA-F]{{{digits}}}$"}


def _value(known: HashType) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["hex"],
        "properties": {
            "hex": _hex(known),
            "quality": {"type": ["integer", "null"], "minimum": 0, "maximum": 100},
        },
    }


_HASHES: Schema = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {known.name: _value(known) for known in _TYPES},
    "example": {"pdq": {"hex": _EXAMPLE_PDQ, "quality": 100}, "md5": {"hex": _EXAMPLE_MD5}},
}
_VERDICT: Schema = {
    "type": "object",
    "required": ["verdict", "reason", "message"],
    "properties": {
        "verdict": {"type": "string", "enum": [verdict.value for verdict in Verdict]},
        "reason": {
            "type": ["string", "null"],
            "enum": [*(reason.value for reason in Reason), None],
        },
        "message": {"type": ["string", "null"]},
        "schema": {"type": "string", "const": RESULT_SCHEMA},
        "hits": {"type": "array", "items": {"type": "object"}},
        "hashes": {"type": "object"},
        "media": {"type": ["object", "null"]},
        "size": {"type": ["integer", "null"]},
        "snapshot": {"type": "string"},
        "profile": {"type": "string"},
        "engine": {"type": "string"},
    },
    "description": "Keys without the role explain see verdict, reason and message only.",
    "example": {"verdict": "no_match", "reason": None, "message": None},
}
_RESULTS: Schema = {
    "type": "object",
    "required": ["results"],
    "properties": {"results": {"type": "array", "items": _VERDICT}},
}
_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["reason", "message"],
            "properties": {
                "reason": {"type": "string"},
                "message": {"type": "string"},
                "request": {"type": "string"},
            },
        }
    },
    "example": {"error": {"reason": "body_too_large", "message": "the body is larger than ..."}},
}
_ID: Schema = {"type": "string", "minLength": 1, "maxLength": 256}
_ENTRY: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["entry_id", "hashes"],
    "properties": {
        "entry_id": _ID,
        "hashes": _HASHES,
        "category": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "required": ["scheme", "code"],
            "properties": {
                "scheme": _ID,
                "code": _ID,
                "label": {**_ID, "type": ["string", "null"]},
            },
        },
        "metadata": {"type": ["object", "null"]},
    },
}
_REFUSALS = {
    400: "The request is malformed",
    401: "No valid key",
    403: "The key has not the role",
    404: "There is no such thing here",
    405: "The method does not fit",
    408: "The client is too slow",
    413: "The body is too large",
    415: "The body is of a wrong type",
    422: "The document is not what is asked for",
    429: "The rate of the key is used up; Retry-After says how long",
    431: "The headers are too large",
    500: "The service failed",
    503: "Busy, or no answer in time; Retry-After says how long",
}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


_PICTURE = {"type": "string", "format": "binary"}
_ONE_PICTURE: Schema = {
    "application/octet-stream": {"schema": _PICTURE},
    "image/jpeg": {"schema": _PICTURE},
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {"file": _PICTURE},
        }
    },
}


def described(
    answers: Mapping[int, tuple[str, Schema]],
    *,
    body: Schema | None = None,
    query: Sequence[Schema] = (),
) -> Schema:
    """Return what a route's description adds to what the framework knows of it."""
    shape: Schema = {
        "responses": {
            **{
                str(s): {"description": about, "content": content}
                for s, (about, content) in answers.items()
            },
            **{
                str(status): {"description": about, "content": _json(_ERROR)}
                for status, about in _REFUSALS.items()
                if status not in answers
            },
        },
        "parameters": [
            *query,
            {
                "name": "X-Context",
                "in": "header",
                "required": False,
                "description": "What the caller wants to find in the log line of this request.",
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:/@=,;-]{1,200}$"},
            },
        ],
    }
    if body is not None:
        # an empty picture is answered like any other that cannot be read
        shape["requestBody"] = {"required": body is not _ONE_PICTURE, "content": body}
    return shape


_MANY_PICTURES: Schema = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["files"],
            "properties": {"files": {"type": "array", "minItems": 1, "items": _PICTURE}},
        }
    }
}
_LIST_NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
}


def _batch_of(known: HashType) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["hash_type", "values"],
        "properties": {
            "hash_type": {"type": "string", "const": known.name},
            "values": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_VALUES,
                "items": _hex(known),
            },
            "qualities": {"type": "null"},
        },
    }


def _count(name: str) -> Schema:
    return {
        "type": "object",
        "required": [name],
        "properties": {name: {"type": "integer", "minimum": 0}},
    }


def _plain(*required: str) -> Schema:
    return {"type": "object", "required": list(required)}


MATCH = described({200: ("The verdict", _json(_VERDICT))}, body=_ONE_PICTURE)
MATCH_BATCH = described(
    {200: ("A verdict for each file, in order", _json(_RESULTS))}, body=_MANY_PICTURES
)
MATCH_HASHES = described(
    {200: ("The verdict", _json(_VERDICT))},
    body={
        "application/json": {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "required": ["hashes"],
                "properties": {"hashes": _HASHES},
            },
            "example": {"hashes": {"pdq": {"hex": _EXAMPLE_PDQ, "quality": 100}}},
        }
    },
)
MATCH_HASHES_BATCH = described(
    {200: ("A verdict for each value, in order", _json(_RESULTS))},
    body={
        "application/json": {
            "schema": {"oneOf": [_batch_of(known) for known in _TYPES]},
            "example": {"hash_type": "pdq", "values": [_EXAMPLE_PDQ]},
        }
    },
)


def hash_route(hashable: Sequence[str]) -> Schema:
    """Return the description of the route that computes hash values of these types."""
    types = {
        "name": "types",
        "in": "query",
        "required": False,
        "style": "form",
        "explode": False,
        "schema": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "enum": list(hashable)},
            "default": [hashable[0]],
        },
    }
    about = "Hash values by type; a reason where some could not be computed"
    shape = _json(_plain("hashes", "reason", "message"))
    return described({200: (about, shape)}, body=_ONE_PICTURE, query=[types])


LISTS = described({200: ("The lists in use", _json(_plain("snapshot", "lists")))})
SNAPSHOT = described({200: ("The snapshot in use", _json(_plain("snapshot", "hash_types")))})
ENTRIES_ADD = described(
    {
        201: ("How many were added", _json(_count("added"))),
        404: ("There is no such local list", _json(_ERROR)),
        409: ("The list cannot be changed", _json(_ERROR)),
    },
    body={
        "application/json": {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "required": ["entries"],
                "properties": {
                    "entries": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": MOST_ENTRIES,
                        "items": _ENTRY,
                    }
                },
            },
            "example": {
                "entries": [{"entry_id": "case-17-1", "hashes": {"pdq": {"hex": _EXAMPLE_PDQ}}}]
            },
        }
    },
    query=[_LIST_NAME],
)
ENTRIES_REMOVE = described(
    {
        200: ("How many were removed", _json(_count("removed"))),
        404: ("There is no such local list", _json(_ERROR)),
        409: ("The list cannot be changed", _json(_ERROR)),
    },
    body={
        "application/json": {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "required": ["entry_ids"],
                "properties": {
                    "entry_ids": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": MOST_ENTRIES,
                        "items": _ID,
                    }
                },
            },
            "example": {"entry_ids": ["case-17-1"]},
        }
    },
    query=[_LIST_NAME],
)
LIVE = described({200: ("The process answers", _json(_plain("status")))})
READY = described(
    {
        200: (
            "ready, or degraded: it answers, but from a snapshot that is stale",
            _json(_plain("status", "problems")),
        ),
        503: ("draining", _json({})),
    }
)
METRICS = described(
    {200: ("Prometheus text format", {"text/plain": {"schema": {"type": "string"}}})}
)
