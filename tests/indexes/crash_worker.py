"""A process to be traced or killed: ``python crash_worker.py publish|update|merge|churn ROOT``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from hashmatch import indexes
from hashmatch.indexes.live_writer import Insert, LiveWriter
from hashmatch.indexes.merge import merge
from hashmatch.indexes.snapshot import SnapshotWriter
from hashmatch.types import HashValue

LISTS = [{"name": "alpha", "version": 1, "polarity": "known-bad", "entries": 40}]


def code_of(number: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Return the value of an entry: anyone can tell whether it is the right one."""
    return np.random.default_rng(number).integers(0, 256, 32, np.uint8)


def publish(root: Path, version: int, rows: int = 40) -> str:
    """Publish entries ``version * 1000 ...``."""
    first = version * 1000
    codes = np.array([code_of(first + row) for row in range(rows)])
    numbers = np.arange(rows, dtype=np.uint32)
    with SnapshotWriter(root, LISTS, {"version": version}) as writer:
        writer.add_entries(
            json.dumps({"list": 0, "id": f"e{first + row}"}).encode() for row in range(rows)
        )
        writer.add_values("md5", codes[:, :16], numbers)
        index = indexes.create("scan", bits=256, codes=codes, radius=31)
        writer.add_index("pdq", index, numbers, np.full(rows, 255, np.uint8))
        return writer.publish()


def insert(number: int) -> Insert:
    """Return an entry to add."""
    value = HashValue("pdq", code_of(number).tobytes(), 80)
    return Insert({"list": 0, "id": f"e{number}"}, (value,))


def main() -> None:
    """Do what the arguments say; ``churn`` goes on until it is killed."""
    what, root = sys.argv[1], Path(sys.argv[2])
    if what == "publish":
        publish(root, int(sys.argv[3]))
    elif what == "update":
        for number in map(int, sys.argv[3:]):
            LiveWriter(root).apply([insert(number)])
    elif what == "merge":
        merge(root)
    else:
        writer, number = LiveWriter(root), int(sys.argv[3])
        while True:
            writer.apply([insert(number)])
            print(number, flush=True)  # acknowledged
            number += 1
            if number % 5 == 0:
                merge(root)


if __name__ == "__main__":
    main()
