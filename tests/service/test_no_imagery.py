"""Nothing of an upload is kept: every write of every process is looked at, and memory is searched.

The pictures carry a random marker in their pixels, in a comment and in their file name. The
service and the command line run under strace; a write of the marker to a regular file, a
temporary file, or a writable mapping of a file is a failure. So that a blind test cannot pass,
an application that spools uploads, as web frameworks do by default, must fail the same checks.
"""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from hashmatch.home import Home
from hashmatch.service.keys import Role, add_key

Serve = Callable[..., Any]
CALLS = (
    "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,sendfile,splice,copy_file_range,"
    "memfd_create,mmap,rename,renameat2,linkat"
)
LOOKED_AT = 4096
TOO_LONG = 33 << 20
SMALL, LARGE = (0.1, 1.1), (0.1, 1.0, 1.1, 5.0, 20.0)

HEAVY = pytest.mark.heavy
pytestmark = [
    pytest.mark.skipif(not shutil.which("strace"), reason="needs strace"),
    pytest.mark.timeout(600),
]


@dataclass(frozen=True)
class Marked:
    """A picture with a marker in it."""

    marker: bytes
    name: str
    data: bytes


def marked(megabytes: float, kind: str = "BMP") -> Marked:
    """Return a picture of about this size whose file holds the marker every few hundred bytes."""
    marker = os.urandom(32)
    name = f"holiday-{marker.hex()[:24]}.{kind.lower()}"
    height = max(8, int(megabytes * 1e6 / (3 * 640)))
    if kind == "BMP":
        pixels = np.frombuffer(marker * (height * 60), np.uint8).reshape(height, 640, 3)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "BMP")
        data = buffer.getvalue()
        assert data.count(_swapped(marker)) > height, "BMP keeps rows as they are, as BGR"
        return Marked(_swapped(marker), name, data)
    pixels = np.random.default_rng(1).integers(0, 256, (height, 640, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    comment = marker * 100
    jpeg = buffer.getvalue()
    segment = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    return Marked(marker, name, jpeg[:2] + segment + jpeg[2:])


def _swapped(marker: bytes) -> bytes:
    """Return what is left of the marker when RGB is written as BGR: a run that recurs."""
    row = np.frombuffer(marker * 60, np.uint8).reshape(-1, 3)[:, ::-1].tobytes()
    return row[96:128]


def traces(folder: Path) -> list[str]:
    """Return strace and its options, writing one file a process below a folder."""
    folder.mkdir(exist_ok=True)
    return [
        "strace", "-ff", "-qq", "-y", "-xx", "-s", str(LOOKED_AT), "-e", f"trace={CALLS}",
        "-e", "signal=none", "-o", str(folder / "trace"),
    ]  # fmt: skip


def problems(folder: Path, marker: bytes) -> list[str]:
    """Return every call in the traces that put an upload, or could have put it, into a file."""
    hexed = "".join(f"\\x{byte:02x}" for byte in marker[:16])
    found = []
    for trace in sorted(folder.glob("trace.*")):
        for line in trace.read_text(errors="replace").splitlines():
            call = line.partition("(")[0]
            target = re.search(r"\d+<([^>]*)>", line)
            path = _unescaped(target[1]) if target else ""
            regular = path.startswith("/") and not path.startswith(("/memfd:", "/dev/null"))
            if "O_TMPFILE" in line:
                found.append(f"{call}: O_TMPFILE")
            elif call == "mmap":
                if regular and "PROT_WRITE" in line and "MAP_SHARED" in line:
                    found.append(f"mmap: writable and shared {path}")
            elif (
                call not in ("openat", "open", "creat", "memfd_create")
                and regular
                and hexed in line
            ):
                found.append(f"{call}: marker into {path}")
    return found


def _unescaped(text: str) -> str:
    return re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), text)


def forms_of(secret: bytes) -> dict[str, bytes]:
    """Return a secret in the ways it might be written."""
    return {
        "as it is": secret,
        "hex": secret.hex().encode(),
        "HEX": secret.hex().upper().encode(),
        "base64": base64.b64encode(secret)[4:-4],
        "base64 for URLs": base64.urlsafe_b64encode(secret)[4:-4],
        "percent": urllib.parse.quote_from_bytes(secret).encode(),
        "escaped": repr(secret)[2:-1].encode(),
    }


def assert_nowhere(secret: bytes, *places: Path | bytes) -> None:
    """Look for a secret in bytes and in every file below some folders."""
    for place in places:
        files = (
            [("text", place)]
            if isinstance(place, bytes)
            else [(str(p), p.read_bytes()) for p in place.rglob("*") if p.is_file()]
        )
        for where, content in files:
            for form, text in forms_of(secret).items():
                assert text not in content, f"{form} in {where}"


@pytest.fixture
def keyed(known_home: Home, tmp_path: Path) -> tuple[Home, str]:
    home = Home(tmp_path / "home")
    shutil.copytree(known_home.path, home.path)
    return home, add_key(home, "up", [Role.MATCH, Role.EXPLAIN, Role.OBSERVE], rate=1e6)[1]


@pytest.fixture
def traced(keyed: tuple[Home, str], serve: Serve, tmp_path: Path) -> Iterator[Any]:
    """Give a service under strace, whose temporary files would land in a folder of the test."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    options = ["--workers", "1", "--timeout", "5"]
    before = traces(tmp_path / "traces")
    environment = {"TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
    with serve(keyed[0].path, *options, before=before, environment=environment) as served:
        yield served


def send_well_and_badly(served: Any, key: str, picture: Marked) -> list[httpx.Response]:
    """Upload a picture in every way, good and bad; return the answers there were."""
    answers = []
    cut = picture.data[: len(picture.data) // 2]
    with served.client(key) as client:
        for content in (picture.data, cut):
            answers += [
                client.post("/v1/match", content=content),
                client.post("/v1/match", files={picture.name: (picture.name, content)}),
                client.post("/v1/hash?types=pdq,sha256", content=content),
            ]
        answers += [
            client.post("/v1/match/batch", files=[("f", (picture.name, picture.data))] * 3),
            client.post("/v1/match", content=picture.data, headers={"Content-Type": "text/html"}),
            client.post(
                "/v1/match/hashes",
                content=picture.data[:4000],
                headers={"Content-Type": "application/json"},
            ),
            client.post(f"/v1/{picture.name}", content=picture.data),
        ]
        with served.client("wrong") as stranger:
            answers.append(stranger.post("/v1/match", content=picture.data))
    leave_midway(served, key, picture)
    return answers


def leave_midway(served: Any, key: str, picture: Marked) -> None:
    """Send half a picture and go."""
    head = (
        f"POST /v1/match HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Length: {len(picture.data)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", served.port)) as link:
        link.sendall(head + picture.data[: len(picture.data) // 2])
        time.sleep(0.1)


def send_while_decoders(
    served: Any, key: str, picture: Marked, number: signal.Signals
) -> httpx.Response:
    """Upload a picture whose decoder has it already when it gets a signal."""
    (worker,) = served.workers()
    decoders = served.running("hashmatch.sandbox.worker", below=worker)
    for decoder in decoders:
        os.kill(decoder, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool, served.client(key) as client:
        asked = pool.submit(client.post, "/v1/match", content=picture.data)
        time.sleep(1)
        if number is not signal.SIGSTOP:
            for decoder in decoders:
                os.kill(decoder, number)
        response: httpx.Response = asked.result()
        for decoder in served.running("hashmatch.sandbox.worker", below=worker):
            if decoder in decoders:
                os.kill(decoder, signal.SIGKILL)
        end = time.monotonic() + 120
        small = marked(0.1).data  # traced, a large one may take longer than a client may wait
        while "no_match" not in client.post("/v1/match", content=small).text:
            assert time.monotonic() < end, "no decoder came in their place"
    return response


def bomb(picture: Marked) -> bytes:
    """Return a picture that claims to be enormous, with the marker in it."""
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    size = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    text = chunk(b"tEXt", b"Comment\0" + picture.marker * 8)
    rows = chunk(b"IDAT", zlib.compress(bytes(1_000_000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + text + rows + chunk(b"IEND", b"")


def check_everything(
    served: Any, answers: list[httpx.Response], picture: Marked, tmp_path: Path
) -> None:
    served.stop(120)
    assert problems(tmp_path / "traces", picture.marker) == []
    assert list((tmp_path / "traces").glob("trace.*")), "nothing was traced"
    log = b"".join(served.lines)
    assert b'"route":"match"' in log
    bodies = b"".join(a.content + repr(a.headers).encode() for a in answers)
    for secret in (picture.marker, picture.name.encode()):
        assert_nowhere(secret, log, bodies, tmp_path / "home", tmp_path / "tmp")
    assert [p for p in (tmp_path / "tmp").rglob("*") if p.is_file()] == []


def test_an_upload_reaches_no_file_and_no_log(
    traced: Any, keyed: tuple[Home, str], tmp_path: Path
) -> None:
    for megabytes in SMALL:
        picture = marked(megabytes)
        answers = send_well_and_badly(traced, keyed[1], picture)
        assert {a.status_code for a in answers} == {200, 400, 401, 404, 415}
    check_everything(traced, answers, picture, tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["BMP", "JPEG"])
@pytest.mark.parametrize("megabytes", LARGE)
def test_no_size_and_no_error_path_leaves_anything(
    traced: Any, keyed: tuple[Home, str], tmp_path: Path, megabytes: float, kind: str
) -> None:
    picture = marked(megabytes, kind)
    answers = send_well_and_badly(traced, keyed[1], picture)
    with traced.client(keyed[1]) as client:
        answers.append(client.post("/v1/match", content=bomb(picture)))
        too_long = picture.data * (TOO_LONG // len(picture.data) + 1)
        answers.append(client.post("/v1/match", content=too_long))
    assert answers[-2].json()["verdict"] == "unscannable"
    assert answers[-1].status_code == 413
    answers += [
        send_while_decoders(traced, keyed[1], picture, signal.SIGSTOP),  # the service's deadline
        send_while_decoders(traced, keyed[1], picture, signal.SIGKILL),
    ]
    assert answers[-2].json()["error"]["reason"] == "timeout"
    # the decoder may still have been starting, or, traced, its successor take too long to start
    assert re.search("decoder_crashed|decoder_unavailable|timeout", answers[-1].text)
    for worker in traced.workers():
        leave_midway(traced, keyed[1], picture)
        os.kill(worker, signal.SIGKILL)
    traced.wait_for("died", seconds=60)
    traced.wait_for("ready", 2, seconds=120)
    with traced.client(keyed[1]) as client:
        answers.append(client.post("/v1/match", content=picture.data))
    check_everything(traced, answers, picture, tmp_path)


@pytest.mark.parametrize("megabytes", [1.1, *(pytest.param(n, marks=HEAVY) for n in (0.1, 5, 20))])
@pytest.mark.parametrize("command", ["match", "hash", "scan"])
def test_the_command_line_writes_nothing_of_a_picture(
    known_home: Home, tmp_path: Path, command: str, megabytes: float
) -> None:
    picture = marked(megabytes)
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "a.bmp").write_bytes(picture.data)
    (folder / "cut.bmp").write_bytes(picture.data[: len(picture.data) // 2])
    (folder / "bomb.png").write_bytes(bomb(picture))
    files = [str(path) for path in sorted(folder.iterdir())]
    arguments = {
        "match": ["match", "--json", *files],
        "hash": ["hash", *files],
        "scan": ["scan", str(folder), "-o", str(tmp_path / "out"), "--quiet"],
    }[command]
    (tmp_path / "tmp").mkdir()
    run = subprocess.run(
        [*traces(tmp_path / "traces"), sys.executable, "-m", "hashmatch", "--home",
         str(known_home.path), *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
    )  # fmt: skip
    assert run.returncode == 2, "the cut file could not be checked"
    assert problems(tmp_path / "traces", picture.marker) == []
    places = [tmp_path / "tmp", *([tmp_path / "out"] if command == "scan" else [])]
    assert_nowhere(picture.marker, run.stdout, run.stderr, *places)


SPOOLING = """
import sys, tempfile
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def upload(request):
    form = await request.form()
    return JSONResponse({"size": form["f"].size})

app = Starlette(routes=[Route("/", upload, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""


def test_an_application_that_spools_uploads_fails_the_same_checks(tmp_path: Path) -> None:
    """The positive control."""
    picture = marked(1.2)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [*traces(tmp_path / "traces"), sys.executable, "-c", textwrap.dedent(SPOOLING), str(port)],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
    )
    try:
        for _ in range(300):
            try:
                response = httpx.post(
                    f"http://127.0.0.1:{port}/", files={"f": (picture.name, picture.data)}
                )
                break
            except httpx.TransportError:
                time.sleep(0.1)
        assert response.json() == {"size": len(picture.data)}
    finally:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        os.kill(int(children.split()[0]), signal.SIGTERM)  # strace would not pass it on
        process.wait(30)
    found = problems(tmp_path / "traces", picture.marker)
    assert any("O_TMPFILE" in problem for problem in found)
    assert any("marker into" in problem for problem in found)
    with pytest.raises(AssertionError):
        assert_nowhere(picture.marker, base64.b64encode(picture.marker))
    secret = bytes(range(224, 256))  # whose two kinds of base64 differ, as not all do
    for form, text in forms_of(secret).items():
        with pytest.raises(AssertionError, match=f"{form} in"):
            assert_nowhere(secret, b"before " + text + b" after")


def copies_in_memory(process: int, marker: bytes) -> int:
    """Return how often a marker is in the memory of a process."""
    count = 0
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if rights.startswith("rw"):
                start, end = (int(part, 16) for part in span.split("-"))
                try:
                    memory.seek(start)
                    count += memory.read(end - start).count(marker)
                except (OSError, ValueError, OverflowError):
                    continue
    return count


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may read the memory of the workers")
def test_what_is_left_in_memory_after_the_answer(keyed: tuple[Home, str], serve: Serve) -> None:
    """What can be wiped is wiped; what a library copied and freed is counted and bounded."""
    with serve(keyed[0].path, "--workers", "1") as served:
        (worker,) = served.workers()
        for megabytes in (0.3, 1.1):
            picture = marked(megabytes, "JPEG")
            copies = picture.data.count(picture.marker)
            with served.client(keyed[1]) as client:
                for _ in range(3):
                    client.post("/v1/match", content=picture.data)
                    client.post("/v1/match", files={"f": (picture.name, picture.data)})
                client.post("/v1/match", content=b"nothing")
            left = copies_in_memory(worker, picture.marker)
            assert left < copies * 6, "the wiped buffers alone would hold as many"
            print(f"{megabytes} MB: {left} of {copies * 6} markers are left")


def test_a_crash_leaves_no_core_file(keyed: tuple[Home, str], serve: Serve) -> None:
    with serve(keyed[0].path, "--workers", "1") as served:
        (worker,) = served.workers()
        limits = Path(f"/proc/{worker}/limits").read_text()
        assert re.search(r"Max core file size\s+0\s+0", limits)
        assert re.search(r"Max file size\s+0\s+0", limits)
        os.kill(worker, signal.SIGSEGV)
        served.wait_for("died")
        served.wait_for("ready", 2)
    assert not list(keyed[0].path.glob("core*"))
