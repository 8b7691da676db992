"""Fetch and make what the suites need, so that no quiet hour is spent on it.

Every suite does this by itself where something is missing. This does it ahead, all at once: an
environment for each peer, the pictures that suites cut and damage, and the list of 10 million that
the service is measured with. It needs the network, some minutes and about 3 GB, once.

Usage: python -m bench.prepare
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from bench import big_list, quality_corpus
from bench.environments import PeerUnavailableError, python_of
from bench.harness import ROOT
from bench.peers import PEERS

LIST_FOLDER, LIST_ROWS = ROOT / "build" / "bench", 10_000_000


def peers() -> str:
    """Make the environments; a peer that cannot be had is no failure, its suite reports it."""
    missing = []
    for name, environment in PEERS.items():
        try:
            python_of(environment)
        except PeerUnavailableError as error:
            missing.append(f"{name} cannot be had: {error}")
    return "; ".join(missing) or f"{len(PEERS)} environments"


def photographs() -> str:
    """Fetch the wallpaper packages."""
    return str(quality_corpus.fetch())


def hostile() -> str:
    """Fetch the files that suites and tests scan."""
    for script in ("tests/media/corpus.py", "tests/scan/corpus.py"):
        done = subprocess.run(
            [sys.executable, script], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{script}: {done.stderr.strip()}")
    return f"{sum(path.is_file() for path in (ROOT / '.corpus').rglob('*')):,} files in .corpus"


def large_list() -> str:
    """Make the list of the service."""
    return str(big_list.ready(LIST_FOLDER, LIST_ROWS).path)


STEPS: dict[str, Callable[[], str]] = {
    "environments of the peers": peers,
    "photographs": photographs,
    "hostile files": hostile,
    "list of 10 million": large_list,
}


def main() -> None:
    """Do everything, and go on where one step fails."""
    failed = False
    for name, step in STEPS.items():
        print(f"{name} ...", end=" ", flush=True)
        try:
            print(step())
        except SystemExit as error:
            failed = True
            print(f"FAILED: {error}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
