"""The two-minute run: is this machine getting what hashmatch promises.

Every figure is measured at a size that fits the time, against the same peers and by the same
rules as in the full suites; where a promise is about 10 M hashes, this measures 1 M and says so.

Usage: python -m bench.quick [--json]
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import imagehash
import numpy as np
import pdqhash
from PIL import Image

import hashmatch as hm
from bench.codes import Codes, codes, queries, within
from bench.corpus import photographs, rgb, twelve_megapixels
from bench.figures import find
from bench.harness import Figure, cost, interleave, measured, report, speedup
from hashmatch import hashing, indexes, media
from hashmatch.home import Home
from hashmatch.indexes import snapshot as snapshots
from hashmatch.lists import readers
from hashmatch.lists.catalog import Catalog
from hashmatch.publish import publish
from hashmatch.types import Polarity

RADIUS = 31
ALL_TYPES = ("pdq", "phash", "dhash", "ahash", "whash", "md5", "sha1", "sha256")
FIGURES = (
    "hash.pdq-rgb", "hash.pdq-grey", "hash.orientations", "hash.jpeg-exact", "hash.jpeg-fast",
    "hash.all-types",
    "hash.phash", "hash.dhash", "hash.ahash", "hash.whash", "hash.threads", "hash.conformance",
    "search.1m-single", "search.scan-batch", "search.build", "search.differences", "lists.text",
    "search.open", "quick.match", "service.in-process", "bench.quick",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Parameters
    ----------
    side : int
        Pictures have 4/3 times this width.
    rows, listed : int
        Hashes that are searched, and entries of the list that is imported.
    photographs : int
        Pictures whose hashes are compared.
    rounds : int
    least : float
        Seconds a measurement lasts at least.
    """

    side: int = 3024
    rows: int = 1_000_000
    listed: int = 200_000
    photographs: int = 24
    rounds: int = 5
    least: float = 0.05

    @property
    def megapixels(self) -> str:
        """How large pictures are, in words."""
        return f"{self.side * (self.side * 4 // 3) / 1e6:.3g} MP"


Step = Callable[[Size], Iterator[Figure]]


def hash_pixels(size: Size) -> Iterator[Figure]:
    """PDQ of decoded pixels, one thread, against pdqhash."""
    pixels = np.asarray(_picture(size))
    grey = np.ascontiguousarray(pixels[..., 1])
    as_colour = np.dstack([grey] * 3)  # pdqhash takes nothing else
    times = interleave(
        {
            "ours": lambda: hm.hash_pixels(pixels),
            "grey": lambda: hm.hash_pixels(grey),
            "eight": lambda: hashing.compute_orientations(pixels, ["pdq"]),
            "theirs": lambda: pdqhash.compute(pixels),
            "theirs, grey": lambda: pdqhash.compute(as_colour),
        },
        rounds=size.rounds,
        least=size.least,
    )
    picture = f"decoded {size.megapixels}"
    yield speedup(f"PDQ of {picture} RGB, against pdqhash", times["ours"], times["theirs"],
                  **_promised("hash.pdq-rgb"))  # fmt: skip
    yield speedup(f"PDQ of {picture} grey, against pdqhash", times["grey"], times["theirs, grey"],
                  **_promised("hash.pdq-grey"))  # fmt: skip
    yield cost(f"eight orientations of {picture} against one", times["eight"], times["ours"],
               **_promised("hash.orientations"))  # fmt: skip


def hash_files(size: Size) -> Iterator[Figure]:
    """A JPEG file's bytes to hashes, one thread, against Pillow and pdqhash."""
    jpeg = _jpeg(size)

    def theirs() -> object:
        return pdqhash.compute(np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")))

    times = interleave(
        {
            "ours": lambda: hm.hash_bytes(jpeg),
            "fast": lambda: hm.hash_bytes(jpeg, decode="fast"),
            "all": lambda: hm.hash_bytes(jpeg, ALL_TYPES),
            "decode": lambda: media.decode(jpeg),
            "theirs": theirs,
        },
        rounds=size.rounds,
        least=size.least,
    )
    yield speedup(f"{size.megapixels} JPEG to PDQ, against Pillow + pdqhash", times["ours"],
                  times["theirs"], **_promised("hash.jpeg-exact"))  # fmt: skip
    yield speedup(f"{size.megapixels} JPEG to PDQ, fast decode, against Pillow + pdqhash",
                  times["fast"], times["theirs"], **_promised("hash.jpeg-fast"))  # fmt: skip
    yield cost(f"eight hash types of a {size.megapixels} JPEG, against its decode", times["all"],
               times["decode"], **_promised("hash.all-types"))  # fmt: skip


def imagehash_types(size: Size) -> Iterator[Figure]:
    """The imagehash types of decoded pixels, one thread, against imagehash."""
    picture = _picture(size)
    pixels = np.asarray(picture)
    theirs = {
        "phash": imagehash.phash,
        "dhash": imagehash.dhash,
        "ahash": imagehash.average_hash,
        "whash": imagehash.whash,
    }
    for name, function in theirs.items():
        times = interleave(
            {
                "ours": lambda name=name: hm.hash_pixels(pixels, [name]),  # type: ignore[misc]
                "theirs": lambda function=function: function(picture),  # type: ignore[misc]
            },
            rounds=size.rounds,
            least=size.least,
        )
        yield speedup(f"{name} of decoded {size.megapixels}, against imagehash", times["ours"],
                      times["theirs"], **_promised(f"hash.{name}"))  # fmt: skip


def hash_threads(size: Size) -> Iterator[Figure]:
    """Many pictures on two threads against one."""
    pictures = [np.asarray(_picture(size))] * 8
    times = interleave(
        {
            "two": lambda: list(hashing.hash_many(pictures, ["pdq"], threads=2)),
            "one": lambda: list(hashing.hash_many(pictures, ["pdq"], threads=1)),
        },
        rounds=size.rounds,
        least=size.least,
    )
    yield speedup("hash_many on 2 threads against 1", times["two"], times["one"],
                  **_promised("hash.threads"))  # fmt: skip


def conformance(size: Size) -> Iterator[Figure]:
    """Our PDQ and pdqhash's on the same photographs."""
    same = 0
    paths = list(photographs().values())[: size.photographs]
    counted = 0
    for path in paths:
        pixels = np.ascontiguousarray(rgb(path))
        bits, quality = pdqhash.compute(pixels)
        if quality:
            counted += 1
            same += hm.hash_pixels(pixels)["pdq"].bytes == np.packbits(bits).tobytes()
    yield measured(f"identical to pdqhash on {counted} photographs", [100 * same / counted], "%",
                   below=False, **_promised("hash.conformance"))  # fmt: skip


def search(size: Size) -> Iterator[Figure]:
    """Radius searches, one thread, against FAISS, and held to brute force."""
    known = codes(size.rows)
    asked = queries(known, 200, RADIUS)
    begin = time.perf_counter()
    ours = indexes.create("auto", bits=256, codes=known, radius=RADIUS)
    built = time.perf_counter() - begin
    scan = indexes.create("scan", bits=256, codes=known, radius=RADIUS)
    flat = faiss.IndexBinaryFlat(256)
    flat.add(known)
    faiss.omp_set_num_threads(1)
    few = asked[:20]
    times = interleave(
        {
            "ours": lambda: [ours.search_radius(q[None], RADIUS) for q in few],
            "theirs": lambda: [flat.range_search(q[None], RADIUS + 1) for q in few],
            "scan": lambda: scan.search_radius(asked, RADIUS),
            "theirs, batch": lambda: flat.range_search(asked, RADIUS + 1),
        },
        rounds=size.rounds,
        least=size.least,
    )
    rows = f"{size.rows:,} hashes"
    yield speedup(f"{rows}, single queries, against FAISS Flat", times["ours"], times["theirs"],
                  **_promised("search.1m-single"))  # fmt: skip
    yield speedup(f"{rows}, scan, batch of {len(asked)}, against FAISS Flat", times["scan"],
                  times["theirs, batch"], **_promised("search.scan-batch"))  # fmt: skip
    yield measured(f"{rows}, build", [size.rows / built / 1e6], "M hashes/s", below=False,
                   **_promised("search.build"))  # fmt: skip
    wrong = 0
    few = asked[:30]
    for index in (ours, scan):
        found = index.search_radius(few, RADIUS)
        for number, truth in enumerate(within(known, few, RADIUS)):
            listed, distances = found.of(number)
            wrong += list(zip(distances.tolist(), listed.tolist(), strict=True)) != truth
    yield measured(f"{rows}, answers that differ from brute force", [wrong], "failures",
                   **_promised("search.differences"))  # fmt: skip


def whole_way(size: Size) -> Iterator[Figure]:
    """A list imported, published, opened, and pictures matched against it."""
    with tempfile.TemporaryDirectory(prefix="hashmatch-bench-") as folder:
        home = Home(Path(folder) / "home")
        home.ensure()
        known = codes(size.listed, seed=5)
        source = Path(folder) / "list.txt"
        source.write_text("".join(f"{row.tobytes().hex()}\n" for row in known))
        begin = time.perf_counter()
        with Catalog.open(home.catalog) as catalog:
            reading = readers.read([source], hash_type="pdq")
            catalog.import_list(
                "bench", reading, source_files=[source], format=reading.format,
                polarity=Polarity.KNOWN_BAD,
            )  # fmt: skip
        taken = time.perf_counter() - begin
        yield measured(f"text list of {size.listed:,} PDQ hashes imported",
                       [size.listed / taken], "rows/s", below=False,
                       **_promised("lists.text"))  # fmt: skip
        publish(home)
        times = interleave(
            {"open": lambda: snapshots.Snapshot.open(home.snapshots).close()},
            rounds=size.rounds,
            least=size.least,
        )
        yield measured(f"opening a snapshot of {size.listed:,} hashes",
                       [1e3 * seconds for seconds in times["open"].seconds], "ms",
                       **_promised("search.open"))  # fmt: skip
        yield from _matching(size, home, known)


def _matching(size: Size, home: Home, known: Codes) -> Iterator[Figure]:
    width, height = 1600, 1004
    if size.side < height:
        width, height = size.side * 8 // 5, size.side
    buffer = io.BytesIO()
    rgb(photographs()["coffee.png"]).resize((width, height)).save(buffer, "JPEG", quality=88)
    jpeg = buffer.getvalue()
    flat = faiss.IndexBinaryFlat(256)
    flat.add(known)
    faiss.omp_set_num_threads(1)

    def theirs() -> object:
        values, _ = pdqhash.compute_dihedral(
            np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))
        )
        return flat.range_search(np.stack([np.packbits(v) for v in values]), RADIUS + 1)

    with hm.Matcher.open(home.path) as matcher:
        times = interleave(
            {
                "ours": lambda: matcher.match_bytes(jpeg),
                "decode": lambda: media.decode(jpeg),
                "theirs": theirs,
            },
            rounds=size.rounds,
            least=size.least,
        )
    what = f"{width}x{height} JPEG, 8 orientations, {size.listed:,} hashes"
    yield speedup(f"{what}, against Pillow + pdqhash + FAISS", times["ours"],
                  times["theirs"], name="quick.match")  # fmt: skip
    beyond = [
        100 * (whole - decode) / decode
        for whole, decode in zip(times["ours"].seconds, times["decode"].seconds, strict=True)
    ]
    yield measured("match_bytes beyond the decode, share of the decode", beyond, "%",
                   **_promised("service.in-process"))  # fmt: skip


STEPS: dict[str, Step] = {
    "hashing pixels": hash_pixels,
    "hashing files": hash_files,
    "imagehash types": imagehash_types,
    "threads": hash_threads,
    "conformance": conformance,
    "searching": search,
    "the whole way": whole_way,
}


def run(size: Size, tell: Callable[[str, int, int], None] = lambda *_: None) -> list[Figure]:
    """Run every step and return its figures, with the time they took as the last.

    Parameters
    ----------
    size : Size
    tell : callable
        Called with the name of a step, its number and how many there are, before each.
    """
    begin = time.perf_counter()
    figures: list[Figure] = []
    for number, (name, step) in enumerate(STEPS.items()):
        tell(name, number, len(STEPS))
        figures += step(size)
    tell("done", len(STEPS), len(STEPS))
    taken = time.perf_counter() - begin
    return [*figures, measured("this run, from start to end", [taken], "s",
                               **_promised("bench.quick"))]  # fmt: skip


def notes(size: Size) -> dict[str, str]:
    """Return what a reader has to know."""
    return {
        "sizes": f"pictures of {size.megapixels}, {size.rows:,} uniform 256-bit hashes, radius "
        f"{RADIUS}, half the queries planted; one thread where nothing else is said",
        "caveat": "small sizes and few rounds; the full suites are what the promises are held to",
        "seed": "1 (hashes), 2 (queries), 12 (grain of pictures)",
    }


def _promised(name: str) -> dict[str, Any]:
    """Return the name and the goal of a promised figure, as arguments."""
    promise = find(name)
    assert promise is not None, name
    return {"name": name, "goal": promise.must}


def _picture(size: Size) -> Image.Image:
    picture = twelve_megapixels()
    shape = (size.side * 4 // 3, size.side)
    return picture if picture.size == shape else picture.resize(shape)


def _jpeg(size: Size) -> bytes:
    buffer = io.BytesIO()
    _picture(size).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    size = Size()
    report("hashmatch bench --quick", run(size), notes(size), chosen.json)


if __name__ == "__main__":
    main()
