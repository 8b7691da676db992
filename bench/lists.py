"""How fast lists come in, and how much memory that takes.

Each list is made here (nothing of it belongs to a real one) and imported by a process of its own,
so that its peak memory is its own. Usage: python -m bench.lists [--quick] [--json]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness import ROOT, Figure, measured, report
from hashmatch.home import Home
from hashmatch.lists import readers
from hashmatch.lists.catalog import Catalog, ImportReport
from hashmatch.publish import publish
from hashmatch.types import Polarity

FIGURES = ("lists.text", "lists.vics", "lists.vics-memory", "lists.nsrl")
QUICK = 20


@dataclass(frozen=True, slots=True)
class Case:
    """A list to import and what is asked of it."""

    what: str
    rows: int
    make: Callable[[Path, int], None]
    said: dict[str, Any]
    polarity: Polarity
    least_rate: float
    most_memory: float | None = None


def make_text(path: Path, rows: int) -> None:
    """Write random PDQ values, one a line."""
    source = np.random.default_rng(1)
    with path.open("w") as stream:
        for start in range(0, rows, 100_000):
            digits = source.bytes(32 * min(100_000, rows - start)).hex()
            stream.writelines(f"{digits[at : at + 64]}\n" for at in range(0, len(digits), 64))


def make_vics(path: Path, rows: int) -> None:
    """Write a hash set whose records have the fields real ones have."""
    source = random.Random(1)
    with path.open("w") as stream:
        stream.write(
            '{"@odata.context":"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/'
            '$metadata#Media","value":[\n'
        )
        for number in range(rows):
            seed = b"%d" % number
            record = {
                "MediaID": number,
                "Category": source.randrange(4),
                "MD5": hashlib.md5(seed).hexdigest().upper(),
                "SHA1": hashlib.sha1(seed).hexdigest().upper(),
                "MediaSize": source.randrange(10**7),
                "DateUpdated": "2031-01-02T03:04:05-05:00",
                "IsPrecategorized": "false",
                "VictimIdentified": number % 7 == 0,
                "OffenderIdentified": False,
                "IsDistributed": True,
                "Series": f"series {number % 500}",
                "Tags": "one,two",
            }
            stream.write((",\n" if number else "") + json.dumps(record, separators=(",", ":")))
        stream.write("\n]}\n")


def make_nsrl(path: Path, rows: int) -> None:
    """Write a database shaped like RDS v3."""
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE METADATA (bytes INTEGER, crc32 VARCHAR, file_name VARCHAR, md5 VARCHAR, "
        "object_id INTEGER, sha1 VARCHAR, sha256 VARCHAR)"
    )
    source = np.random.default_rng(1)
    for start in range(0, rows, 100_000):
        count = min(100_000, rows - start)
        digits = source.bytes(68 * count).hex().upper()
        rows_of_file = (
            (
                start + at,
                digits[136 * at : 136 * at + 8],
                f"file{at}.dll",
                digits[136 * at : 136 * at + 32],
                at,
                digits[136 * at + 32 : 136 * at + 72],
                digits[136 * at + 72 : 136 * at + 136],
            )
            for at in range(count)
        )
        connection.executemany("INSERT INTO METADATA VALUES (?, ?, ?, ?, ?, ?, ?)", rows_of_file)
    connection.commit()
    connection.close()


CASES = {
    "text": Case(
        "text list of PDQ values",
        10_000_000,
        make_text,
        {"hash_type": "pdq"},
        Polarity.KNOWN_BAD,
        250_000,
    ),
    "vics": Case(
        "VICS hash set", 1_000_000, make_vics, {"scheme": "us"}, Polarity.KNOWN_BAD, 50_000, 300
    ),
    "nsrl": Case("NSRL RDS v3", 5_000_000, make_nsrl, {}, Polarity.KNOWN_GOOD, 500_000),
}


def import_one(name: str, source: Path, home: Home) -> dict[str, Any]:
    """Import one list, compile it, import it again; return seconds and peak memory."""
    case = CASES[name]
    taken: dict[str, Any] = {}

    def bring() -> ImportReport:
        with Catalog.open(home.catalog) as catalog:
            reading = readers.read([source], **case.said)
            return catalog.import_list(
                name,
                reading,
                source_files=[source],
                format=reading.format,
                polarity=case.polarity,
                scheme=reading.scheme,
            )

    begin, worked = time.perf_counter(), time.process_time()
    taken["entries"] = bring().added
    taken["first"] = time.perf_counter() - begin
    taken["work"] = time.process_time() - worked
    taken["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begin = time.perf_counter()
    again = bring()
    taken["again"] = time.perf_counter() - begin
    assert again.unchanged == taken["entries"]
    taken["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begin = time.perf_counter()
    with Catalog.open(home.catalog) as catalog, catalog.export() as export:
        taken["exported"] = sum(len(batch.records) for batch in export)
    taken["export"] = time.perf_counter() - begin
    taken["catalog"] = home.catalog.stat().st_size / 2**20
    begin = time.perf_counter()
    publish(home)
    taken["compile"] = time.perf_counter() - begin
    return taken


def measure(key: str, rows: int) -> list[Figure]:
    """Make a list and import it in a process of its own."""
    case = CASES[key]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        case.make(source, rows)
        os.sync()  # the list lies on the disk before it is imported, as a real one does
        run = subprocess.run(
            [sys.executable, "-m", "bench.lists", "--one", key, str(source), folder],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    taken = json.loads(run.stdout)
    assert taken["entries"] == taken["exported"] == rows
    what, most = f"{case.what}, {rows:,} rows", case.most_memory

    def rate(label: str, seconds: float, goal: float | None = None, name: str = "") -> Figure:
        return measured(
            f"{what}: {label}", [rows / seconds], "rows/s", goal, below=False,
            name=name or f"lists.{key}.{label}",
        )  # fmt: skip

    def size(label: str, megabytes: float, goal: float | None = None, name: str = "") -> Figure:
        return measured(
            f"{what}: {label}", [megabytes], "MB", goal, name=name or f"lists.{key}.{label}"
        )

    return [
        rate("import", taken["first"], case.least_rate, f"lists.{key}"),
        # what the machine would do if it did nothing else
        rate("import, per second of processor", taken["work"]),
        size("peak memory of it", taken["memory"], most, f"lists.{key}-memory"),
        rate("import again, unchanged", taken["again"]),
        size("peak memory of both", taken["peak"], most),
        rate("export for compiling", taken["export"]),
        rate("import and compile", taken["first"] + taken["compile"]),
        size("catalog on disk", taken["catalog"]),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"a {QUICK}th of the rows")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=CASES, help="one list only")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        name, source, home = chosen.one
        print(json.dumps(import_one(name, Path(source), Home(Path(home)))))
        return
    figures = [
        figure
        for name, case in CASES.items()
        if chosen.only in (None, name)
        for figure in measure(name, case.rows // QUICK if chosen.quick else case.rows)
    ]
    notes = {
        "lists": "made from a seed, imported by a process of their own; once each, so no spread",
        "seed": "1",
    }
    report("Importing lists", figures, notes, chosen.json)


if __name__ == "__main__":
    main()
