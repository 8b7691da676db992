"""The routes that answer about pictures and about hash values."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hashmatch.service.buffer import Buffer
from hashmatch.service.http import intake, values
from hashmatch.service.http.answers import UNSUPPORTED, all_shown, combined, shown
from hashmatch.service.http.exchange import Exchange, Json
from hashmatch.service.http.service import Service
from hashmatch.service.http.spans import stage_spans
from hashmatch.types import MatchResult

MOST_VALUES = 50_000


async def match(service: Service, request: Request, exchange: Exchange) -> Response:
    """Answer about one picture."""
    service.access.spend(exchange.key, 1)
    async with intake.pictures(service, request, exchange, many=False) as (picture,):
        result = await _answer(service, picture, exchange.stages)
    _note(service, exchange, result)
    return Json(shown(result, explained=exchange.explained))


async def match_batch(service: Service, request: Request, exchange: Exchange) -> Response:
    """Answer about several pictures, in their order."""
    async with intake.pictures(service, request, exchange, many=True) as files:
        exchange.count = len(files)
        service.access.spend(exchange.key, len(files))
        at_once = asyncio.Semaphore(service.pictures.running)

        async def one(file: Buffer) -> MatchResult:
            stages: dict[str, float] = {}
            async with at_once:
                result = await _answer(service, file, stages)
            service.on_stages(stages)
            return result

        found = await asyncio.gather(*map(one, files), return_exceptions=True)
    results = []
    for result in found:
        if isinstance(result, BaseException):
            raise result
        results.append(result)
    for result in results:
        service.metrics.answer(result)
    service.on_stages(exchange.stages)
    return Json({"results": all_shown(results, explained=exchange.explained)})


async def compute(service: Service, request: Request, exchange: Exchange) -> Response:
    """Give the hash values of one picture."""
    types = _asked_types(service, request)
    service.access.spend(exchange.key, 1)
    async with intake.pictures(service, request, exchange, many=False) as (picture,):

        def work() -> tuple[dict[str, Any], str | None, str | None]:
            with picture.lent() as view:
                hashes, reason, message = service.matcher.hash_bytes(view, types)
            told = {name: value.to_json() for name, value in hashes.items()}
            return told, reason.value if reason else None, message

        hashes, reason, message = await service.pictures.arun(work, service.config.timeout)
    exchange.reason = reason
    return Json({"hashes": hashes, "reason": reason, "message": message})


async def match_hashes(service: Service, request: Request, exchange: Exchange) -> Response:
    """Answer about the hash values of one input, computed by the caller."""
    found = await intake.document(service, request, exchange)
    intake.only(found, "hashes")
    described = found.get("hashes")
    if not isinstance(described, dict) or not described:
        raise intake.invalid("hashes must be an object with at least one hash type")
    asked = [(known.name, raw, q) for known, raw, q in map(values.described, described.items())]
    service.access.spend(exchange.key, len(asked))
    held = service.matcher.snapshot.hash_types
    searched = [value for value in asked if value[0] in held]
    async with asyncio.timeout(service.config.timeout):
        results = await service.lane.match(searched)
    if len(searched) < len(asked):
        results.append(UNSUPPORTED)
    result = results[0] if len(results) == 1 else combined(results)
    _note(service, exchange, result)
    return Json(shown(result, explained=exchange.explained))


async def match_hashes_batch(service: Service, request: Request, exchange: Exchange) -> Response:
    """Answer about many hash values of one type, in their order."""
    found = await intake.document(service, request, exchange)
    intake.only(found, "hash_type", "values", "qualities")
    texts, qualities = found.get("values"), found.get("qualities")
    if not isinstance(texts, list) or not 0 < len(texts) <= MOST_VALUES:
        raise intake.invalid(f"values must be a list of 1 to {MOST_VALUES} hash values")
    known = values.known_type(found.get("hash_type"))
    if qualities is not None:
        if not isinstance(qualities, list) or len(qualities) != len(texts):
            raise intake.invalid("qualities must be null, or hold 0 to 100 or null for each value")
        qualities = [values.quality(each) for each in qualities]
    exchange.count = len(texts)
    service.access.spend(exchange.key, len(texts))

    def work() -> tuple[bytes, list[tuple[MatchResult, int]]]:
        codes = values.codes(known, texts)
        if known.name in service.matcher.snapshot.hash_types:
            results = service.matcher.match_hashes(known.name, codes, qualities)
        else:
            results = [UNSUPPORTED] * len(texts)
        body = Json({"results": all_shown(results, explained=exchange.explained)}).body
        return bytes(body), _tally(results)

    body, tally = await service.batches.arun(work, service.config.timeout)
    service.metrics.answers_of_batch(tally)
    return Response(body, media_type="application/json")


async def _answer(service: Service, picture: Buffer, stages: dict[str, float]) -> MatchResult:
    queued = time.perf_counter()

    def work() -> MatchResult:
        stages["queue"] = time.perf_counter() - queued
        with picture.lent() as view:
            return service.matcher.match_bytes(view, stages=stages)

    result = await service.pictures.arun(work, service.config.timeout)
    service.health.undecodable_since = None
    return result


def _note(service: Service, exchange: Exchange, result: MatchResult) -> None:
    exchange.verdict = result.verdict.value
    exchange.reason = result.reason.value if result.reason else None
    service.metrics.answer(result)
    service.on_stages(exchange.stages)
    stage_spans(exchange.stages)


def _asked_types(service: Service, request: Request) -> list[str]:
    hashable = service.matcher.hashable()
    names = request.query_params.get("types", hashable[0]).split(",")
    for name in names:
        if name not in hashable:
            raise intake.invalid(f"types may be {', '.join(hashable)}, separated by commas")
    return list(dict.fromkeys(names))


def _tally(results: Sequence[MatchResult]) -> list[tuple[MatchResult, int]]:
    counts: dict[int, list[Any]] = {}
    for result in results:
        counts.setdefault(id(result), [result, 0])[1] += 1
    return [(result, count) for result, count in counts.values()]
