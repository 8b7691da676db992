"""Run mypy --strict over every module, stub, test, benchmark and example, and count them.

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


def checked(arguments: list[str], expected: int) -> int:
    """Run mypy and hold the number of files it saw against the number there are."""
    command = [sys.executable, "-m", "mypy", *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    sys.stdout.write(run.stdout)
    sys.stderr.write(run.stderr)
    if run.returncode:
        return run.returncode
    seen = re.search(r"in (\d+) source files?", run.stdout)
    if seen is None or int(seen[1]) != expected:
        sys.stderr.write(f"mypy saw {seen[1] if seen else 'no'} files, the tree holds {expected}\n")
        return 1
    return 0


def main() -> int:
    """Check everything; 0 when mypy is content and saw every file."""
    package = lay_links()
    scripts = [
        str(path.relative_to(ROOT))
        for top in ("tests", "bench", "examples")
        for path in sorted((ROOT / top).rglob("*.py"))
    ]
    return checked(["-p", "hashmatch"], package) or checked(scripts, len(scripts))


if __name__ == "__main__":
    sys.exit(main())
