"""The OpenAPI description: complete, and true of what the service does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hashmatch.home import Home
from hashmatch.service.keys import Role, add_key

SECONDS = 300


def test_every_route_is_described(running: Any) -> None:
    described = running.ask("GET", "/openapi.json").json()
    assert described["openapi"].startswith("3.")
    routes = {(method, path) for path, methods in described["paths"].items() for method in methods}
    assert routes == {
        ("post", "/v1/match"),
        ("post", "/v1/match/batch"),
        ("post", "/v1/match/hashes"),
        ("post", "/v1/match/hashes/batch"),
        ("post", "/v1/hash"),
        ("get", "/v1/lists"),
        ("get", "/v1/snapshot"),
        ("post", "/v1/lists/{name}/entries"),
        ("post", "/v1/lists/{name}/entries/remove"),
        ("get", "/health/live"),
        ("get", "/health/ready"),
        ("get", "/metrics"),
    }
    for methods in described["paths"].values():
        for about in methods.values():
            assert about["summary"]
            assert "401" in about["responses"]
    assert described["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_the_examples_are_accepted(running: Any) -> None:
    described = running.ask("GET", "/openapi.json").json()
    for path in ("/v1/match/hashes", "/v1/match/hashes/batch"):
        content = described["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        response = running.ask("POST", path, key="match", document=content["example"])
        assert response.status_code == 200, response.text


def test_a_method_that_does_not_fit_names_those_that_do(running: Any) -> None:
    response = running.ask("DELETE", "/v1/match")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.heavy
@pytest.mark.timeout(3 * SECONDS)
def test_nothing_generated_from_the_description_finds_a_contradiction(
    known_home: Home, tmp_path: Path, serve: Any
) -> None:
    import shutil

    shutil.copytree(known_home.path, tmp_path / "home")
    home = Home(tmp_path / "home")
    key = add_key(home, "all", list(Role), rate=1e9)[1]
    with serve(home.path) as served:
        run = subprocess.run(
            [str(Path(sys.executable).with_name("schemathesis")), "run",
             f"http://127.0.0.1:{served.port}/openapi.json", "--checks", "all",
             "--max-time", str(SECONDS), "--header", f"Authorization: Bearer {key}"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
    assert run.returncode == 0, run.stdout[-6000:]
