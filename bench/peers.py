"""hashmatch against every library people use for this today, each in an environment of its own.

Each candidate runs in a process that is fed through a pipe, so that the rounds of all of them
interleave although no two share an environment. Same inputs, one thread each, one ratio per pair.
A peer that cannot be installed or fails is reported with the reason. Searches that may miss say
what share of the true hits they found.

Usage: python -m bench.peers [--json] [--quick] [--only NAME,...]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from bench.codes import codes, queries, within
from bench.corpus import photographs, rgb
from bench.environments import Environment, PeerUnavailableError, python_of
from bench.harness import Figure, Timing, report, speedup
from bench.plots import Plot, Series
from bench.run import ONE_THREAD

RADIUS = 31
WORKER = Path(__file__).with_name("peer_worker.py")

# the package whose version is told, and what its environment needs
PEERS = {
    "pdqhash": Environment("pdqhash", ("pdqhash", "numpy", "pillow")),
    "imagehash": Environment("imagehash", ("imagehash",)),
    "perception": Environment("perception", ("perception[pdq]",)),
    # its hashes need neither of the two networks it depends on, several GB of them
    "imagededup": Environment(
        "imagededup",
        ("numpy", "pillow", "pywavelets", "scipy", "scikit-learn", "tqdm", "matplotlib"),
        ("imagededup",),
    ),
    "threatexchange": Environment("threatexchange", ("threatexchange",)),
    "faiss": Environment("faiss", ("faiss-cpu", "numpy")),
    "usearch": Environment("usearch", ("usearch",)),
}
PACKAGES = {"faiss": "faiss-cpu", "imagehash": "ImageHash"}


@dataclass(frozen=True, slots=True)
class Case:
    """One piece of work and who does it how.

    Parameters
    ----------
    what : str
    ours : str
        What the worker calls our way.
    theirs : tuple of (peer, way, label)
    seconds : float
        How long a measurement lasts at least.
    """

    what: str
    ours: str
    theirs: tuple[tuple[str, str, str], ...]
    seconds: float = 0.1


def _of_file(name: str, *peers: str) -> Case:
    way = f"{name}-file"
    return Case(f"{name} of a JPEG file", way, tuple((peer, way, peer) for peer in peers))


CASES = {
    "pdq-pixels": Case("pdq of decoded pixels", "pdq-pixels",
                       (("pdqhash", "pdq-pixels", "pdqhash"),)),
    "pdq-file": Case("pdq of a JPEG file", "pdq-file", (
        ("pdqhash", "pdq-file", "pdqhash + Pillow"),
        ("perception", "pdq-file", "perception"),
        ("threatexchange", "pdq-file", "threatexchange"),
    )),
    "phash-file": _of_file("phash", "imagehash", "perception", "imagededup"),
    "dhash-file": _of_file("dhash", "imagehash", "perception", "imagededup"),
    "ahash-file": _of_file("ahash", "imagehash", "perception", "imagededup"),
    "whash-file": _of_file("whash", "imagehash", "perception", "imagededup"),
    "search": Case("single queries, radius 31", "search", (
        ("faiss", "search", "FAISS Flat"),
        ("faiss", "search-multihash", "FAISS MultiHash 16x16, 1 flip"),
        ("faiss", "search-ivf", "FAISS IVF 1024, 32 probes"),
        ("faiss", "search-hnsw", "FAISS HNSW 32, 10 nearest"),
        ("usearch", "search-exact", "usearch exact, 10 nearest"),
        ("usearch", "search-hnsw", "usearch HNSW, 10 nearest"),
        ("threatexchange", "search", "threatexchange index"),
    )),
    "batch": Case("queries in one batch, radius 31", "batch", (
        ("faiss", "batch", "FAISS Flat"),
    )),
}  # fmt: skip


@dataclass(slots=True)
class Worker:
    """A process that runs one peer, waiting at the other end of a pipe."""

    process: subprocess.Popen[str]
    version: str = ""

    @classmethod
    def start(cls, peer: str, python: Path) -> Self:
        """Start a peer and load its library.

        Raises
        ------
        PeerUnavailableError
            If it cannot be loaded.
        """
        process = subprocess.Popen(
            [str(python), "-P", str(WORKER)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, **ONE_THREAD},
        )  # fmt: skip
        worker = cls(process)
        package = PACKAGES.get(peer, peer)
        try:
            worker.version = worker.ask(do="load", peer=peer, package=package)["version"]
        except PeerUnavailableError:
            worker.stop()
            raise
        return worker

    def ask(self, **told: Any) -> dict[str, Any]:
        """Tell it something and wait for the answer.

        Raises
        ------
        PeerUnavailableError
            If the peer raised an error or its process died.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(told) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerUnavailableError(f"its process ended with status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerUnavailableError(answer["error"])
        return answer

    def stop(self) -> None:
        """Let it end."""
        with contextlib.suppress(BrokenPipeError):  # it may have ended by itself
            self.process.communicate(timeout=60)


@dataclass(slots=True)
class Found:
    """What the suite gathers."""

    figures: list[Figure] = field(default_factory=list)
    recall: dict[str, float] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def inputs(folder: Path, rows: int, asked: int) -> dict[str, Any]:
    """Write what every candidate is given into a folder, and say where it is."""
    picture = rgb(photographs()["coffee.png"]).resize((1600, 1004), Image.Resampling.BICUBIC)
    picture.save(folder / "picture.jpg", quality=88)
    np.save(folder / "pixels.npy", np.asarray(picture))
    known = codes(rows)
    np.save(folder / "known.npy", known)
    np.save(folder / "asked.npy", queries(known, asked, RADIUS))
    return {
        "file": str(folder / "picture.jpg"),
        "pixels": str(folder / "pixels.npy"),
        "known": str(folder / "known.npy"),
        "asked": str(folder / "asked.npy"),
        "radius": RADIUS,
    }


def run(names: Sequence[str], *, rows: int, asked: int, rounds: int) -> Found:
    """Run the cases for the peers that can be had."""
    found = Found()
    pythons = {"hashmatch": Path(sys.executable)}
    for name in names:
        print(f"environment of {name}", file=sys.stderr)
        try:
            pythons[name] = python_of(PEERS[name])
        except PeerUnavailableError as error:
            found.unavailable[name] = str(error)
    with tempfile.TemporaryDirectory(prefix="hashmatch-peers-") as folder:
        given = inputs(Path(folder), rows, asked)
        truth = [
            [row for _, row in hits]
            for hits in within(np.load(given["known"]), np.load(given["asked"]), RADIUS)
        ]
        for name, case in CASES.items():
            print(f"measuring {case.what}", file=sys.stderr)
            for label, ours, theirs, result in _measure(case, pythons, given, rounds, found):
                what = f"{case.what}, {rows:,} hashes" if "radius" in case.what else case.what
                if isinstance(result, list):
                    found.recall[f"{name}: {label}"] = _recall(truth, result)
                if theirs is not None:
                    found.figures.append(
                        speedup(f"{what}, against {label}", ours, theirs,
                                name=f"peers.{name}.{label}")
                    )  # fmt: skip
    return found


def _measure(
    case: Case, pythons: dict[str, Path], given: dict[str, Any], rounds: int, found: Found
) -> Iterator[tuple[str, Timing, Timing | None, Any]]:
    """Time all candidates of a case in turn; give label, our time, theirs, and what they found."""
    candidates = [("hashmatch", case.ours, "hashmatch"), *case.theirs]
    workers: dict[str, tuple[Worker, str]] = {}
    results: dict[str, Any] = {}
    repeats: dict[str, int] = {}
    try:
        for peer, way, label in candidates:
            if peer not in pythons:
                continue
            try:
                worker = Worker.start(peer, pythons[peer])
                workers[label] = worker, way
                found.versions[peer] = worker.version
                results[label] = worker.ask(do="prepare", case=way, given=given)["result"]
                once = worker.ask(do="time", case=way, repeats=1)["seconds"]
            except PeerUnavailableError as error:
                if peer == "hashmatch":
                    raise
                found.unavailable[f"{label}, {case.what}"] = str(error)
                continue
            repeats[label] = max(1, round(case.seconds / max(once, 1e-9)))
        taken: dict[str, list[float]] = {label: [] for label in repeats}
        for _ in range(rounds):
            for label, times in taken.items():
                worker, way = workers[label]
                asked = worker.ask(do="time", case=way, repeats=repeats[label])
                times.append(asked["seconds"])
    finally:
        for worker, _ in workers.values():
            worker.stop()
    ours = Timing("hashmatch", tuple(taken["hashmatch"]))
    for label, times in taken.items():
        theirs = None if label == "hashmatch" else Timing(label, tuple(times))
        yield label, ours, theirs, results[label]


def _recall(truth: list[list[int]], found: list[list[int]]) -> float:
    """Return the share of the true hits that were found."""
    right = sum(len(set(t) & set(f)) for t, f in zip(truth, found, strict=True))
    return right / max(1, sum(map(len, truth)))


def plots(found: Found) -> list[Plot]:
    """Return the ratios as bars, hashing and searching apart."""
    drawn = []
    for name, title, group in (
        ("peers-hashing", "Hashing: how many times faster than each peer", "-file pdq-pixels"),
        ("peers-search", "Searching 256-bit hashes: how many times faster", "search batch"),
    ):
        chosen = [
            figure for figure in found.figures
            if any(part in f"{figure.name.split('.')[1]}" for part in group.split())
        ]  # fmt: skip
        if chosen:
            series = Series(
                "ratio",
                tuple(_bar(figure) for figure in chosen),
                tuple(figure.value for figure in chosen),
                tuple(figure.low for figure in chosen),
                tuple(figure.high for figure in chosen),
            )
            drawn.append(Plot(name, title, "times faster (log scale)", "", "log-bars", (series,),
                              (1.0,)))  # fmt: skip
    return drawn


def _bar(figure: Figure) -> str:
    _, case, label = figure.name.split(".", 2)
    return f"{case.removesuffix('-file')}: {label}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="fewer hashes and rounds")
    parser.add_argument("--only", help="peers separated by commas")
    chosen = parser.parse_args()
    names = chosen.only.split(",") if chosen.only else list(PEERS)
    rows = 50_000 if chosen.quick else 500_000
    found = run(names, rows=rows, asked=50, rounds=3 if chosen.quick else 7)
    notes: dict[str, Any] = {
        "inputs": f"a 1600x1004 JPEG, {rows:,} uniform 256-bit hashes, 50 queries, half planted",
        "threads": "one each",
        "seed": "1 (hashes), 2 (queries)",
        "peers": ", ".join(f"{name} {version}" for name, version in found.versions.items()),
        "caveat": "HNSW, IVF and MultiHash may miss; 'nearest' kinds return 10 at most. "
        "Share of the true hits found: "
        + ", ".join(f"{label} {share:.1%}" for label, share in found.recall.items()),
    }
    for name, reason in found.unavailable.items():
        notes[f"NOT MEASURED: {name}"] = reason
    report("hashmatch against its peers", found.figures, notes, chosen.json, plots(found),
           {"recall": found.recall, "unavailable": found.unavailable})  # fmt: skip


if __name__ == "__main__":
    main()
