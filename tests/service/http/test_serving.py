"""The service as it is run: several processes, real sockets, signals, deaths, new snapshots."""

from __future__ import annotations

import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hashmatch as hm
from hashmatch.home import Home
from hashmatch.service.keys import Role, add_key

Served = Any  # the class is in conftest.py, which cannot be imported
Photograph = Callable[[str], Path]


@pytest.fixture(scope="module")
def keyed(known_home: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    import shutil

    home = Home(tmp_path_factory.mktemp("serving") / "home")
    shutil.copytree(known_home.path, home.path)
    roles = [Role.MATCH, Role.EXPLAIN, Role.OBSERVE, Role.CURATE]
    return home, add_key(home, "all", roles, rate=1e6)[1]


@pytest.fixture(scope="module")
def served(keyed: tuple[Home, str], serve: Any) -> Iterator[Served]:
    with serve(keyed[0].path, "--workers", "2") as running:
        yield running


def test_it_does_not_start_without_a_key(known_home: Home, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hashmatch", "--home", str(known_home.path), "serve"]
    for options, words in (
        ([], b"hashmatch key add"),
        (["--no-auth", "--host", "0.0.0.0"], b"loopback"),
        (["--client-ca", "ca.pem"], b"--tls-cert"),
    ):
        run = subprocess.run([*command, "--port", "0", *options], capture_output=True, check=False)
        assert run.returncode == 2
        assert words in run.stderr
    empty = [*command[:3], "--home", str(tmp_path), "serve", "--no-auth", "--port", "0"]
    run = subprocess.run(empty, capture_output=True, check=False, timeout=60)
    assert run.returncode == 2
    assert b"hashmatch: there is no snapshot" in run.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        run = subprocess.run(
            [*command, "--no-auth", "--port", port], capture_output=True, check=False
        )
        assert run.returncode == 2
        assert b"cannot listen" in run.stderr


def test_answers_and_metrics_of_all_processes(
    served: Served, keyed: tuple[Home, str], photograph: Photograph
) -> None:
    data = photograph("coffee.png").read_bytes()
    for _ in range(6):  # new connections, so that both processes get some
        with served.client(keyed[1]) as client:
            assert client.post("/v1/match", content=data).json()["verdict"] == "match"
    with served.client(keyed[1]) as client:
        text = client.get("/metrics").text
    assert 'hashmatch_verdicts_total{verdict="match"} 6.0' in text
    assert 'hashmatch_list_hits_total{list="photos"} 6.0' in text
    assert 'hashmatch_stage_seconds_count{stage="decode"} 6.0' in text
    assert 'hashmatch_requests_total{route="match",status="200"} 6.0' in text
    for holds in ("no_files", "no_core_limit", "not_dumpable"):
        assert f"hashmatch_hardening_{holds} 1.0" in text
    assert len(served.workers()) == 2


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 40_000, 431, "head_too_large"),
        (
            b"GET /health/live HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
            431,
            "head_too_large",
        ),
        (b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431, "head_too_large"),
        (b"\x16\x03\x01 this is not HTTP\r\n\r\n", 400, "bad_request"),
        (
            b"POST /v1/match HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "bad_request",
        ),
        (b"GET /v1/../metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "not_found"),
        (b"GET /../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "not_found"),
        (b"GET /%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "not_found"),
        (b"GET /v1/lists HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 401, "unauthorized"),
        (b"BREW /v1/match HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"),
    ],
    ids=[
        "endless header", "many headers", "long path", "no HTTP", "two lengths", "dots",
        "more dots", "NUL", "no key", "no method",
    ],
)  # fmt: skip
def test_hostile_requests_get_the_right_status_and_nothing_else(
    served: Served, request_bytes: bytes, status: int, reason: str
) -> None:
    answer = served.raw(request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert json.loads(body)["error"]["reason"] == reason
    assert b"yyyy" not in body
    assert b"Traceback" not in body


def test_requests_that_follow_each_other_on_one_connection(
    served: Served, keyed: tuple[Home, str]
) -> None:
    head = f"Host: x\r\nAuthorization: Bearer {keyed[1]}\r\n".encode()
    post = b"POST /v1/match HTTP/1.1\r\n" + head + b"Content-Length: 4\r\n\r\ntext"
    last = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = served.raw(post * 20 + last)
    assert answer.count(b"HTTP/1.1 200") == 21
    assert answer.count(b'"not_an_image"') == 20


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(
    served: Served, keyed: tuple[Home, str]
) -> None:
    head = f"POST /v1/match HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {keyed[1]}\r\n".encode()
    answer = served.raw(head + b"Content-Length: 999999999\r\n\r\n", wait=1)
    assert answer.startswith(b"HTTP/1.1 413")


def test_clients_that_are_too_slow_are_told(served: Served, keyed: tuple[Home, str]) -> None:
    head = f"POST /v1/match HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {keyed[1]}\r\n"
    starts = {
        b"GET /health/live HTTP/1.1\r\nHost: x\r\n": "head_too_slow",
        head.encode() + b"Content-Length: 1000\r\n\r\nhalf of it": "body_too_slow",
    }
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda sent: served.raw(sent, wait=40), starts))
    for answer, reason in zip(answers, starts.values(), strict=True):
        told, _, body = answer.partition(b"\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 408 ")
        assert json.loads(body)["error"]["reason"] == reason


def test_a_client_that_leaves_is_counted_and_harms_nobody(
    served: Served, keyed: tuple[Home, str]
) -> None:
    head = f"POST /v1/match HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {keyed[1]}\r\n".encode()
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", served.port)) as link:
            link.sendall(head + b"Content-Length: 100000\r\n\r\n" + b"x" * 5000)
            time.sleep(0.05)
    with served.client(keyed[1]) as client:
        assert client.post("/v1/match", content=b"x").status_code == 200
        end = time.monotonic() + 5
        wanted = ("hashmatch_clients_lost_total 5.0", "hashmatch_body_bytes 0.0")
        while not all(line in client.get("/metrics").text for line in wanted):
            assert time.monotonic() < end
            time.sleep(0.05)


def test_log_lines_are_json_from_a_closed_set_of_fields(served: Served) -> None:
    from hashmatch.service.http.logs import FIELDS

    events = served.events()
    assert {"serving", "ready", "request"} <= {event["event"] for event in events}
    assert all(set(event) <= set(FIELDS) for event in events)


def publish_one_more(home: Home, name: str, picture: Path) -> None:
    from hashmatch.lists import readers
    from hashmatch.lists.catalog import Catalog
    from hashmatch.publish import publish

    source = home.path.parent / f"{name}.txt"
    source.write_text(hm.hash_file(picture)["pdq"].hex)
    with Catalog.open(home.catalog) as catalog:
        reading = readers.read([source], hash_type="pdq")
        catalog.import_list(
            name,
            reading,
            source_files=[source],
            format=reading.format,
            polarity=hm.Polarity.KNOWN_BAD,
        )
    publish(home)


def test_a_new_snapshot_is_taken_up_without_losing_a_request(
    served: Served, keyed: tuple[Home, str], photograph: Photograph
) -> None:
    known, new = photograph("coffee.png").read_bytes(), photograph("ihc.png").read_bytes()
    stop = False
    verdicts: list[str] = []

    def ask() -> None:
        with served.client(keyed[1]) as client:
            while not stop:
                response = client.post("/v1/match", content=known)
                verdicts.append(response.json().get("verdict", response.text))

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        publish_one_more(keyed[0], "second", photograph("ihc.png"))
        served.wait_for("snapshot_loaded", 2)
        stop = True
        for each in asking:
            each.result()
    assert set(verdicts) == {"match"}
    for _ in range(4):
        with served.client(keyed[1]) as client:
            assert client.post("/v1/match", content=new).json()["verdict"] == "match"


def test_a_damaged_snapshot_is_refused_and_the_old_one_goes_on(
    served: Served, keyed: tuple[Home, str], photograph: Photograph
) -> None:
    current = keyed[0].snapshots / "CURRENT"
    before = current.read_bytes()
    beside = current.with_name("CURRENT.new")
    beside.write_bytes(b"00000099-0123456789abcdef\n")
    beside.replace(current)
    served.wait_for("snapshot_refused", 2)
    with served.client(keyed[1]) as client:
        ready = client.get("/health/ready")
        assert ready.status_code == 200
        assert ready.json() == {"status": "degraded", "problems": ["new_snapshot_invalid"]}
        data = photograph("coffee.png").read_bytes()
        assert client.post("/v1/match", content=data).json()["verdict"] == "match"
        assert "hashmatch_degraded 1.0" in client.get("/metrics").text
        beside.write_bytes(before)
        beside.replace(current)
        end = time.monotonic() + 10
        while client.get("/health/ready").json()["status"] != "ready":
            assert time.monotonic() < end
            time.sleep(0.05)


def test_every_hash_type_is_computed_whatever_the_lists_hold(
    served: Served, keyed: tuple[Home, str], photograph: Photograph
) -> None:
    """The sandboxed decoders of uploads are ready for the lists' types only."""
    path = photograph("coffee.png")
    with served.client(keyed[1]) as client:
        described = client.get("/openapi.json").json()["paths"]["/v1/hash"]["post"]
        (types,) = (p["schema"]["items"]["enum"] for p in described["parameters"][:1])
        assert {"pdq", "phash", "whash", "dhash16", "md5", "sha256"} <= set(types)
        query = ",".join(types)
        found = client.post(f"/v1/hash?types={query}", content=path.read_bytes()).json()
    expected = {name: value.to_json() for name, value in hm.hash_file(path, types=types).items()}
    assert found == {"hashes": expected, "reason": None, "message": None}


def test_a_dead_worker_is_replaced(served: Served, keyed: tuple[Home, str]) -> None:
    before = served.workers()
    os.kill(before[0], signal.SIGKILL)
    served.wait_for("died")
    end = time.monotonic() + 20
    while len(served.workers()) < 2 or len(served.events("ready")) < 3:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert set(served.workers()) != set(before)
    with served.client(keyed[1]) as client:
        assert 'hashmatch_worker_deaths_total{kind="service"} 1.0' in client.get("/metrics").text


def test_requests_under_way_end_before_the_service_does(
    keyed: tuple[Home, str], photograph: Photograph, serve: Any
) -> None:
    data = photograph("coffee.png").read_bytes()
    with serve(keyed[0].path, "--workers", "1", "--isolation", "inline") as served:
        head = (
            f"POST /v1/match HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {keyed[1]}\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        ).encode()
        with socket.create_connection(("127.0.0.1", served.port)) as link:
            link.sendall(head + data[:1000])
            time.sleep(0.2)
            served.process.send_signal(signal.SIGTERM)
            served.wait_for("draining")
            with pytest.raises(OSError, match="refused"):
                socket.create_connection(("127.0.0.1", served.port))
            link.sendall(data[1000:])
            answer = b""
            while piece := link.recv(65536):
                answer += piece
        assert b'"verdict":"match"' in answer
        assert served.process.wait(20) == 0


def test_workers_do_not_outlive_their_parent(keyed: tuple[Home, str], serve: Any) -> None:
    with serve(keyed[0].path, "--workers", "1") as served:
        workers = served.workers()
        assert len(workers) == 1
        served.process.kill()
        end = time.monotonic() + 10
        while Path(f"/proc/{workers[0]}").exists():
            state = Path(f"/proc/{workers[0]}/stat").read_text().rsplit(")", 1)[1].split()[0]
            if state == "Z":
                break
            assert time.monotonic() < end
            time.sleep(0.05)


def test_clients_need_a_certificate_where_one_is_asked_for(
    keyed: tuple[Home, str], tmp_path: Path, serve: Any
) -> None:
    import ssl

    import httpx

    files = make_certificates(tmp_path)
    options = ["--tls-cert", files["server.pem"], "--tls-key", files["server.key"]]
    options += ["--client-ca", files["ca.pem"]]
    with serve(keyed[0].path, "--workers", "1", *options) as served:
        trust = ssl.create_default_context(cafile=files["ca.pem"])
        address = f"https://127.0.0.1:{served.port}/health/live"
        with (
            httpx.Client(verify=trust) as client,
            pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)),
        ):
            client.get(address)
        trust.load_cert_chain(files["client.pem"], files["client.key"])
        with httpx.Client(verify=trust) as client:
            assert client.get(address).json() == {"status": "live"}


def test_what_is_no_certificate_is_refused_before_anything_starts(
    keyed: tuple[Home, str], tmp_path: Path
) -> None:
    files = make_certificates(tmp_path)
    (tmp_path / "text").write_text("no certificate")
    text = str(tmp_path / "text")
    command = [sys.executable, "-m", "hashmatch", "--home", str(keyed[0].path), "serve"]
    good = ["--tls-cert", files["server.pem"], "--tls-key", files["server.key"]]
    for options, words in (
        (["--tls-cert", text, "--tls-key", text], "are not a certificate and its"),
        (
            ["--tls-cert", files["server.pem"], "--tls-key", files["ca.key"]],
            "are not a certificate",
        ),
        ([*good, "--client-ca", text], "holds no certificate"),
    ):
        run = subprocess.run(
            [*command, "--port", "0", *options], capture_output=True, check=False, text=True
        )
        assert run.returncode == 2
        assert words in run.stderr
        assert "Traceback" not in run.stderr


def make_certificates(folder: Path) -> dict[str, str]:
    """Write an authority, a server's and a client's certificate, valid for an hour."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.datetime.now(datetime.UTC)

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    authority_key = ec.generate_private_key(ec.SECP256R1())
    files = {}
    for name in ("ca", "server", "client"):
        key = authority_key if name == "ca" else ec.generate_private_key(ec.SECP256R1())
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named("ca"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
            .add_extension(address, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        for suffix, content in (
            ("pem", certificate.public_bytes(serialization.Encoding.PEM)),
            (
                "key",
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                ),
            ),
        ):
            path = folder / f"{name}.{suffix}"
            path.write_bytes(content)
            files[path.name] = str(path)
    return files


def test_entries_that_are_added_and_removed_count_from_the_next_request_on(
    served: Served, keyed: tuple[Home, str], photograph: Photograph
) -> None:
    values = hm.hash_file(photograph("motorcycle_left.png"))["pdq"]
    hashes = {"pdq": values.to_json()}

    def verdicts() -> set[str]:
        found = set()
        for _ in range(6):  # new connections, so that both processes are asked
            with served.client(keyed[1]) as client:
                response = client.post("/v1/match/hashes", json={"hashes": hashes})
                found.add(response.json()["verdict"])
        return found

    path = "/v1/lists/photos/entries"
    with served.client(keyed[1]) as client:
        assert verdicts() == {"no_match"}
        entry = {
            "entry_id": "case-17-1",
            "hashes": hashes,
            "category": {"scheme": "local", "code": "1"},
            "metadata": {"case": "17"},
        }
        added = client.post(path, json={"entries": [entry]})
        assert (added.status_code, added.json()) == (201, {"added": 1})
        assert verdicts() == {"match"}
        explained = client.post("/v1/match/hashes", json={"hashes": hashes}).json()
        assert explained["hits"][0]["entry_id"] == "case-17-1"
        removed = client.post(f"{path}/remove", json={"entry_ids": ["case-17-1", "never-was"]})
        assert (removed.status_code, removed.json()) == (200, {"removed": 1})
        assert verdicts() == {"no_match"}
        unknown = client.post("/v1/lists/nosuch/entries", json={"entries": [entry]})
        assert (unknown.status_code, unknown.json()["error"]["reason"]) == (404, "list_not_changed")
        bad = {**entry, "hashes": {"pdq": {"hex": "zz"}}}
        assert client.post(path, json={"entries": [bad]}).status_code == 422
        assert client.post(path, json={"entries": [entry, {}]}).status_code == 422
    assert values.hex not in b"".join(served.lines).decode()
