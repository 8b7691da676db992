"""Each example is run as its first lines say, and refuses a known picture."""

from __future__ import annotations

import hashlib
import io
import os
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import quote_plus

import httpx
import pytest

from hashmatch.errors import UploadRefusedError
from hashmatch.home import Home

ROOT = Path(__file__).resolve().parent.parent.parent
Photograph = Callable[[str], Path]


def command(name: str, port: int) -> list[str]:
    if name in ("asgi_app", "fastapi_app"):
        server = ["uvicorn", "--port", str(port), "--log-level", "warning"]
        return [sys.executable, "-m", *server, f"{name}:app"]
    if name == "flask_app":
        return [sys.executable, "-m", "flask", "--app", name, "run", "--port", str(port)]
    return [sys.executable, "django_app.py", "runserver", "--noreload", str(port)]


@pytest.mark.parametrize(
    ("name", "path", "form", "refused"),
    [
        ("asgi_app", "/upload", False, 422),
        ("fastapi_app", "/photos", True, 422),
        ("flask_app", "/photos", True, 422),
        ("django_app", "/photos", True, 403),
    ],
)
def test_an_example_stores_what_it_may_and_refuses_what_is_known(
    known_home: Home, photograph: Photograph, name: str, path: str, form: bool, refused: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        command(name, port),
        cwd=ROOT / "examples",
        env={**os.environ, "HASHMATCH_HOME": str(known_home.path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def send(data: bytes) -> httpx.Response:
        body: dict[str, Any] = {"files": {"file": ("p.jpg", data)}} if form else {"content": data}
        return httpx.post(f"http://127.0.0.1:{port}{path}", timeout=30, **body)

    clean = photograph("ihc.png").read_bytes()
    try:
        end = time.monotonic() + 60
        while True:
            try:
                stored = send(clean)
                break
            except httpx.TransportError:
                assert process.poll() is None, "the example ended"
                assert time.monotonic() < end
                time.sleep(0.1)
        assert stored.status_code == 201, stored.text
        assert stored.json()["stored"] == len(clean)
        assert send(photograph("chelsea.png").read_bytes()).status_code == refused
    finally:
        process.terminate()
        process.wait(20)


class Bucket:
    """As much of S3 as the recipe uses: objects with ETags, and conditions on them."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.after_reading: Callable[[], None] = lambda: None

    def _etag(self, place: tuple[str, str], expected: str | None = None) -> str:
        etag = hashlib.md5(self.objects[place]).hexdigest()
        if expected not in (None, etag):
            raise RuntimeError("PreconditionFailed")
        return etag

    def get_object(self, **at: str) -> dict[str, Any]:
        place = at["Bucket"], at["Key"]
        data, etag = self.objects[place], self._etag(place)
        self.after_reading()
        return {"Body": io.BytesIO(data), "ContentLength": len(data), "ETag": etag}

    def copy_object(self, **at: Any) -> None:
        source = at["CopySource"]["Bucket"], at["CopySource"]["Key"]
        self._etag(source, at["CopySourceIfMatch"])
        self.objects[at["Bucket"], at["Key"]] = self.objects[source]

    def delete_object(self, **at: str) -> None:
        place = at["Bucket"], at["Key"]
        self._etag(place, at["IfMatch"])
        del self.objects[place]


class Task:
    """A Celery task that runs at once."""

    def __init__(self, function: Callable[..., None]) -> None:
        self.delay = function


class Celery:
    """A Celery application; notes how its task was declared."""

    options: ClassVar[dict[str, Any]] = {}

    def __init__(self, name: str, broker: str) -> None:
        assert (name, broker) == ("uploads", "amqp://localhost")

    def task(self, **options: Any) -> type[Task]:
        Celery.options = options
        return Task


@pytest.fixture
def recipe(known_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Load the recipe for object storage over a bucket in memory."""
    bucket = Bucket()
    boto3 = SimpleNamespace(client=lambda service: bucket)
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    monkeypatch.setitem(sys.modules, "celery", SimpleNamespace(Celery=Celery))
    monkeypatch.setenv("HASHMATCH_HOME", str(known_home.path))
    loaded = runpy.run_path(str(ROOT / "examples" / "s3_celery.py"))
    yield SimpleNamespace(bucket=bucket, **loaded)
    loaded["gate"]()._matcher.close()


def event(*keys: str) -> dict[str, Any]:
    records = [
        {"s3": {"bucket": {"name": "uploads"}, "object": {"key": quote_plus(key)}}} for key in keys
    ]
    return {"Records": records}


def test_objects_go_where_they_may_and_nothing_unchecked_is_lost(
    recipe: Any, photograph: Photograph
) -> None:
    objects = recipe.bucket.objects
    clean, known = (photograph(name).read_bytes() for name in ("ihc.png", "chelsea.png"))
    coffee = photograph("coffee.png").read_bytes()
    uploads = {"a b/clean": clean, "known": coffee, "text": b"text", "huge": bytes(33 << 20)}
    for key, data in uploads.items():
        objects["uploads", key] = data
    recipe.on_event(event(*uploads))
    assert objects.keys() == {
        ("served", "a b/clean"), ("moderation", "text"), ("moderation", "huge"),
    }  # fmt: skip
    assert Celery.options["acks_late"]
    assert Celery.options["max_retries"] is None

    objects["uploads", "swapped"] = clean
    recipe.bucket.after_reading = lambda: objects.update({("uploads", "swapped"): known})
    with pytest.raises(RuntimeError, match="PreconditionFailed"):
        recipe.on_event(event("swapped"))
    assert ("served", "swapped") not in objects
    assert objects["uploads", "swapped"] == known

    recipe.bucket.after_reading = lambda: None
    objects["uploads", "unlucky"] = clean
    recipe.gate().close()
    recipe.gate()._admission.waiting = -recipe.gate()._admission.running  # full
    with pytest.raises(UploadRefusedError):
        recipe.on_event(event("unlucky"))
    assert objects["uploads", "unlucky"] == clean
