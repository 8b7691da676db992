"""Who is let in, who is told to wait, and what nobody is told."""

from __future__ import annotations

from typing import Any

import pytest

from hashmatch.errors import ServiceConfigError
from hashmatch.home import Home
from hashmatch.service.board import Board
from hashmatch.service.config import ServeConfig
from hashmatch.service.keys import Role, add_key, key_file, read_keys, remove_key

ROUTES = {
    ("POST", "/v1/match"): {"match", "explain"},
    ("POST", "/v1/match/batch"): {"match", "explain"},
    ("POST", "/v1/match/hashes"): {"match", "hash-only", "explain"},
    ("POST", "/v1/match/hashes/batch"): {"match", "hash-only", "explain"},
    ("POST", "/v1/hash"): {"match", "explain"},
    ("GET", "/v1/lists"): {"explain", "curate", "observe"},
    ("GET", "/v1/snapshot"): {"explain", "curate", "observe"},
    ("POST", "/v1/lists/photos/entries"): {"curate"},
    ("POST", "/v1/lists/photos/entries/remove"): {"curate"},
    ("GET", "/metrics"): {"observe"},
}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[1])
def test_each_route_lets_in_its_roles_only(running: Any, route: tuple[str, str]) -> None:
    method, path = route
    for role in Role:
        status = running.ask(method, path, key=role.value).status_code
        assert (status != 403) is (role.value in ROUTES[route]), role
        assert status != 401


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[1])
def test_each_route_needs_a_valid_key(running: Any, route: tuple[str, str]) -> None:
    method, path = route
    key = running.keys["match"]
    for headers in (
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {key}x"},
        {"Authorization": f"Basic {key}"},
        {"Authorization": key},
        {"X-API-Key": key},
    ):
        response = running.ask(method, path, headers=headers)
        assert (response.status_code, response.json()["error"]["reason"]) == (401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"
        assert key not in response.text


def test_health_needs_no_key_and_tells_nothing_of_the_lists(running: Any) -> None:
    assert running.ask("GET", "/health/live").json() == {"status": "live"}
    assert running.ask("GET", "/health/ready").json() == {"status": "ready", "problems": []}


def test_a_key_is_refused_before_its_body_is_read(running: Any) -> None:
    read = []

    async def body() -> Any:
        read.append(True)
        yield b""

    assert running.ask("POST", "/v1/match", key="wrong", content=body()).status_code == 401
    assert not read


def test_keys_can_be_made_and_removed_while_serving(
    running: Any, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashmatch.service.http.access._LOOK_EVERY", 0.0)
    _, secret = add_key(home, "late", [Role.OBSERVE])
    assert running.ask("GET", "/v1/lists", key=secret).status_code == 200
    remove_key(home, "late")
    assert running.ask("GET", "/v1/lists", key=secret).status_code == 401
    key_file(home).write_text("{damaged")
    assert running.ask("GET", "/v1/lists", key="observe").status_code == 200, "the last good ones"


def test_a_rate_is_kept_and_the_wait_is_told(start: Any) -> None:
    running = start(rates={"match": 2.0, "hash-only": 5.0})
    statuses = [running.ask("POST", "/v1/match", key="match", content=b"x") for _ in range(8)]
    refused = [r for r in statuses if r.status_code == 429]
    assert 3 <= len(refused) <= 4
    assert [r.status_code for r in statuses[:4]] == [200] * 4, "a burst of two seconds' worth"
    assert refused[0].json()["error"]["reason"] == "rate_limited"
    assert int(refused[0].headers["retry-after"]) >= 1
    batch = {"hash_type": "pdq", "values": ["0" * 64] * 50}
    path = "/v1/match/hashes/batch"
    assert running.ask("POST", path, key="hash-only", document=batch).status_code == 200
    again = running.ask("POST", path, key="hash-only", document=batch)
    assert again.status_code == 429
    assert int(again.headers["retry-after"]) > 5
    assert running.ask("POST", "/v1/match", key="explain", content=b"x").status_code == 200


def test_a_rate_is_shared_between_processes() -> None:
    handle = Board.make(2, 4, 8)
    one, other = Board(handle, 2, 4, 8, 0), Board(handle, 2, 4, 8, 1)
    taken = [board.take_turn(3, 0.5, 2.0, 1000.0) for board in (one, other, one, other)]
    assert taken == [0.0] * 4
    assert one.take_turn(3, 0.5, 2.0, 1000.0) == pytest.approx(0.5)
    assert other.take_turn(3, 0.5, 2.0, 1000.6) == 0.0
    assert one.place_of("key a") == other.place_of("key a") == 0
    assert other.place_of("list b") == one.place_of("list b") == 1
    assert one.placed() == other.placed() == ["key a", "list b"]
    assert [one.place_of(f"n{n}") for n in range(7)] == [2, 3, 4, 5, 6, 7, None]


def test_without_authentication_everything_is_explained_to_this_machine(start: Any) -> None:
    running = start(auth=False)
    assert "hits" in running.ask("POST", "/v1/match", content=b"x").json()
    assert running.ask("GET", "/metrics").status_code == 200


def test_no_authentication_means_loopback_only(home: Home) -> None:
    for host in ("0.0.0.0", "192.168.1.1", "::", "example.org"):
        with pytest.raises(ServiceConfigError, match="loopback"):
            ServeConfig(home=str(home.path), host=host, auth=False)
    for host in ("127.0.0.1", "localhost", "::1", "127.8.9.1"):
        assert ServeConfig(home=str(home.path), host=host, auth=False).host == host


def test_configurations_that_cannot_be(home: Home, tmp_path: Any) -> None:
    for options in (
        {"tls_certificate": "cert.pem"},
        {"client_ca": "ca.pem"},
        {"tls_certificate": str(tmp_path / "no"), "tls_key": str(tmp_path / "no")},
        {"max_bytes": 100, "memory": 99},
    ):
        with pytest.raises(ServiceConfigError):
            ServeConfig(home=str(home.path), **options)
    config = ServeConfig(home=str(home.path), workers=3)
    assert ServeConfig.from_text(config.to_text()) == config


def test_only_digests_are_stored_and_only_for_their_owner(home: Home) -> None:
    key, secret = add_key(home, "up", [Role.MATCH, Role.EXPLAIN], rate=5)
    text = key_file(home).read_text()
    assert secret not in text
    assert secret.removeprefix("hm_") not in text
    assert key_file(home).stat().st_mode & 0o777 == 0o600
    assert read_keys(home) == (key,)
    assert len(secret) >= 40
    key_file(home).chmod(0o640)
    with pytest.raises(ServiceConfigError, match="chmod 600"):
        read_keys(home)


def test_keys_that_cannot_be(home: Home) -> None:
    add_key(home, "up", [Role.MATCH])
    for name, roles, rate in (
        ("up", [Role.MATCH], 1.0),
        ("Up Load", [Role.MATCH], 1.0),
        ("", [Role.MATCH], 1.0),
        ("x" * 33, [Role.MATCH], 1.0),
        ("none", [], 1.0),
        ("zero", [Role.MATCH], 0.0),
    ):
        with pytest.raises(ServiceConfigError):
            add_key(home, name, roles, rate=rate)
    with pytest.raises(ServiceConfigError, match="no key"):
        remove_key(home, "gone")
    key_file(home).write_text('{"keys": [{"name": 1}]}')
    with pytest.raises(ServiceConfigError, match="damaged"):
        read_keys(home)


def test_paths_that_are_none(running: Any) -> None:
    for path in (
        "/", "/v1", "/v1/match/", "//v1/match", "/v1/%2e%2e/metrics",
        "/v1/lists/%2e%2e/%2e%2e/etc/passwd/entries", "/docs", "/V1/MATCH",
    ):  # fmt: skip
        response = running.ask("GET", path)
        assert response.status_code in (404, 405), path
        assert set(response.json()) == {"error"}
    name = "%2e%2e%2fkeys.json"
    response = running.ask(
        "POST", f"/v1/lists/{name}/entries", key="curate", document={"entries": []}
    )
    assert response.status_code in (404, 422)
    assert running.ask("DELETE", "/v1/match").status_code == 405


def test_a_caller_can_name_its_request_and_give_a_context(running: Any) -> None:
    given = running.ask("GET", "/health/live", headers={"X-Request-Id": "upload-7"})
    assert given.headers["x-request-id"] == "upload-7"
    odd = running.ask("GET", "/health/live", headers={"X-Request-Id": 'x" y'})
    assert odd.headers["x-request-id"] != 'x" y'
    bad = running.ask("GET", "/health/live", headers={"X-Context": "two words"})
    assert (bad.status_code, bad.json()["error"]["reason"]) == (400, "bad_context")
