"""The framework hooks: what the gate refuses never reaches the application."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import fastapi
import flask
import httpx
import pytest

import hashmatch as hm
from hashmatch.service import asgi, wsgi
from hashmatch.service.body import BodyLimits
from hashmatch.service.dependency import Checked, CheckedUpload
from hashmatch.service.policy import Why

Multipart = Callable[..., tuple[bytes, str]]
LIMITS = BodyLimits(max_bytes=100_000, idle_seconds=0.2, total_seconds=1)


class Recorder:
    """An ASGI application that remembers what reached it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.decisions: list[tuple[hm.Decision, ...]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            assert message["type"] == "http.request"
            body += message["body"]
            more = message["more_body"]
        self.bodies.append(body)
        self.decisions.append(scope.get("hashmatch", ()))
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"stored"})


def post(app: Any, content: Any, path: str = "/upload", **headers: str) -> httpx.Response:
    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.post(path, content=content, headers=named)

    return asyncio.run(call())


@pytest.fixture
def gate(matcher: Any) -> Any:
    with hm.UploadGate(matcher, running=2) as opened:
        yield opened


@pytest.fixture
def inner() -> Recorder:
    return Recorder()


@pytest.fixture
def app(gate: hm.UploadGate, inner: Recorder) -> asgi.UploadCheck:
    return asgi.UploadCheck(inner, gate, paths=["/upload"], limits=LIMITS)


def test_a_clean_body_reaches_the_application_unchanged(
    app: asgi.UploadCheck, inner: Recorder
) -> None:
    for body in (b"clean", b"clean " + bytes(range(256)) * 300):
        assert post(app, body).status_code == 201
        assert inner.bodies[-1] == body
        assert [decision.why for decision in inner.decisions[-1]] == [Why.CLEAN]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"match", 422, "upload_refused"),
        (b"partial", 422, "upload_refused"),
        (b"unscannable", 422, "upload_refused"),
        (b"", 422, "upload_refused"),
        (b"error", 503, "check_failed"),
        (b"raise", 503, "check_failed"),
        (b"x" * 100_001, 413, "body_too_large"),
    ],
)
def test_what_the_policy_refuses_never_reaches_the_application(
    app: asgi.UploadCheck, inner: Recorder, body: bytes, status: int, reason: str
) -> None:
    response = post(app, body)
    assert (response.status_code, response.json()["error"]["reason"]) == (status, reason)
    assert ("retry-after" in response.headers) is (status == 503)
    assert inner.bodies == []


def test_a_body_of_unknown_length_is_bounded_too(app: asgi.UploadCheck, inner: Recorder) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 10_000

    assert post(app, endless()).status_code == 413
    assert inner.bodies == []


def test_quarantined_uploads_reach_only_an_application_that_takes_them(
    gate: hm.UploadGate, inner: Recorder
) -> None:
    app = asgi.UploadCheck(inner, gate, paths=["/upload"], take_quarantined=True)
    assert post(app, b"partial").status_code == 201
    assert inner.decisions[0][0].action is hm.Action.QUARANTINE
    assert post(app, b"match").status_code == 422


def test_every_file_of_a_form_is_checked(
    app: asgi.UploadCheck, inner: Recorder, matcher: Any, multipart: Multipart
) -> None:
    body, kind = multipart(
        ("title", None, b"match"), ("a", "a.jpg", b"clean"), ("b", "b", b"clean 2")
    )
    assert post(app, body, content_type=kind).status_code == 201
    assert inner.bodies == [body]
    assert len(inner.decisions[0]) == matcher.asked == 2
    body, kind = multipart(("a", "a.jpg", b"clean"), ("b", "b.txt", b"match"))
    assert post(app, body, content_type=kind).status_code == 422
    assert post(app, b"--edge\r\nbroken", content_type=kind).status_code == 400
    assert len(inner.bodies) == 1


def test_requests_elsewhere_or_without_a_body_pass_untouched(
    app: asgi.UploadCheck, inner: Recorder, matcher: Any
) -> None:
    assert post(app, b"match", path="/comment").status_code == 201
    assert matcher.asked == 0
    assert inner.decisions == [()]


def test_compressed_and_twice_declared_bodies_are_refused(app: asgi.UploadCheck) -> None:
    assert post(app, b"clean", content_encoding="gzip").status_code == 415

    async def twice() -> list[Any]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"clean", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"content-type", b"image/png"), (b"content-type", b"multipart/form-data")]
        scope = {"type": "http", "method": "POST", "path": "/upload", "headers": headers}
        await app(scope, receive, send)
        return sent

    assert asyncio.run(twice())[0]["status"] == 400


def raw_call(app: Any, messages: list[Any]) -> list[Any]:
    """Run an application on messages, of which a number means to wait so long."""

    async def call() -> list[Any]:
        sent: list[Any] = []
        rest = iter(messages)

        async def receive() -> Any:
            message = next(rest)
            if isinstance(message, float):
                await asyncio.sleep(message)
                message = next(rest)
            return message

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/upload", "headers": []}
        await app(scope, receive, send)
        return sent

    return asyncio.run(call())


def test_a_slow_client_is_told_and_a_lost_one_forgotten(
    app: asgi.UploadCheck, inner: Recorder
) -> None:
    piece = {"type": "http.request", "body": b"clean", "more_body": True}
    sent = raw_call(app, [piece, 5.0, piece])
    assert sent[0]["status"] == 408
    steady = [message for _ in range(30) for message in (0.1, piece)]
    assert raw_call(app, steady)[0]["status"] == 408, "slow in all, though never idle"
    assert raw_call(app, [piece, {"type": "http.disconnect"}]) == []
    assert inner.bodies == []


def test_bodies_in_memory_are_bounded_together(gate: hm.UploadGate, inner: Recorder) -> None:
    app = asgi.UploadCheck(inner, gate, paths=["/"], memory=1000)
    response = post(app, b"clean" + b"x" * 1000)
    assert (response.status_code, response.json()["error"]["reason"]) == (503, "busy")
    assert response.headers["retry-after"]
    assert post(app, b"clean").status_code == 201, "the budget is given back"
    assert app._budget.used == 0


def test_the_context_reaches_the_audit_record(matcher: Any, inner: Recorder) -> None:
    records: list[hm.Decision] = []
    with hm.UploadGate(matcher, audit=records.append) as gate:
        app = asgi.UploadCheck(
            inner, gate, paths=["/"], context=lambda scope: {"path": scope["path"]}
        )
        post(app, b"match", path="/upload/7")
    assert records[0].to_json()["context"] == {"path": "/upload/7"}


def test_shadow_mode_lets_everything_through(matcher: Any, inner: Recorder) -> None:
    with hm.UploadGate(matcher, shadow=True) as gate:
        app = asgi.UploadCheck(inner, gate, paths=["/"])
        assert post(app, b"match").status_code == 201
    assert inner.decisions[0][0].intended is hm.Action.REJECT


def test_the_dependency_of_fastapi(gate: hm.UploadGate, multipart: Multipart) -> None:
    app = fastapi.FastAPI()
    checked = fastapi.Depends(
        CheckedUpload(gate, limits=LIMITS, context=lambda r: {"q": r.url.path})
    )

    @app.post("/upload")
    async def upload(found: Checked = checked) -> dict[str, Any]:
        return {"size": len(found.data), "why": found.decision.why, "ctx": found.decision.context}

    assert post(app, b"clean").json() == {"size": 5, "why": "clean", "ctx": {"q": "/upload"}}
    assert post(app, b"partial").json()["why"] == "partial"
    response = post(app, b"match")
    assert (response.status_code, response.json()["detail"]) == (422, "upload_refused")
    response = post(app, b"error")
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert post(app, b"x" * 100_001).status_code == 413
    body, kind = multipart(("title", None, b"hi"), ("f", "f.jpg", b"clean"))
    assert post(app, body, content_type=kind).json()["size"] == 5
    body, kind = multipart(("f", "f.jpg", b"clean"), ("g", "g.jpg", b"clean"))
    assert post(app, body, content_type=kind).status_code == 400


@pytest.fixture
def flask_app() -> flask.Flask:
    app = flask.Flask(__name__)

    @app.post("/upload")
    def upload() -> tuple[dict[str, Any], int]:
        found = flask.request.environ["hashmatch"]
        files = {name: file.read().decode() for name, file in flask.request.files.items()}
        return {
            "whys": [d.why for d in found],
            "files": files,
            "size": flask.request.content_length,
        }, 201

    return app


def test_wsgi_middleware(gate: hm.UploadGate, flask_app: flask.Flask, multipart: Multipart) -> None:
    flask_app.wsgi_app = wsgi.UploadCheck(  # type: ignore[method-assign]
        flask_app.wsgi_app, gate, paths=["/upload"], limits=LIMITS
    )
    client = flask_app.test_client()
    assert client.post("/upload", data=b"clean").json == {"whys": ["clean"], "files": {}, "size": 5}
    assert client.post("/upload", data=b"match").status_code == 422
    assert client.post("/upload", data=b"error").headers["Retry-After"] == "5"
    assert client.post("/upload", data=b"x" * 100_001).status_code == 413
    body, kind = multipart(("t", None, b"hi"), ("f", "f.jpg", b"clean"))
    response = client.post("/upload", data=body, content_type=kind)
    assert response.json is not None
    assert response.json["files"] == {"f": "clean"}
    assert client.post("/upload", data=body[:-20], content_type=kind).status_code == 400


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"CONTENT_LENGTH": "10"}, "400"),
        ({"CONTENT_LENGTH": "-1"}, "400"),
        ({"CONTENT_LENGTH": "999999999"}, "413"),
        ({"wsgi.input_terminated": True}, "201"),
        ({}, "422"),
    ],
    ids=["cut", "no number", "too long", "chunked", "no length"],
)
def test_wsgi_bodies_of_every_length(
    gate: hm.UploadGate, environ: dict[str, Any], status: str
) -> None:
    def inner(_: Any, start: Any) -> list[bytes]:
        start("201 Created", [])
        return [b"stored"]

    told: list[str] = []
    app = wsgi.UploadCheck(inner, gate, paths=["/upload"], limits=LIMITS)
    request = {"REQUEST_METHOD": "POST", "PATH_INFO": "/upload", "wsgi.input": io.BytesIO(b"clean")}
    app(request | environ, lambda s, h: told.append(s))  # type: ignore[arg-type]
    assert told[0].startswith(status)


@pytest.fixture(scope="module")
def django_client() -> Any:
    import django
    from django.conf import settings
    from django.http import JsonResponse
    from django.urls import path

    def view(request: Any) -> Any:
        files = [
            {"name": f.name, "text": f.read().decode(), "why": f.decision.why}
            for f in request.FILES.values()
        ]
        return JsonResponse({"files": files, "title": request.POST.get("title")}, status=201)

    urls = type(sys)("upload_urls")
    urls.urlpatterns = [path("upload", view)]  # type: ignore[attr-defined]
    sys.modules["upload_urls"] = urls
    settings.configure(
        SECRET_KEY="for tests",
        ALLOWED_HOSTS=["testserver"],
        ROOT_URLCONF="upload_urls",
        FILE_UPLOAD_HANDLERS=["hashmatch.service.django.CheckedUploadHandler"],
        HASHMATCH_MAX_BYTES=100_000,
        HASHMATCH_CONTEXT=lambda request: {"path": request.path},
    )
    django.setup()
    from django.test import Client

    return Client()


def test_the_upload_handler_of_django(
    matcher: Any, django_client: Any, multipart: Multipart
) -> None:
    from django.conf import settings

    records: list[hm.Decision] = []

    def send(content: bytes) -> Any:
        body, kind = multipart(("title", None, b"hi"), ("f", "f.jpg", content))
        return django_client.post("/upload", data=body, content_type=kind)

    with hm.UploadGate(matcher, audit=records.append) as gate:
        settings.HASHMATCH_GATE = gate
        response = send(b"clean")
        assert json.loads(response.content) == {
            "files": [{"name": "f.jpg", "text": "clean", "why": "clean"}],
            "title": "hi",
        }
        assert records[0].context == {"path": "/upload"}
        for refused in (b"match", b"partial", b"error", b"clean" + b"x" * 100_000):
            assert send(refused).status_code == 403, refused[:10]
        settings.HASHMATCH_TAKE_QUARANTINED = True
        assert json.loads(send(b"partial").content)["files"][0]["why"] == "partial"
        assert send(b"match").status_code == 403
    del settings.HASHMATCH_GATE
    from django.core.exceptions import ImproperlyConfigured

    with pytest.raises(ImproperlyConfigured):
        send(b"clean")


def test_deciding_loads_no_web_framework() -> None:
    import subprocess

    program = (
        "import sys, hashmatch.service.gate, hashmatch.service.asgi, hashmatch.service.wsgi\n"
        "sys.exit(bool({'fastapi','starlette','django','flask','uvicorn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
