"""Every figure that this project promises: its name, what must be reached, and how to reprint it.

The table is filled from the result files in ``bench/results/``; ``hashmatch bench run all`` makes
them anew. A figure that no result file holds is listed as not measured, never left out.

Usage: python -m bench.figures [--issue N] [--json]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.harness import Figure, quantity


@dataclass(frozen=True, slots=True)
class Promise:
    """One figure that an issue asks for.

    Parameters
    ----------
    name : str
        What suites call it.
    issue : int
    what : str
    unit : str
        ``x`` for a ratio; ``failures`` for things that must not happen.
    must, aim : float or None
        What must be reached, and what is aimed for; neither where a figure is only published.
    suite : str
        Which suite of ``bench/run.py`` measures it.
    below : bool
        Whether less is better.
    """

    name: str
    issue: int
    what: str
    unit: str
    must: float | None
    aim: float | None
    suite: str
    below: bool = False

    @property
    def command(self) -> str:
        """How to measure it again."""
        return f"hashmatch bench run {self.suite}"


SAME_SIZE = {"--drift", "--keep", "--no-cost", "--only", "--only-cost", "--processes"}
"""Options of suites that choose parts or places and leave sizes and rounds as they are."""

# name, suite, what, unit, "<=" where less is better, must reach, aim for; by issue
# fmt: off
_TABLE: dict[int, tuple[tuple[str, str, str, str, str, float | None, float | None], ...]] = {
    3: (
        ("hash.pdq-rgb", "hashing_vs_peers",
         "PDQ of decoded 12 MP RGB, against pdqhash", "x", ">=", 40, 80),
        ("hash.pdq-grey", "hashing_vs_peers",
         "PDQ of decoded 12 MP grey, against pdqhash", "x", ">=", 80, 150),
        ("hash.orientations", "hashing_vs_peers",
         "eight orientations against one", "x", "<=", 2.5, 1.5),
        ("hash.jpeg-exact", "files",
         "12 MP JPEG to PDQ, exact, against Pillow + pdqhash", "x", ">=", 3.5, 4.5),
        ("hash.jpeg-fast", "files",
         "12 MP JPEG to PDQ, fast, against Pillow + pdqhash", "x", ">=", 10, 15),
        ("hash.fast-drift-mean", "decoding_drift",
         "fast decode: mean drift over all photographs", "bits", "<=", 1, None),
        ("hash.fast-drift-max", "decoding_drift",
         "fast decode: largest drift", "bits", "<=", 10, 6),
        ("hash.all-types", "files",
         "all eight hashes of a 12 MP JPEG against its decode alone", "x", "<=", 1.35, 1.15),
        ("hash.phash", "hashing_vs_peers",
         "phash of decoded 12 MP against imagehash", "x", ">=", 4, 8),
        ("hash.dhash", "hashing_vs_peers",
         "dhash of decoded 12 MP against imagehash", "x", ">=", 4, 8),
        ("hash.ahash", "hashing_vs_peers",
         "ahash of decoded 12 MP against imagehash", "x", ">=", 4, 8),
        ("hash.whash", "hashing_vs_peers",
         "whash of decoded 12 MP against imagehash", "x", ">=", 20, 50),
        ("hash.threads", "hashing_vs_peers",
         "hash_many on 2 threads against 1", "x", ">=", 1.8, 1.95),
        ("hash.conformance", "hashing_conformance",
         "identical to pdqhash on the same pixels, quality > 0", "%", ">=", 100, None),
    ),
    4: (
        ("search.1m-single", "search_vs_faiss",
         "1 M hashes, single queries, against FAISS Flat", "x", ">=", 15, 30),
        ("search.10m-single", "search_vs_faiss",
         "10 M hashes, single queries, against FAISS Flat", "x", ">=", 60, 120),
        ("search.10m-orientations", "search_vs_faiss",
         "10 M, all 8 orientations, against 8 FAISS queries", "x", ">=", 50, 120),
        ("search.10m-batch", "search_vs_faiss",
         "10 M, batch of 1,000, per query, against FAISS Flat", "x", ">=", 70, 150),
        ("search.growth", "growth",
         "growth from 1 M on: slope on log-log axes", "slope", "<=", 0.65, 0.5),
        ("search.scan-batch", "search_vs_faiss",
         "native scan, batch of 1,000, any radius, against FAISS Flat", "x", ">=", 2.2, 4),
        ("search.clustered", "growth",
         "clustered list, single queries, against FAISS Flat", "x", ">=", None, None),
        ("search.skewed", "growth",
         "skewed bits, single queries, against FAISS Flat", "x", ">=", None, None),
        ("search.bytes-per-hash", "search_vs_faiss",
         "resident bytes per hash at 10 M, tables included", "B", "<=", 110, 80),
        ("search.build", "search_vs_faiss",
         "build of 10 M on one thread", "M hashes/s", ">=", 1.2, 3),
        ("search.open", "search_vs_faiss", "opening a 10 M snapshot", "ms", "<=", 100, 20),
        ("search.second-process", "search_vs_faiss",
         "memory a second process adds on the same snapshot", "%", "<=", 5, None),
        ("search.threads", "search_vs_faiss", "2 threads against 1", "x", ">=", 1.8, None),
        ("search.insert", "search_vs_faiss",
         "inserting 1,000 into 10 M, until visible", "ms", "<=", 50, None),
        ("search.differences", "proofs",
         "differences from brute force over all exact kinds", "failures", "<=", 0, None),
        ("search.crashes", "proofs",
         "crash points that open as neither old nor new", "failures", "<=", 0, None),
        ("search.damage", "proofs",
         "bit flips and truncations that are not refused", "failures", "<=", 0, None),
    ),
    5: (
        ("lists.text", "lists",
         "text list of 10 M PDQ hashes imported", "rows/s", ">=", 250_000, None),
        ("lists.vics", "lists",
         "VICS hash set of 1 M records imported", "rows/s", ">=", 50_000, None),
        ("lists.vics-memory", "lists",
         "VICS hash set of 1 M records: peak memory", "MB", "<=", 300, None),
        ("lists.nsrl", "lists",
         "NSRL-shaped SQLite of 5 M rows into a known-good list", "rows/s", ">=", 500_000, None),
        ("lists.interrupted", "proofs",
         "interrupted imports that leave something in between", "failures", "<=", 0, None),
        ("lists.damaged", "proofs",
         "damaged lists that crash or lose rows unseen", "failures", "<=", 0, None),
    ),
    6: (
        ("match.photometric", "quality",
         "recall: photometric, codec, resize to 25 %", "%", ">=", 98, None),
        ("match.orientations", "quality",
         "recall: 8 orientations after JPEG q75", "%", ">=", 99, None),
        ("match.borders", "quality",
         "recall: uniform border <= 20 %, letterbox", "%", ">=", 90, None),
        ("match.crops", "quality", "recall: symmetric crop <= 5 % a side", "%", ">=", 80, None),
        ("match.rotations", "quality", "recall: rotation <= 4 degrees", "%", ">=", 80, None),
        ("match.text", "quality", "recall: text overlay", "%", ">=", 85, None),
        ("match.published", "quality",
         "recall: one-sided crop, caption, screenshot, collage", "%", ">=", None, None),
        ("match.false-strong", "quality",
         "false matches at strong, >= 80,000 unrelated pairs", "failures", "<=", 0, None),
        ("match.false-possible", "quality",
         "false matches per pair at possible", "rate", "<=", 1e-5, None),
        ("match.cost-orientations", "quality_cost",
         "cost of orientations against plain, 10 M hashes", "x", "<=", 1.2, None),
        ("match.cost-strong", "quality_cost",
         "cost of thorough, strong tier only, against plain", "x", "<=", 2, None),
        ("match.cost-thorough", "quality_cost",
         "cost of thorough against plain", "x", "<=", 6, None),
    ),
    7: (
        ("scan.hostile", "hostile",
         "2,000 hostile files: crashes, hangs, files without a verdict", "failures", "<=", 0, None),
        ("scan.hostile-slowest", "hostile",
         "the same: processor time of the slowest file", "s", "<=", 2, None),
        ("scan.hostile-largest", "hostile",
         "the same: resident memory of the largest file", "MB", "<=", 300, None),
        ("scan.mutants", "hostile",
         "10,000 byte mutants: crashes, hangs, missing verdicts", "failures", "<=", 0, None),
        ("scan.mutants-slowest", "hostile",
         "the same: processor time of the slowest mutant", "s", "<=", 2, None),
        ("scan.mutants-largest", "hostile",
         "the same: resident memory of the largest mutant", "MB", "<=", 300, None),
        ("scan.containment", "containment",
         "payloads in a worker that are not blocked", "failures", "<=", 0, None),
        ("scan.next-file", "containment",
         "the file after a payload, until it is answered", "ms", "<=", 200, None),
        ("scan.resume", "proofs",
         "killed scans whose resumed report differs", "failures", "<=", 0, None),
        ("scan.workers", "scan", "2 workers against 1, mixed JPEG folder", "x", ">=", 1.8, None),
        ("scan.sandbox", "scan",
         "cost of the sandbox against decoding in-process", "%", "<=", 5, None),
        ("scan.peers", "scan",
         "against a script of pdqhash + Pillow + FAISS Flat, 1 M list", "x", ">=", 3, None),
        ("scan.inputs", "proofs",
         "bombs, odd names, growing or vanishing files: wrong verdicts", "failures", "<=", 0, None),
        ("scan.tampering", "proofs",
         "tampered runs that are not detected", "failures", "<=", 0, None),
    ),
    8: (
        ("service.upload", "service",
         "POST /v1/match, 10 M list, against a Flask service", "x", ">=", 8, None),
        ("service.p99", "service", "the same: p99 at half load", "ms", "<=", 60, None),
        ("service.hashes", "service",
         "hash-only matching, 10 M, single", "requests/s", ">=", 3000, None),
        ("service.hashes-batched", "service",
         "hash-only matching, 10 M, batched", "hashes/s", ">=", 50_000, None),
        ("service.in-process", "service",
         "match_bytes beyond decode, share of the decode", "%", "<=", 15, None),
        ("service.ready", "service", "start to ready with a 10 M snapshot", "s", "<=", 3, None),
        ("service.soak-wrong", "service",
         "2-minute soak at twice the capacity: wrong answers", "failures", "<=", 0, None),
        ("service.soak-other", "service",
         "the same: answers other than 200, 429, 503, lost connections", "failures", "<=", 0, None),
        ("service.soak-memory", "service", "the same: slope of memory", "MB/min", "<=", 1, None),
        ("service.schema", "proofs",
         "schemathesis over the OpenAPI document", "failures", "<=", 0, None),
        ("service.nothing-kept", "proofs",
         "image bytes on disk, in logs, errors or metrics", "failures", "<=", 0, None),
        ("service.refusals", "proofs",
         "bad requests answered otherwise than they should", "failures", "<=", 0, None),
    ),
    9: (
        ("bench.quick", "quick",
         "hashmatch bench --quick, from start to end", "s", "<=", 180, 120),
        ("bench.planted", "selftest",
         "planted slowdowns of 20 % that compare sees", "%", ">=", 100, None),
        ("bench.same-code", "selftest",
         "runs of the same code taken for a regression, of 10", "failures", "<=", 0, None),
        ("bench.held-out", "card",
         "held-out photographs behind the quality card", "pictures", ">=", 400, None),
    ),
}
# fmt: on

PROMISES = tuple(
    Promise(name, issue, what, unit, must, aim, suite, below=sign == "<=")
    for issue, table in _TABLE.items()
    for name, suite, what, unit, sign, must, aim in table
)


def promises(issue: int | None = None) -> tuple[Promise, ...]:
    """Return every promise, or those of one issue, in the order of the issues."""
    return tuple(p for p in PROMISES if issue in (None, p.issue))


def find(name: str) -> Promise | None:
    """Return the promise of this name, if there is one."""
    return next((promise for promise in PROMISES if promise.name == name), None)


def suites() -> tuple[str, ...]:
    """Return the suites that measure promised figures."""
    return tuple(dict.fromkeys(promise.suite for promise in PROMISES))


def verdict(promise: Promise, figure: Figure | None) -> str:
    """Say how a figure stands to its promise."""
    if figure is None:
        return "not measured"
    if promise.must is None:
        return "published"

    def passes(bound: float) -> bool:
        return figure.value <= bound if promise.below else figure.value >= bound

    if promise.aim is not None and passes(promise.aim):
        return "reached, aim too"
    return "reached" if passes(promise.must) else "MISSED"


def measured_figures(results: Mapping[str, Any]) -> dict[str, Figure]:
    """Return the promised figures that result files hold, by name.

    Parameters
    ----------
    results : mapping of str to Results
        By suite. Neither ``quick`` nor a run of other than the full size measures what was
        promised, so they never stand in for a full run.
    """
    found = {}
    for suite, result in results.items():
        if not is_full(result.command):
            continue
        for figure in result.figures:
            promise = find(figure.name)
            if promise is not None and promise.suite == suite:
                found[figure.name] = figure
    return found


def is_full(command: str) -> bool:
    """Whether a suite ran at its full size, though perhaps not all of its parts.

    Options that nobody put on the list change what is measured, as far as anyone knows.
    """
    options = {word.split("=")[0] for word in command.split() if word.startswith("--")}
    return options <= SAME_SIZE


def rows(results: Mapping[str, Any], issue: int | None = None) -> list[dict[str, Any]]:
    """Return the whole table as JSON values."""
    found = measured_figures(results)
    return [
        {
            "issue": promise.issue,
            "name": promise.name,
            "what": promise.what,
            "unit": promise.unit,
            "below": promise.below,
            "must": promise.must,
            "aim": promise.aim,
            "value": figure.value if figure else None,
            "low": figure.low if figure else None,
            "high": figure.high if figure else None,
            "measured": figure.what if figure else None,
            "verdict": verdict(promise, figure),
            "command": promise.command,
        }
        for promise in promises(issue)
        for figure in [found.get(promise.name)]
    ]


def bound(row: Mapping[str, Any], key: str) -> str:
    """Return what a row must reach or aims for, in words."""
    if row[key] is None:
        return "-"
    return f"{'<=' if row['below'] else '>='} {quantity(row[key])}"


def lines(table: list[dict[str, Any]]) -> list[str]:
    """Return the table as lines for people."""
    told = [f"{'':>5} {'figure':<58} {'value':>18} {'must':>12} {'aim':>10}  verdict"]
    for row in table:
        value = "-" if row["value"] is None else quantity(row["value"], row["unit"])
        told.append(
            f"{'#' + str(row['issue']):>5} {row['what']:<58.58} {value:>18} "
            f"{bound(row, 'must'):>12} {bound(row, 'aim'):>10}  {row['verdict']}"
        )
    return told


def main() -> None:
    """Print the table."""
    from bench.results import load_all

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--issue", type=int, help="the figures of one issue")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    table = rows(load_all(), chosen.issue)
    print(json.dumps(table, indent=1) if chosen.json else "\n".join(lines(table)))


if __name__ == "__main__":
    main()
