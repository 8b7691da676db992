"""How fast a batch scan is: more workers, the price of the sandbox, and a script by hand.

Usage: python -m bench.scan [--quick] [--json]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

import hashmatch as hm
from bench.corpus import photographs, rgb
from bench.harness import Figure, Timing, measured, report, speedup
from hashmatch.home import Home
from hashmatch.lists import readers
from hashmatch.lists.catalog import Catalog
from hashmatch.matching.isolated import allowance_for
from hashmatch.publish import publish
from hashmatch.sandbox import Pool, Task
from hashmatch.scan import REPORTED_TYPES, ScanOptions, scan
from hashmatch.scan.examiner import Examiner, Order
from hashmatch.types import Polarity

# how many files of each size: what a phone, a chat and a web page leave behind
MIX = {(512, 512): 400, (1024, 768): 240, (1600, 1004): 160, (2560, 1920): 60, (4032, 3024): 20}
FIGURES = ("scan.workers", "scan.sandbox", "scan.peers")
RADIUS = 31


def make_folder(folder: Path, share: float) -> list[Path]:
    """Write the mixed JPEG files, every one with other pixels."""
    originals = [rgb(path) for path in photographs().values() if path.stat().st_size > 50_000]
    rng = np.random.default_rng(7)
    made = []
    for (width, height), count in MIX.items():
        for number in range(max(1, round(count * share))):
            picture = originals[number % len(originals)].resize((width, height))
            turned = picture.rotate(float(rng.uniform(-3, 3)))
            path = folder / f"{width}x{height}-{number:03}.jpg"
            turned.save(path, quality=int(rng.integers(75, 95)))
            made.append(path)
    return sorted(made)


def make_home(folder: Path, entries: int) -> Home:
    """Publish a list of random PDQ values."""
    codes = np.random.default_rng(3).integers(0, 256, (entries, 32), np.uint8)
    source = folder / "list.txt"
    source.write_text("".join(f"{code.tobytes().hex()}\n" for code in codes))
    np.save(folder / "codes.npy", codes)
    home = Home(folder / "home")
    home.ensure()
    with Catalog.open(home.catalog) as catalog:
        reading = readers.read([source], hash_type="pdq")
        catalog.import_list(
            "list",
            reading,
            source_files=[source],
            format=reading.format,
            polarity=Polarity.KNOWN_BAD,
        )
    publish(home)
    return home


def timed(candidates: dict[str, Callable[[], float]], rounds: int) -> dict[str, Timing]:
    """Run candidates in turn; each returns the seconds it took."""
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            taken[name].append(run())
    return {name: Timing(name, tuple(seconds)) for name, seconds in taken.items()}


def run_scan(matcher: hm.Matcher, evidence: Path, options: ScanOptions) -> float:
    """Scan once, reports and all, and return the seconds."""
    with tempfile.TemporaryDirectory() as output:
        begin = time.perf_counter()
        scan(matcher, [str(evidence)], Path(output) / "run", options)
        return time.perf_counter() - begin


@contextmanager
def opened(files: Sequence[Path]) -> Iterator[list[int]]:
    """Open files for reading."""
    descriptors = [os.open(path, os.O_RDONLY) for path in files]
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def in_process(order: Order, files: Sequence[Path]) -> float:
    """Examine files one after the other in this process."""
    with opened(files) as descriptors:
        begin = time.perf_counter()
        for descriptor in descriptors:
            for _ in Examiner(order).run(descriptor):
                pass
        return time.perf_counter() - begin


def in_sandbox(pool: Pool, order: Order, files: Sequence[Path]) -> float:
    """Examine files in one locked-down worker that is already warm."""
    request = order.request()
    with opened(files) as descriptors:
        begin = time.perf_counter()
        for _ in pool.stream([Task(descriptor, request, 60) for descriptor in descriptors]):
            pass
        return time.perf_counter() - begin


_script: dict[str, object] = {}


def _script_start(codes: str) -> None:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryFlat(256)
    index.add(np.load(codes))
    _script["index"] = index


def _script_check(path: str, *, dihedral: bool) -> int:
    import pdqhash
    from PIL import Image

    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    if dihedral:
        bits = np.array(pdqhash.compute_dihedral(pixels)[0])
    else:
        bits = pdqhash.compute(pixels)[0][None]
    index = _script["index"]
    limits, _, _ = index.range_search(np.packbits(bits, axis=1), RADIUS + 1)  # type: ignore[attr-defined]
    return int(limits[-1])


def run_script(pool: multiprocessing.pool.Pool, files: Sequence[Path], *, dihedral: bool) -> float:
    """Do what a practised user would write: Pillow, pdqhash and FAISS on a process pool."""
    begin = time.perf_counter()
    for _ in pool.imap(partial(_script_check, dihedral=dihedral), map(str, files), chunksize=4):
        pass
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer files, 100,000 entries")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=("workers", "sandbox", "script"))
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    share, entries = (0.05, 100_000) if asked.quick else (1.0, 1_000_000)
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        evidence = folder / "evidence"
        evidence.mkdir()
        files = make_folder(evidence, share)
        home = make_home(folder, entries)
        size = sum(path.stat().st_size for path in files)
        parts: dict[str, Callable[[], list[Figure]]] = {
            "workers": lambda: _workers(home, evidence, asked.rounds),
            "sandbox": lambda: _sandbox(home, files, asked.rounds),
            "script": lambda: _against_script(home, folder, evidence, files, asked.rounds),
        }
        chosen = [asked.only] if asked.only else list(parts)
        figures = []
        for name in chosen:
            print(f"scan: {name}, after {time.perf_counter() - begin:.0f} s", file=sys.stderr)
            figures += parts[name]()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    notes = {
        "files": f"{len(files)} JPEG, {size / 1e6:.0f} MB, {entries:,} entries, radius {RADIUS}",
        "our scan": "MD5, SHA-1, SHA-256 and PDQ, journal, JSONL, CSV, manifest; workers started",
        "largest worker": f"{peak / 1024:.0f} MB resident",
    }
    if "workers" in chosen:
        pace = figures[0].ours
        assert pace is not None
        notes["pace of 2 workers"] = (
            f"{len(files) / pace:.0f} files/s, {size / pace / 1e6:.0f} MB/s"
        )
    report("batch scan", figures, notes, asked.json)


def thrice(evidence: Path) -> Path:
    """Return a folder that holds the files three times, in which starting counts for less."""
    larger = evidence.with_name("thrice")
    for number in range(3):
        (larger / str(number)).mkdir(parents=True)
        for path in evidence.iterdir():
            (larger / str(number) / path.name).hardlink_to(path)
    return larger


def _workers(home: Home, evidence: Path, rounds: int) -> list[Figure]:
    options = {n: ScanOptions(isolation="workers", workers=n) for n in (1, 2)}
    figures = []
    with hm.Matcher.open(home.path, also_compute=REPORTED_TYPES) as matcher:
        for what, name, folder, times in (
            ("2 workers against 1, whole scan", "scan.workers", evidence, rounds),
            ("the same, three times the files", "scan.workers-thrice", thrice(evidence),
             max(2, rounds // 2)),
        ):  # fmt: skip
            timings = timed(
                {str(n): partial(run_scan, matcher, folder, options[n]) for n in (2, 1)}, times
            )
            figures.append(speedup(what, timings["2"], timings["1"], 1.8, name=name))
    return figures


def _sandbox(home: Home, files: Sequence[Path], rounds: int) -> list[Figure]:
    with hm.Matcher.open(home.path, also_compute=REPORTED_TYPES) as matcher:
        plan = matcher.plan()
    order = Order(plan, None, thumbnails=True, ask_known_good=False)
    with Pool(
        "hashmatch.scan.examiner:examine_in_worker",
        "hashmatch.scan.examiner:prepare",
        ",".join(plan.perceptual),
        workers=1,
        allowance=allowance_for(plan.limits),
    ) as pool:
        pool.warm()
        in_sandbox(pool, order, files[:5])
        in_process(order, files[:5])
        timings = timed(
            {
                "sandbox": partial(in_sandbox, pool, order, files),
                "inline": partial(in_process, order, files),
            },
            rounds,
        )
    extra = [
        100 * (ours / inline - 1)
        for ours, inline in zip(timings["sandbox"].seconds, timings["inline"].seconds, strict=True)
    ]
    return [measured("one sandboxed worker beyond in-process", extra, "%", 5, name="scan.sandbox")]


def _against_script(
    home: Home, folder: Path, evidence: Path, files: Sequence[Path], rounds: int
) -> list[Figure]:
    figures = []
    context = multiprocessing.get_context("spawn")
    with context.Pool(2, _script_start, (str(folder / "codes.npy"),)) as pool:
        run_script(pool, files[:8], dihedral=True)
        for profile, dihedral in (("plain", False), ("orientations", True)):
            with hm.Matcher.open(
                home.path, profile=profile, also_compute=REPORTED_TYPES
            ) as matcher:
                options = ScanOptions(isolation="workers", workers=2)
                timings = timed(
                    {
                        "ours": partial(run_scan, matcher, evidence, options),
                        "script": partial(run_script, pool, files, dihedral=dihedral),
                    },
                    rounds,
                )
            what = f"against a script, 2 processes each, {profile}"
            name = "scan.peers" if profile == "orientations" else "scan.peers-plain"
            figures.append(speedup(what, timings["ours"], timings["script"], 3.0, name=name))
    return figures


if __name__ == "__main__":
    main()
