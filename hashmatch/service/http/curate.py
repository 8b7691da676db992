"""The routes that change local lists."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hashmatch.service.curator_client import CuratorClient, CuratorError
from hashmatch.service.http import intake, values
from hashmatch.service.http.exchange import Exchange, Json, Refused
from hashmatch.service.http.service import Service

MOST_ENTRIES = 1000
LIST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST_ID = 256


async def add(service: Service, request: Request, exchange: Exchange) -> Response:
    """Add entries to a local list; the next request finds them."""
    found = await intake.document(service, request, exchange)
    intake.only(found, "entries")
    entries = _between(found.get("entries"), "entries")
    for entry in entries:
        _check_entry(entry)
    service.access.spend(exchange.key, len(entries))
    exchange.count = len(entries)
    try:
        added = await _curator(service).add(_list_name(request), entries)
    except CuratorError as error:
        raise Refused(error.status, error.reason, str(error)) from error
    return Json({"added": added}, 201)


async def remove(service: Service, request: Request, exchange: Exchange) -> Response:
    """Remove entries of a local list; the next request finds them no more."""
    found = await intake.document(service, request, exchange)
    intake.only(found, "entry_ids")
    ids = _between(found.get("entry_ids"), "entry_ids")
    if not all(_is_id(each) for each in ids):
        raise intake.invalid(f"each entry id must be text of 1 to {_LONGEST_ID} characters")
    service.access.spend(exchange.key, len(ids))
    exchange.count = len(ids)
    try:
        removed = await _curator(service).remove(_list_name(request), ids)
    except CuratorError as error:
        raise Refused(error.status, error.reason, str(error)) from error
    return Json({"removed": removed})


def _check_entry(entry: Any) -> None:
    if not isinstance(entry, dict):
        raise intake.invalid("an entry must be an object")
    intake.only(entry, "entry_id", "hashes", "category", "metadata")
    if not _is_id(entry.get("entry_id")):
        raise intake.invalid(f"entry_id must be text of 1 to {_LONGEST_ID} characters")
    hashes = entry.get("hashes")
    if not isinstance(hashes, dict) or not hashes:
        raise intake.invalid("hashes must be an object with at least one hash type")
    for item in hashes.items():
        _, _, quality = values.described(item)
        item[1]["quality"] = quality
    category = entry.get("category")
    if category is not None:
        if not isinstance(category, dict):
            raise intake.invalid("category must be an object with scheme and code")
        intake.only(category, "scheme", "code", "label")
        if not all(_is_id(category.get(name)) for name in ("scheme", "code")) or not (
            category.get("label") is None or _is_id(category["label"])
        ):
            raise intake.invalid("scheme, code and label of a category must be text")
    if entry.get("metadata") is not None and not isinstance(entry["metadata"], dict):
        raise intake.invalid("metadata must be an object")


def _between(found: Any, what: str) -> list[Any]:
    if not isinstance(found, list) or not 0 < len(found) <= MOST_ENTRIES:
        raise intake.invalid(f"{what} must be a list of 1 to {MOST_ENTRIES}")
    return found


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID


def _list_name(request: Request) -> str:
    name: str = request.path_params["name"]
    if not LIST_NAME.fullmatch(name):
        raise Refused(404, "list_not_changed", "there is no such list")
    return name


def _curator(service: Service) -> CuratorClient:
    if service.curator is None:
        raise Refused(503, "curator_unavailable", "this service changes no lists", retry_after=60)
    return service.curator
