"""Each example is run as its first lines say, and refuses a known picture."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

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
