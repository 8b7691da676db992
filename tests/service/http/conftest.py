"""The application over a real snapshot, in this process, and keys of every role."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

import hashmatch as hm
from hashmatch.home import Home
from hashmatch.service.config import ServeConfig
from hashmatch.service.http.app import build
from hashmatch.service.http.metrics import own_metrics
from hashmatch.service.http.service import Service
from hashmatch.service.keys import Role, add_key


@dataclass
class Running:
    """A service in this process, and how to ask it."""

    service: Service
    app: Any
    keys: dict[str, str]

    def ask(
        self, method: str, path: str, *, key: str | None = None, **options: Any
    ) -> httpx.Response:
        """Send one request, with the key of a role."""
        return self.ask_many([(method, path, key, options)])[0]

    def ask_many(
        self, requests: list[tuple[str, str, str | None, dict[str, Any]]]
    ) -> list[httpx.Response]:
        """Send requests all at once and return their answers in order."""

        async def call() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return list(
                    await asyncio.gather(*(self._one(client, *request) for request in requests))
                )

        return asyncio.run(call())

    async def _one(
        self,
        client: httpx.AsyncClient,
        method: str,
        path: str,
        key: str | None,
        options: dict[str, Any],
    ) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {self.keys.get(key, key)}"
        if "document" in options:
            options["content"] = json.dumps(options.pop("document"))
            headers.setdefault("Content-Type", "application/json")
        return await client.request(method, path, headers=headers, **options)


@pytest.fixture
def home(known_home: Home, tmp_path: Path) -> Home:
    """Return a copy of the home that knows three photographs, to be changed at will."""
    shutil.copytree(known_home.path, tmp_path / "home")
    return Home(tmp_path / "home")


Start = Callable[..., Running]


@pytest.fixture
def start(home: Home) -> Iterator[Start]:
    """Return a function that starts a service in this process, with options of its config."""
    opened: list[tuple[hm.Matcher, Service]] = []

    def make(matcher: Any = None, curator: Any = None, **options: Any) -> Running:
        keys = {}
        if options.get("auth", True):
            rates = options.pop("rates", {})
            for role in Role:
                roles = [role, Role.MATCH] if role is Role.EXPLAIN else [role]
                keys[role.value] = add_key(
                    home, role.value, roles, rate=rates.get(role.value, 1e6)
                )[1]
        config = ServeConfig(home=str(home.path), **options)
        found = matcher or hm.Matcher.open(home.path)
        service = Service(config, found, own_metrics(), curator)
        opened.append((found, service))
        return Running(service, build(service), keys)

    yield make
    for matcher, service in opened:
        service.close()
        matcher.close()


@pytest.fixture
def running(start: Start) -> Running:
    """Return a service with the default options."""
    return start()
