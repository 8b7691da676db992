"""The HTTP service, measured: against the usual parts, in hashes a second, at start, under stress.

    python -m bench.service [pictures hashes beyond start soak] [--size N] [--seconds S] [--json]

Service and load generator share this machine, over loopback. Each figure is printed with its
goal and whether it was reached.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvloop
from numpy.typing import NDArray
from PIL import Image

from bench import big_list, load
from bench.corpus import photographs
from bench.figures import find
from bench.harness import Figure, measured, report
from bench.plots import Plot, Series
from hashmatch.home import Home
from hashmatch.service.keys import Role, add_key, read_keys, remove_key

FloatArray = NDArray[np.float64]
WORKERS = os.cpu_count() or 1
KEY_NAME = "bench"
_KINDS = {
    "hashmatch.service.worker": "workers",
    "hashmatch.service.curator": "curator",
    "hashmatch.sandbox.worker": "decoders",
}
_WINDOW = 10.0

FIGURES = (
    "service.upload", "service.p99", "service.hashes", "service.hashes-batched",
    "service.in-process", "service.ready", "service.soak-wrong", "service.soak-other",
    "service.soak-memory",
)  # fmt: skip


def _figure(name: str, what: str, samples: Sequence[float], note: str = "") -> Figure:
    """Return a promised figure with its unit and goal."""
    promise = find(name)
    assert promise is not None
    return measured(
        what, samples, promise.unit, promise.must, below=promise.below, name=name, note=note
    )


@dataclass(slots=True)
class Served:
    """A running ``hashmatch serve``."""

    process: subprocess.Popen[bytes]
    port: int = 0
    ready_seconds: float = 0.0
    lines: list[bytes] = field(default_factory=list)
    most: dict[str, int] = field(default_factory=dict)

    def descendants(self) -> list[int]:
        """Return every process of the service."""
        found, ahead = [], [self.process.pid]
        while ahead:
            pid = ahead.pop()
            found.append(pid)
            try:
                tasks = list(Path(f"/proc/{pid}/task").iterdir())
                for task in tasks:
                    ahead += map(int, (task / "children").read_text().split())
            except OSError:
                continue
        return found

    def named(self, module: str) -> list[int]:
        """Return the processes that run a module."""
        found = []
        for pid in self.descendants():
            try:
                if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
            except OSError:
                continue
        return found

    def memory(self) -> dict[str, float]:
        """Return the memory that each kind of its processes alone holds, in MB.

        What they hold on average, times the most there were at once: the decoders that a soak
        kills, and those that take their places, would hide what one of them gathers.

        Pages of the mapped list are clean and can be had again from the file, so they are left
        out; that old lists are unmapped is looked at by :meth:`mapped`.
        """
        found: dict[str, list[float]] = {kind: [] for kind in (*_KINDS.values(), "supervisor")}
        for pid in self.descendants():
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:  # it ended meanwhile
                continue
            kind = next((k for module, k in _KINDS.items() if module in command), "supervisor")
            for line in rollup.splitlines():
                if line.startswith("Private_Dirty"):
                    found[kind].append(int(line.split()[1]) / 1024)
        for kind, held in found.items():
            self.most[kind] = max(self.most.get(kind, 0), len(held))
        return {
            kind: float(np.mean(held)) * self.most[kind] if held else 0.0
            for kind, held in found.items()
        }

    def mapped(self) -> int:
        """Return the most snapshots that one of its processes has mapped."""
        most = 0
        for pid in self.named("hashmatch.service.worker"):
            maps = Path(f"/proc/{pid}/maps").read_text()
            most = max(most, len(set(re.findall(r"/snapshots/(\d{8}-[0-9a-f]+)/", maps))))
        return most


@contextmanager
def serve(home: Home, *options: str) -> Iterator[Served]:
    """Run the service until the block ends."""
    command = [sys.executable, "-m", "hashmatch", "--home", str(home.path), "serve", "--port", "0"]
    begin = time.perf_counter()
    served = Served(
        subprocess.Popen([*command, "--workers", str(WORKERS), *options], stderr=subprocess.PIPE)
    )
    ready = threading.Event()

    def read() -> None:
        assert served.process.stderr is not None
        for line in served.process.stderr:
            if not served.port and b'"serving"' in line:
                served.ready_seconds = time.perf_counter() - begin
                served.port = int(json.loads(line)["address"].rsplit(":", 1)[1])
                ready.set()
            elif b'"request"' not in line:
                served.lines.append(line)

    threading.Thread(target=read, daemon=True).start()
    try:
        if not ready.wait(120):
            raise SystemExit(f"the service did not start: {served.lines[-3:]}")
        yield served
    finally:
        served.process.send_signal(signal.SIGTERM)
        served.process.wait(60)


@contextmanager
def comparison(home: Home, orientations: int) -> Iterator[int]:
    """Run the Flask service over the same list, with as many workers; give its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    environment = {
        **os.environ,
        "CODES": str(home.path / big_list.CODES),
        "ORIENTATIONS": str(orientations),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--log-level", "error", "-w", str(WORKERS),
         "--timeout", "120", "-b", f"127.0.0.1:{port}", "bench.flask_service:app"],
        env=environment,
    )  # fmt: skip
    try:
        for _ in range(1200):
            try:
                httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=60)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def key_for(home: Home) -> str:
    """Return a fresh key that no rate holds back."""
    if any(key.name == KEY_NAME for key in read_keys(home)):
        remove_key(home, KEY_NAME)
    return add_key(home, KEY_NAME, [Role.MATCH, Role.OBSERVE], rate=1e9)[1]


def jpeg_1600() -> bytes:
    """Return a photograph of 1600 x 1004 as a JPEG of about 0.36 MB."""
    with Image.open(photographs()["rocket.jpg"]) as opened:
        picture = opened.convert("RGB").resize((1600, 1004), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(4).integers(-9, 10, (1004, 1600, 3), dtype=np.int16)
    pixels = np.clip(np.asarray(picture, np.int16) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


def run(port: int, requests: Sequence[bytes], **options: Any) -> load.Load:
    """Load a port on an event loop of its own, the fast one: the generator must cost little."""
    return uvloop.run(load.run(port, requests, **options))


def pictures(home: Home, seconds: float) -> list[Figure | Plot]:
    """Requests a second with a picture, beside the usual parts; latency at half of it."""
    key, data = key_for(home), jpeg_1600()
    request = [load.post("/v1/match", data, "image/jpeg", key)]
    ratios: dict[int, list[float]] = {8: [], 1: []}
    ours: list[float] = []
    theirs: dict[int, list[float]] = {8: [], 1: []}
    with serve(home) as served:
        run(served.port, request, connections=2, seconds=2)
        for orientations in (8, 1):
            with comparison(home, orientations) as other:
                run(other, request, connections=WORKERS, seconds=2)
                for _ in range(3):
                    fast = run(served.port, request, connections=4 * WORKERS, seconds=seconds)
                    slow = run(other, request, connections=2 * WORKERS, seconds=seconds)
                    ours.append(fast.rate)
                    theirs[orientations].append(slow.rate)
                    ratios[orientations].append(fast.rate / slow.rate)
        capacity = float(np.median(ours))
        half = run(served.port, request, connections=64, seconds=2 * seconds, rate=capacity / 2)
    note = f"{len(data) / 1e6:.2f} MB JPEG, {capacity:.1f}/s against {{:.1f}}/s"
    shares = np.linspace(0, 100, 201)
    times = 1e3 * np.percentile(half.times, shares)
    latency = Series("POST /v1/match", tuple(times.tolist()), tuple(shares.tolist()))
    return [
        _figure("service.upload", "1600x1004 JPEG, times an equal Flask service", ratios[8],
                note.format(float(np.median(theirs[8])))),
        measured("1600x1004 JPEG, times a Flask service that looks at one orientation",
                 ratios[1], "x", below=False, name="service.upload-plain",
                 note=note.format(float(np.median(theirs[1])))),
        _figure("service.p99", "the same at half load, p99", [half.percentile(0.99) * 1e3],
                f"p50 {half.percentile(0.5) * 1e3:.1f} ms, {dict(half.statuses)}"),
        Plot("service-latency", f"Latency at half load ({capacity / 2:.0f} requests/s, open loop)",
             "milliseconds", "share answered (%)", "steps", (latency,)),
    ]  # fmt: skip


def hashes(home: Home, seconds: float) -> list[Figure | Plot]:
    """Hash values a second, one a request and a thousand a request."""
    key, source = key_for(home), random.Random(5)
    single = [
        load.post_json(
            "/v1/match/hashes",
            {"hashes": {"pdq": {"hex": source.randbytes(32).hex(), "quality": 100}}},
            key,
        )
        for _ in range(2000)
    ]
    batch = [
        load.post_json(
            "/v1/match/hashes/batch",
            {"hash_type": "pdq", "values": [source.randbytes(32).hex() for _ in range(1000)]},
            key,
        )
        for _ in range(30)
    ]
    with serve(home) as served:
        run(served.port, single, connections=32, seconds=2)
        singles = [run(served.port, single, connections=64, seconds=seconds) for _ in range(3)]
        batches = [run(served.port, batch, connections=8, seconds=seconds) for _ in range(3)]
    fastest = max(singles, key=lambda each: each.rate)
    return [
        _figure("service.hashes", "hash-only, one value a request", [r.rate for r in singles],
                f"p99 {fastest.percentile(0.99) * 1e3:.0f} ms"),
        _figure("service.hashes-batched", "hash-only, 1,000 values a request",
                [1000 * r.rate for r in batches]),
    ]  # fmt: skip


def beyond(home: Home, seconds: float) -> list[Figure | Plot]:
    """What matching costs in process beside decoding, in one thread."""
    import hashmatch as hm
    from hashmatch import media

    data = jpeg_1600()
    shares, decodes = [], []
    with hm.Matcher.open(home.path) as matcher:
        matcher.snapshot.load()
        matcher.match_bytes(data)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            begin = time.perf_counter()
            media.decode(data)
            decoded = time.perf_counter()
            matcher.match_bytes(data)
            matched = time.perf_counter()
            decodes.append(decoded - begin)
            shares.append((matched - decoded) / (decoded - begin) - 1)
    return [
        _figure(
            "service.in-process",
            "in-process match_bytes beyond decode, 1600x1004",
            [100 * float(np.median(part)) for part in np.array_split(shares, 5)],
            f"decode {1e3 * float(np.median(decodes)):.1f} ms, n={len(shares)}",
        )
    ]


def start(home: Home, seconds: float) -> list[Figure | Plot]:
    """From the command to the first moment every process answers."""
    key_for(home)
    taken = []
    for _ in range(4):
        with serve(home) as served:
            taken.append(served.ready_seconds)
    return [_figure("service.ready", "start to ready, whole list checked", taken[1:])]


def soak(home: Home, seconds: float) -> list[Figure | Plot]:
    """Twice the load it can carry, with new snapshots, dying decoders and slow clients."""
    codes = np.load(home.path / big_list.CODES)
    small = Home(home.path.parent / "soak")
    small.ensure()
    big_list.publish(small, codes[:500_000])
    key = key_for(small)
    names = [*big_list.KNOWN, "ihc.png", "motorcycle_left.png", "brick.png"]
    bodies = [photographs()[name].read_bytes() for name in names]
    kinds = [load.post("/v1/match", body, "image/png", key) for body in bodies]
    expected = ["match"] * len(big_list.KNOWN) + ["no_match"] * 3
    lost: list[str] = []

    def check(number: int, answer: load.Answer) -> str | None:
        verdict = json.loads(answer.body)["verdict"]
        if verdict in ("match", "no_match"):
            return None if verdict == expected[number] else f"{names[number]}: {verdict}"
        lost.append(verdict)  # its decoder was killed: told as not checked, never as clean
        return None

    stop = threading.Event()
    sizes: list[tuple[float, dict[str, float]]] = []

    def disturb(served: Served) -> None:
        begin, swaps, next_kill = time.monotonic(), 0, 5.0
        while not stop.wait(1.0):
            passed = time.monotonic() - begin
            sizes.append((passed, served.memory()))
            if passed > next_kill and (decoders := served.named("hashmatch.sandbox.worker")):
                next_kill += 5.0
                try:
                    os.kill(random.choice(decoders), signal.SIGKILL)
                except ProcessLookupError:
                    continue
            if swaps < 3 and passed > (swaps + 1) * seconds / 4:
                swaps += 1
                cut = codes[: 500_000 - 1000 * swaps]
                threading.Thread(target=big_list.publish, args=(small, cut)).start()

    def crawl(port: int) -> None:
        head = kinds[0][: kinds[0].index(b"\r\n\r\n") + 4]
        while not stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port)) as link:
                    link.sendall(head)
                    for byte in bodies[0][:200]:
                        if stop.wait(0.2):
                            return
                        link.sendall(bytes([byte]))
            except OSError:
                continue

    with serve(small) as served:
        capacity = run(served.port, kinds, connections=4 * WORKERS, seconds=5, check=check).rate
        threads = [threading.Thread(target=disturb, args=(served,))]
        threads += [threading.Thread(target=crawl, args=(served.port,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        lost.clear()
        found = run(
            served.port,
            kinds,
            connections=160,
            seconds=seconds,
            rate=2 * capacity,
            check=check,
        )
        stop.set()
        for thread in threads:
            thread.join()
        time.sleep(2)  # for the last answers from an old snapshot
        mapped = served.mapped()
        events = b"".join(served.lines)
        failures = {line.decode() for line in served.lines if b'"failed"' in line}
    moments = np.array([moment for moment, _ in sizes])
    megabytes = {kind: np.array([size[kind] for _, size in sizes]) for kind in sizes[0][1]}
    whole = np.sum(list(megabytes.values()), axis=0)
    # each kind for itself: the sum of all jumps with every decoder that is killed
    slopes = {kind: slope_a_minute(moments, held) for kind, held in megabytes.items()}
    parts = ", ".join(f"{kind} {slope:+.2f}" for kind, slope in slopes.items())
    other = {s: n for s, n in found.statuses.items() if s not in (200, 429, 503)}
    about = (
        f"{found.statuses[200]:,} answers, {found.statuses[503]:,} refusals, "
        f"{len(lost)} not checked because their decoder was killed, "
        f"{events.count(b'snapshot_loaded')} reloads, capacity {capacity:.0f}/s"
    )
    return [
        _figure("service.soak-wrong", "soak: wrong verdicts", [len(found.wrong)], about),
        measured("soak: answers other than 200, 429, 503, and lost connections",
                 [sum(other.values()) + found.broken], "failures", 0, name="service.soak-other",
                 note=f"{other or ''} {' '.join(failures)}".strip()),
        _figure("service.soak-memory", "soak: memory slope, of all kinds", [sum(slopes.values())],
                f"{np.median(whole):.0f} MB at the median; {parts}"),
        measured("soak: snapshots mapped by one process at its end", [mapped], "snapshots", 1,
                 name="service.soak-mapped"),
        Plot("service-memory", "Private memory of all processes during the soak", "seconds", "MB",
             "lines", tuple(Series(kind, tuple(moments.tolist()), tuple(held.tolist()))
                            for kind, held in (("all processes", whole), *megabytes.items()))),
    ]  # fmt: skip


def slope_a_minute(moments: FloatArray, held: FloatArray) -> float:
    """Return how fast memory grows once it has settled, in MB a minute.

    A decoder that was killed is missing until its successor has grown to its size again: steps
    that a line through all points takes for a trend. So the first quarter is left out, what ten
    seconds hold is told by their fullest (the ninth decile), and of these values the median
    slope of all pairs is taken (Theil and Sen).
    """
    settled = moments > moments[-1] / 4
    windows = (moments[settled] // _WINDOW).astype(int)
    numbers = np.unique(windows)
    fullest = [float(np.percentile(held[settled][windows == number], 90)) for number in numbers]
    pairs = itertools.combinations(zip(numbers, fullest, strict=True), 2)
    slopes = [(after - before) / (later - sooner) for (sooner, before), (later, after) in pairs]
    return float(np.median(slopes)) * 60 / _WINDOW if slopes else float("nan")


PARTS: dict[str, Callable[[Home, float], list[Figure | Plot]]] = {
    "pictures": pictures,
    "hashes": hashes,
    "beyond": beyond,
    "start": start,
    "soak": soak,
}


def main() -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--size", type=int, default=10_000_000, help="entries of the list")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of a round")
    parser.add_argument("--soak-seconds", type=float, default=120.0)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"), help="for the lists")
    parser.add_argument("--quick", action="store_true", help="a small list and short rounds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if options.quick:
        options.size, options.seconds, options.soak_seconds = 1_000_000, 2.0, 20.0
    home = big_list.ready(options.folder.absolute(), options.size)
    found: list[Figure | Plot] = []
    for part in options.parts:
        print(f"service: {part}, load before {os.getloadavg()[0]:.1f}", file=sys.stderr)
        found += PARTS[part](home, options.soak_seconds if part == "soak" else options.seconds)
    notes = {
        "list": f"{options.size:,} random PDQ values; half a million in the soak",
        "load": "service and load generator share the machine, over loopback",
        "workers": WORKERS,
        "seed": "4 (grain), 5 (hashes)",
    }
    report(
        "hashmatch serve under load",
        [each for each in found if isinstance(each, Figure)],
        notes,
        options.json,
        [each for each in found if isinstance(each, Plot)],
    )


if __name__ == "__main__":
    main()
