"""Run mypy --strict over every module and stub of the installed package, and count them.

mypy cannot follow the import hook of an editable install, so ``cli/`` and ``indexes/`` would go
unchecked while it reported success. This lays a tree of links that looks like the wheel, points
mypy at it, and fails if mypy saw fewer files than the tree holds.

Usage: python tests/typecheck.py
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINKS = ROOT / "build" / "typecheck" / "hashmatch"
MAPPED = ("cli", "indexes")


def lay_links() -> int:
    """Make the link tree and return how many files mypy has to check."""
    shutil.rmtree(LINKS.parent, ignore_errors=True)
    LINKS.mkdir(parents=True)
    for entry in (ROOT / "hashmatch").iterdir():
        if entry.name != "__pycache__":
            (LINKS / entry.name).symlink_to(entry)
    for name in MAPPED:
        (LINKS / name).symlink_to(ROOT / name)
    sources = [p for top in ("hashmatch", *MAPPED) for p in (ROOT / top).rglob("*.py")]
    stubs = [p for top in ("hashmatch", *MAPPED) for p in (ROOT / top).rglob("*.pyi")]
    return len(sources) + len(stubs)


def main() -> int:
    """Check everything; 0 when mypy is content and saw every file."""
    expected = lay_links()
    run = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    sys.stdout.write(run.stdout)
    sys.stderr.write(run.stderr)
    if run.returncode:
        return run.returncode
    seen = re.search(r"in (\d+) source files", run.stdout)
    if seen is None or int(seen[1]) != expected:
        sys.stderr.write(f"mypy saw {seen[1] if seen else 'no'} files, the tree holds {expected}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
