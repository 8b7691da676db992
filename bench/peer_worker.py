"""Runs one peer in its own environment: told what to prepare and to time, line by line.

Started by ``bench.peers`` with a peer's interpreter, so it imports nothing but numpy and that
peer. Reads one JSON object a line from standard input and answers with one.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from types import ModuleType
from typing import Any

import numpy as np

Call = Callable[[], Any]


def hashmatch_calls() -> dict[str, Callable[[dict[str, Any]], Call]]:
    """Return what hashmatch does in each case."""
    import hashmatch as hm
    from hashmatch import indexes

    def of_file(name: str) -> Callable[[dict[str, Any]], Call]:
        return lambda given: lambda: hm.hash_file(given["file"], [name])[name].hex

    def of_pixels(given: dict[str, Any]) -> Call:
        pixels = np.load(given["pixels"])
        return lambda: hm.hash_pixels(pixels)["pdq"].hex

    def search(kind: str, *, batch: bool) -> Callable[[dict[str, Any]], Call]:
        def make(given: dict[str, Any]) -> Call:
            known, asked, radius = codes_of(given)
            index = indexes.create(kind, bits=256, codes=known, radius=radius)
            if batch:

                def together() -> list[list[int]]:
                    found = index.search_radius(asked, radius)
                    return pairs(found.offsets, found.rows)

                return together
            return lambda: [index.search_radius(q[None], radius).rows.tolist() for q in asked]

        return make

    return {
        "pdq-pixels": of_pixels,
        **{f"{name}-file": of_file(name) for name in ("pdq", "phash", "dhash", "ahash", "whash")},
        "search": search("auto", batch=False),
        "search-scan": search("scan", batch=False),
        "batch": search("auto", batch=True),
    }


def pdqhash_calls() -> dict[str, Callable[[dict[str, Any]], Call]]:
    """Return what pdqhash does, with Pillow to read files."""
    import pdqhash
    from PIL import Image

    def text(found: Any) -> str:
        return np.packbits(found[0]).tobytes().hex()

    def of_pixels(given: dict[str, Any]) -> Call:
        pixels = np.load(given["pixels"])
        return lambda: text(pdqhash.compute(pixels))

    def of_file(given: dict[str, Any]) -> Call:
        path = given["file"]
        return lambda: text(pdqhash.compute(np.asarray(Image.open(path).convert("RGB"))))

    return {"pdq-pixels": of_pixels, "pdq-file": of_file}


def imagehash_calls() -> dict[str, Callable[[dict[str, Any]], Call]]:
    """Return what imagehash does, with Pillow to read files."""
    import imagehash
    from PIL import Image

    def of(function: Callable[[Any], Any]) -> Callable[[dict[str, Any]], Call]:
        return lambda given: lambda: str(function(Image.open(given["file"])))

    return {
        "phash-file": of(imagehash.phash),
        "dhash-file": of(imagehash.dhash),
        "ahash-file": of(imagehash.average_hash),
        "whash-file": of(imagehash.whash),
    }


def perception_calls() -> dict[str, Callable[[dict[str, Any]], Call]]:
    """Return what perception does by itself, files included."""
    import cv2
    from perception import hashers

    cv2.setNumThreads(1)

    def of(hasher: Any) -> Callable[[dict[str, Any]], Call]:
        return lambda given: lambda: hasher.compute(given["file"], hash_format="hex")

    return {
        "pdq-file": of(hashers.PDQHash()),
        "phash-file": of(hashers.PHash()),
        "dhash-file": of(hashers.DHash()),
        "ahash-file": of(hashers.AverageHash()),
        "whash-file": of(hashers.WaveletHash()),
    }


def imagededup_calls() -> dict[str, Callable[[dict[str, Any]], Call]]:
    """Return what imagededup's hashing does; its network part, which needs torch, stays out."""
    import importlib
    import importlib.util

    # two packages of it import the network when they are; empty ones in their place leave hashing
    found = importlib.util.find_spec("imagededup")
    assert found is not None
    assert found.submodule_search_locations
    for name in ("methods", "utils"):
        package = ModuleType(f"imagededup.{name}")
        package.__path__ = [f"{found.submodule_search_locations[0]}/{name}"]
        sys.modules[package.__name__] = package
    hashing = importlib.import_module("imagededup.methods.hashing")

    def of(name: str) -> Callable[[dict[str, Any]], Call]:
        hasher = getattr(hashing, name)(verbose=False)
        return lambda given: lambda: hasher.encode_image(image_file=given["file"])

    return {
        "phash-file": of("PHash"),
        "dhash-file": of("DHash"),
        "ahash-file": of("AHash"),
        "whash-file": of("WHash"),
    }


def threatexchange_calls() -> dict[str, Callable[[dict[str, Any]], Call]]:
    """Return what Meta's package does: PDQ of a file, and its index."""
    from pathlib import Path

    from threatexchange.signal_type.pdq.pdq_hasher import pdq_from_file
    from threatexchange.signal_type.pdq.signal import PdqSignal

    def of_file(given: dict[str, Any]) -> Call:
        path = Path(given["file"])
        return lambda: pdq_from_file(path)[0]

    def search(given: dict[str, Any]) -> Call:
        known, asked, _ = codes_of(given)
        entries = ((row.tobytes().hex(), number) for number, row in enumerate(known))
        index = PdqSignal.get_index_cls().build(entries)
        texts = [row.tobytes().hex() for row in asked]
        return lambda: [[match.metadata for match in index.query(text)] for text in texts]

    return {"pdq-file": of_file, "search": search}


def faiss_calls() -> dict[str, Callable[[dict[str, Any]], Call]]:
    """Return what FAISS's binary indexes do; a kind without radius search asks for the nearest."""
    import faiss

    faiss.omp_set_num_threads(1)

    def radius_search(index: Any, given: dict[str, Any], *, batch: bool = False) -> Call:
        known, asked, radius = codes_of(given)
        if not index.is_trained:
            index.train(known)
        index.add(known)
        if batch:
            return lambda: pairs(*index.range_search(asked, radius + 1)[::2])
        return lambda: [index.range_search(q[None], radius + 1)[2].tolist() for q in asked]

    def inverted_lists(given: dict[str, Any]) -> Call:
        index = faiss.IndexBinaryIVF(faiss.IndexBinaryFlat(256), 256, 1024)
        index.own_fields = False
        index.nprobe = 32
        return radius_search(index, given)

    def multi_hash(given: dict[str, Any]) -> Call:
        index = faiss.IndexBinaryMultiHash(256, 16, 16)
        index.nflip = 1
        return radius_search(index, given)

    def graph(given: dict[str, Any]) -> Call:
        known, asked, radius = codes_of(given)
        index = faiss.IndexBinaryHNSW(256, 32)
        index.add(known)

        def near() -> list[list[int]]:
            found = []
            for q in asked:
                distances, rows = index.search(q[None], 10)
                found.append(rows[distances <= radius].tolist())
            return found

        return near

    return {
        "search": lambda given: radius_search(faiss.IndexBinaryFlat(256), given),
        "batch": lambda given: radius_search(faiss.IndexBinaryFlat(256), given, batch=True),
        "search-ivf": inverted_lists,
        "search-multihash": multi_hash,
        "search-hnsw": graph,
    }


def usearch_calls() -> dict[str, Callable[[dict[str, Any]], Call]]:
    """Return what usearch does; it has no radius search, so it is asked for the nearest."""
    from usearch.index import Index, MetricKind, ScalarKind, search

    def near(find: Callable[[Any], Any], asked: Any, radius: int) -> Call:
        def run() -> list[list[int]]:
            found = []
            for q in asked:
                matches = find(q)
                found.append(matches.keys[np.asarray(matches.distances) <= radius].tolist())
            return found

        return run

    def exact(given: dict[str, Any]) -> Call:
        known, asked, radius = codes_of(given)
        return near(
            lambda q: search(known, q, 10, MetricKind.Hamming, exact=True, threads=1),
            asked, radius,
        )  # fmt: skip

    def graph(given: dict[str, Any]) -> Call:
        known, asked, radius = codes_of(given)
        index = Index(ndim=256, metric=MetricKind.Hamming, dtype=ScalarKind.B1)
        index.add(np.arange(len(known)), known, threads=1)
        return near(lambda q: index.search(q, 10, threads=1), asked, radius)

    return {"search-exact": exact, "search-hnsw": graph}


PEERS = {
    "hashmatch": hashmatch_calls,
    "pdqhash": pdqhash_calls,
    "imagehash": imagehash_calls,
    "perception": perception_calls,
    "imagededup": imagededup_calls,
    "threatexchange": threatexchange_calls,
    "faiss": faiss_calls,
    "usearch": usearch_calls,
}


def codes_of(given: dict[str, Any]) -> tuple[Any, Any, int]:
    """Return the hashes to search among, those to search for, and the radius."""
    return np.load(given["known"]), np.load(given["asked"]), given["radius"]


def pairs(offsets: Any, rows: Any) -> list[list[int]]:
    """Return the rows found for each query of a batch."""
    return [rows[a:b].tolist() for a, b in itertools.pairwise(offsets)]


def main() -> None:
    """Answer until standard input ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever a peer prints is no answer
    calls: dict[str, Callable[[dict[str, Any]], Call]] = {}
    ready: dict[str, Call] = {}
    for line in sys.stdin:
        told = json.loads(line)
        try:
            if told["do"] == "load":
                calls = PEERS[told["peer"]]()
                answer: dict[str, Any] = {"version": version(told["package"])}
            elif told["do"] == "prepare":
                begin = time.perf_counter()
                ready[told["case"]] = calls[told["case"]](told["given"])
                taken = time.perf_counter() - begin
                answer = {"prepared": taken, "result": ready[told["case"]]()}
            else:
                call = ready[told["case"]]
                begin = time.perf_counter()
                for _ in range(told["repeats"]):
                    call()
                answer = {"seconds": (time.perf_counter() - begin) / told["repeats"]}
        except Exception as error:  # noqa: BLE001 - the edge: whatever a peer raises is its answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
