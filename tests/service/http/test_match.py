"""Answers about pictures and hash values, and who may see how much of them."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hashmatch as hm

Photograph = Callable[[str], Path]
SECRETS = ("distance", "entry_id", "hits", "hashes", "photos", "snapshot")


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("chelsea.png", "match"), ("ihc.png", "no_match"), ("rocket.jpg", "match")],
)
def test_a_picture_is_answered_as_raw_body_and_as_form(
    running: Any, photograph: Photograph, name: str, verdict: str
) -> None:
    data = photograph(name).read_bytes()
    raw = running.ask("POST", "/v1/match", key="match", content=data)
    form = running.ask("POST", "/v1/match", key="match", files={"file": (name, data)})
    typed = running.ask(
        "POST", "/v1/match", key="match", content=data, headers={"Content-Type": "image/png"}
    )
    assert [r.status_code for r in (raw, form, typed)] == [200] * 3
    assert raw.json() == form.json() == typed.json()
    assert raw.json()["verdict"] == verdict


def test_without_the_role_explain_the_verdict_is_all_there_is(
    running: Any, photograph: Photograph
) -> None:
    data = photograph("chelsea.png").read_bytes()
    told = running.ask("POST", "/v1/match", key="match", content=data)
    assert set(told.json()) == {"verdict", "reason", "message"}
    assert not any(secret in told.text for secret in SECRETS)
    explained = running.ask("POST", "/v1/match", key="explain", content=data).json()
    assert explained == running.service.matcher.match_bytes(data).to_json()
    assert explained["hits"][0]["list"]["name"] == "system"


def test_what_is_no_picture_has_its_reason(running: Any) -> None:
    flat = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(flat, "PNG")
    answers = [
        running.ask("POST", "/v1/match", key="match", content=content).json()
        for content in (b"", b"just text", b"\x89PNG\r\n\x1a\n" + bytes(99), flat.getvalue())
    ]
    assert [(a["verdict"], a["reason"]) for a in answers] == [
        ("unscannable", "empty"),
        ("unscannable", "not_an_image"),
        ("unscannable", "corrupt"),
        ("partial", "low_quality"),
    ]


def test_several_pictures_are_answered_in_order(running: Any, photograph: Photograph) -> None:
    names = ["ihc.png", "coffee.png", "retina.jpg", "astronaut.png"] * 3
    files = [("f", (name, photograph(name).read_bytes())) for name in names]
    response = running.ask("POST", "/v1/match/batch", key="match", files=files)
    verdicts = [result["verdict"] for result in response.json()["results"]]
    assert verdicts == ["no_match", "match"] * 6
    assert set(response.json()["results"][1]) == {"verdict", "reason", "message"}


def test_hash_values_of_a_picture(running: Any, photograph: Photograph) -> None:
    data = photograph("chelsea.png").read_bytes()
    response = running.ask("POST", "/v1/hash?types=pdq,sha256", key="match", content=data)
    expected = hm.hash_bytes(data, ["pdq", "sha256"])
    assert response.json() == {
        "hashes": {name: value.to_json() for name, value in expected.items()},
        "reason": None,
        "message": None,
    }
    broken = running.ask("POST", "/v1/hash?types=md5,pdq", key="match", content=data[:5000]).json()
    assert set(broken["hashes"]) == {"md5"}
    assert broken["reason"] == "truncated"
    for types in ("", "pdq,nonsense", "photodna"):
        refused = running.ask("POST", f"/v1/hash?types={types}", key="match", content=data)
        assert (refused.status_code, refused.json()["error"]["reason"]) == (422, "invalid_document")


def test_hash_values_computed_by_the_caller(running: Any, photograph: Photograph) -> None:
    data = photograph("chelsea.png").read_bytes()
    near = bytearray(hm.hash_bytes(data)["pdq"].bytes)
    near[3] ^= 0b111

    def ask(hashes: dict[str, Any], key: str = "hash-only") -> Any:
        return running.ask("POST", "/v1/match/hashes", key=key, document={"hashes": hashes}).json()

    known = {"hex": near.hex(), "quality": 100}
    other = {"hex": bytes(range(32)).hex()}
    assert ask({"pdq": known}) == {"verdict": "match", "reason": None, "message": None}
    assert ask({"pdq": {"hex": near.hex().upper()}})["verdict"] == "match"
    assert ask({"pdq": other})["verdict"] == "no_match"
    assert ask({"pdq": {**known, "quality": 10}})["reason"] == "low_quality"
    md5 = {"hex": hashlib.md5(photograph("rocket.jpg").read_bytes()).hexdigest()}
    assert ask({"pdq": other, "md5": md5})["verdict"] == "match"
    unsupported = {"sha256": {"hex": "0" * 64}}
    assert ask(unsupported)["verdict"] == "unscannable"
    assert ask({"pdq": other, **unsupported})["verdict"] == "partial"
    assert ask({"pdq": known, **unsupported})["verdict"] == "match"
    explained = ask({"pdq": known, "md5": md5}, key="explain")
    assert {hit["list"]["name"] for hit in explained["hits"]} == {"photos", "files"}
    assert explained["hits"][0]["distance"] in (0, 3)


def test_many_hash_values_at_once(running: Any, photograph: Photograph) -> None:
    known = hm.hash_file(photograph("coffee.png"))["pdq"].hex
    values = [f"{n:064x}" for n in range(1, 2000)]
    values[700] = known
    values[1500] = known.upper()
    document = {"hash_type": "pdq", "values": values}
    response = running.ask("POST", "/v1/match/hashes/batch", key="hash-only", document=document)
    verdicts = [result["verdict"] for result in response.json()["results"]]
    assert [n for n, verdict in enumerate(verdicts) if verdict == "match"] == [700, 1500]
    assert set(verdicts) == {"match", "no_match"}
    qualities = [10, None, 90] + [100] * (len(values) - 3)
    response = running.ask(
        "POST",
        "/v1/match/hashes/batch",
        key="hash-only",
        document={**document, "qualities": qualities},
    )
    assert [r["verdict"] for r in response.json()["results"][:3]] == [
        "partial",
        "no_match",
        "no_match",
    ]
    unknown = {"hash_type": "sha256", "values": ["0" * 64]}
    response = running.ask("POST", "/v1/match/hashes/batch", key="hash-only", document=unknown)
    assert response.json()["results"][0]["verdict"] == "unscannable"


def test_concurrent_callers_get_their_own_answers(running: Any, photograph: Photograph) -> None:
    known = hm.hash_file(photograph("coffee.png"))["pdq"].hex
    wanted = [n % 3 == 0 for n in range(300)]
    requests = [
        (
            "POST",
            "/v1/match/hashes",
            "hash-only",
            {"document": {"hashes": {"pdq": {"hex": known if hit else f"{n + 1:064x}"}}}},
        )
        for n, hit in enumerate(wanted)
    ]
    verdicts = [response.json()["verdict"] for response in running.ask_many(requests)]
    assert verdicts == ["match" if hit else "no_match" for hit in wanted]


BAD_DOCUMENTS = [
    ({}, 422),
    ({"hashes": {}}, 422),
    ({"hashes": []}, 422),
    ({"hashes": {"pdq": "00"}}, 422),
    ({"hashes": {"pdq": {}}}, 422),
    ({"hashes": {"pdq": {"hex": "0" * 63}}}, 422),
    ({"hashes": {"pdq": {"hex": "g" * 64}}}, 422),
    ({"hashes": {"pdq": {"hex": " " + "0" * 63}}}, 422),
    ({"hashes": {"pdq": {"hex": 7}}}, 422),
    ({"hashes": {"pdq": {"hex": "0" * 64, "quality": 101}}}, 422),
    ({"hashes": {"pdq": {"hex": "0" * 64, "quality": True}}}, 422),
    ({"hashes": {"pdq": {"hex": "0" * 64, "other": 1}}}, 422),
    ({"hashes": {"nonsense": {"hex": "00"}}}, 422),
    ({"hashes": {"pdq": {"hex": "0" * 64}}, "x": 1}, 422),
    ([1, 2], 422),
    ("text", 422),
]


@pytest.mark.parametrize(("document", "status"), BAD_DOCUMENTS)
def test_documents_that_are_not_what_is_asked_for(running: Any, document: Any, status: int) -> None:
    response = running.ask("POST", "/v1/match/hashes", key="match", document=document)
    assert response.status_code == status
    assert response.json()["error"]["reason"] == "invalid_document"
    assert "g" * 64 not in response.text


@pytest.mark.parametrize(
    "document",
    [
        {"hash_type": "pdq", "values": []},
        {"hash_type": "pdq", "values": ["0" * 64, "0" * 62 + "zz"]},
        {"hash_type": "pdq", "values": ["0" * 64, 5]},
        {"hash_type": "pdq", "values": ["0" * 62, "0" * 66]},
        {"hash_type": "pdq", "values": [" " * 64]},
        {"hash_type": "pdq", "values": ["0" * 64], "qualities": [1, 2]},
        {"hash_type": "pdq", "values": ["0" * 64], "qualities": [-1]},
        {"hash_type": "x", "values": ["0" * 64]},
        {"hash_type": ["pdq"], "values": ["0" * 64]},
        {"values": ["0" * 64]},
    ],
)
def test_batches_that_are_not_what_is_asked_for(running: Any, document: Any) -> None:
    response = running.ask("POST", "/v1/match/hashes/batch", key="match", document=document)
    assert (response.status_code, response.json()["error"]["reason"]) == (422, "invalid_document")


def test_a_hash_search_that_fails_is_told_to_each_of_its_callers(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret-of-the-list")

    monkeypatch.setattr(running.service.matcher, "match_hashes", broken)
    document = {"hashes": {"pdq": {"hex": "0" * 64}}}
    requests = [("POST", "/v1/match/hashes", "match", {"document": document}) for _ in range(3)]
    for response in running.ask_many(requests):
        assert (response.status_code, response.json()["error"]["reason"]) == (500, "internal")
        assert "secret" not in response.text


def test_too_much_at_once_is_told_at_once(start: Any, matcher: Any, home: Any) -> None:
    real = hm.Matcher.open(home.path)

    class Slow:
        profile, limits, snapshot = real.profile, real.limits, real.snapshot
        hashable, workers_lost = real.hashable, 0

        def match_bytes(self, data: Any, **_: Any) -> Any:
            return matcher.match_bytes(data)

        def close(self) -> None:
            real.close()

    running = start(Slow(), waiting=2, timeout=3.0)
    places = running.service.pictures.running + 2
    requests = [("POST", "/v1/match", "match", {"content": b"slow"}) for _ in range(places + 5)]
    responses = running.ask_many(requests)
    assert sorted(r.status_code for r in responses) == [200] * places + [503] * 5
    busy = [r for r in responses if r.status_code == 503]
    assert {r.json()["error"]["reason"] for r in busy} == {"busy"}
    assert all(int(r.headers["retry-after"]) >= 1 for r in busy)
    late = running.ask("POST", "/v1/match", key="match", content=b"wait")
    assert (late.status_code, late.json()["error"]["reason"]) == (503, "timeout")
    matcher.gate.set()


def test_the_lane_searches_together_what_came_together(running: Any) -> None:
    calls: list[int] = []
    real = running.service.matcher.match_hashes

    def counted(name: str, values: Any, qualities: Any = None) -> Any:
        calls.append(len(values))
        return real(name, values, qualities)

    running.service.matcher.match_hashes = counted

    async def ask() -> None:
        await asyncio.gather(
            *(running.service.lane.match([("pdq", bytes([n]) * 32, None)]) for n in range(50))
        )

    asyncio.run(ask())
    assert sum(calls) == 50
    assert len(calls) <= 3


def test_bodies_of_other_types(running: Any) -> None:
    for path, kind, status in (
        ("/v1/match", "text/html", 415),
        ("/v1/match", "application/json", 415),
        ("/v1/match", "multipart/mixed; boundary=x", 400),
        ("/v1/match/batch", "image/png", 415),
        ("/v1/match/hashes", "text/plain", 415),
    ):
        response = running.ask(
            "POST", path, key="match", content=b"x", headers={"Content-Type": kind}
        )
        assert response.status_code == status, path
    response = running.ask(
        "POST",
        "/v1/match/hashes",
        key="match",
        content=b"{nope",
        headers={"Content-Type": "application/json"},
    )
    assert (response.status_code, response.json()["error"]["reason"]) == (400, "bad_json")
    none = running.ask("POST", "/v1/match", key="match", files={"a": ("a", b"x"), "b": ("b", b"y")})
    assert (none.status_code, none.json()["error"]["reason"]) == (400, "files_expected")


def test_bodies_that_are_too_long(start: Any) -> None:
    running = start(max_bytes=10_000, memory=20_000)
    for options in (
        {"content": b"x" * 10_001},
        {"files": {"f": ("f", b"x" * 10_001)}},
    ):
        response = running.ask("POST", "/v1/match", key="match", **options)
        assert (response.status_code, response.json()["error"]["reason"]) == (413, "body_too_large")
    document = json.dumps({"hashes": {"pdq": {"hex": "0" * 10_000}}})
    response = running.ask(
        "POST",
        "/v1/match/hashes",
        key="match",
        content=document,
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 413
    assert running.service.budget.used == 0
