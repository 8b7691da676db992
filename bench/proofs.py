"""What must never happen, by the tests that try to make it happen.

Crash points, damaged files, payloads in the sandbox and the like are not timed but provoked, in
tests. This runs those tests, the long ones too, and counts what failed, so that their figures
stand in the same table as the others.

Usage: python -m bench.proofs [--only NAME,...] [--json] [--quick]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from bench.figures import find
from bench.harness import ROOT, Figure, measured, report

# figure -> the tests that would show it, as pytest takes them
PROOFS: dict[str, tuple[str, ...]] = {
    "search.differences": ("tests/indexes/test_contract.py", "tests/indexes/test_mih.py",
                           "tests/indexes/test_kernels.py"),
    "search.crashes": ("tests/indexes/test_crash.py",),
    "search.damage": ("tests/indexes/test_snapshot.py",),
    "lists.interrupted": ("tests/lists/test_crash.py",),
    "lists.damaged": ("tests/lists/test_damage.py",),
    "scan.resume": ("tests/scan/test_resume.py", "tests/scan/test_journal.py"),
    "scan.inputs": ("tests/scan/test_archives.py", "tests/scan/test_trouble.py",
                    "tests/scan/test_walk.py"),
    "scan.tampering": ("tests/scan/test_custody.py",),
    "service.schema": ("tests/service/http/test_schema.py",),
    "service.nothing-kept": ("tests/service/test_no_imagery.py",),
    "service.refusals": ("tests/service/http/test_access.py", "tests/service/http/test_match.py"),
}  # fmt: skip
FIGURES = tuple(PROOFS)
EVERYTHING = "heavy or not heavy"


@dataclass(frozen=True, slots=True)
class Count:
    """How the tests of one figure ended."""

    passed: int
    failed: int
    skipped: int


def prove(name: str, folder: Path, marked: str) -> Count | str:
    """Run the tests of one figure and count them, or say why there is nothing to count."""
    missing = [path for path in PROOFS[name] if not (ROOT / path).exists()]
    if missing:
        return f"{', '.join(missing)} is not in this checkout"
    outcome = folder / f"{name}.xml"
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", *PROOFS[name], "-m", marked, "--timeout=3600",
            "--quiet", f"--junitxml={outcome}", f"--basetemp={folder / name}",
            "-p", "no:cacheprovider",
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if not outcome.exists():
        return f"pytest ended with status {done.returncode} and no outcome"
    return counted(outcome)


def counted(outcome: Path) -> Count:
    """Count the outcomes in a file that pytest wrote."""
    passed = failed = skipped = 0
    for case in ET.parse(outcome).getroot().iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            failed += 1
        elif "skipped" in kinds:
            skipped += 1
        else:
            passed += 1
    return Count(passed, failed, skipped)


def main() -> None:
    """Run the tests and print what failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="figures separated by commas")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="without the tests that take minutes")
    chosen = parser.parse_args()
    names = chosen.only.split(",") if chosen.only else list(PROOFS)
    figures: list[Figure] = []
    notes = {"tests": "a failure is a test that failed; a skipped one proves nothing here"}
    with tempfile.TemporaryDirectory(prefix="hashmatch-proofs-") as folder:
        for name in names:
            print(f"proving {name}", file=sys.stderr)
            found = prove(name, Path(folder), "not heavy" if chosen.quick else EVERYTHING)
            if isinstance(found, str):
                notes[f"NOT MEASURED: {name}"] = found
                continue
            if not found.passed + found.failed:
                notes[f"NOT MEASURED: {name}"] = f"all {found.skipped} tests were skipped"
                continue
            promise = find(name)
            assert promise is not None
            what = f"{promise.what} ({found.passed} tests passed"
            what += f", {found.skipped} skipped)" if found.skipped else ")"
            figures.append(measured(what, [found.failed], "failures", 0, name=name))
    report("What must never happen", figures, notes, chosen.json)
    sys.exit(1 if any(figure.value for figure in figures) else 0)


if __name__ == "__main__":
    main()
