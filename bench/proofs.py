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
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from bench.figures import find
from bench.harness import ROOT, Figure, measured, report

DAMAGE = "tests/indexes/test_crash.py::test_a_thousand_flips_and_two_hundred_cuts_are_refused"
# figure -> the tests that would show it, as pytest takes them
PROOFS: dict[str, tuple[str, ...]] = {
    "search.differences": ("tests/indexes/test_contract.py", "tests/indexes/test_mih.py",
                           "tests/indexes/test_kernels.py"),
    "search.crashes": ("tests/indexes/test_crash.py",),
    "search.damage": ("tests/indexes/test_snapshot.py", DAMAGE),
    "lists.interrupted": ("tests/lists/test_crash.py",),
    "lists.damaged": ("tests/lists/test_damage.py",),
    "scan.resume": ("tests/scan/test_resume.py", "tests/scan/test_journal.py"),
    "scan.inputs": ("tests/scan/test_archives.py", "tests/scan/test_trouble.py",
                    "tests/scan/test_walk.py"),
    "scan.tampering": ("tests/scan/test_custody.py",),
    "service.schema": ("tests/service/http/test_openapi.py",),
    "service.nothing-kept": ("tests/service/test_no_imagery.py",),
    "service.refusals": ("tests/service/http/test_access.py", "tests/service/http/test_match.py"),
}  # fmt: skip
FIGURES = tuple(PROOFS)
EVERYTHING = "heavy or not heavy"


# how pytest ends where tests were run to their end: all passed, or some failed
COMPLETE = (0, 1)


@dataclass(frozen=True, slots=True)
class Count:
    """How the tests of one figure ended; ``reasons`` says why some were skipped."""

    passed: int
    failed: int
    skipped: int
    reasons: tuple[str, ...] = ()


def prove(name: str, folder: Path, marked: str) -> Count | str:
    """Run the tests of one figure and count them, or say why there is nothing to count."""
    missing = [path for path in PROOFS[name] if not (ROOT / path.split("::")[0]).exists()]
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
    if done.returncode not in COMPLETE or not outcome.exists():
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        return f"pytest ended with status {done.returncode}: {''.join(last)}"
    found = counted(outcome)
    if bool(found.failed) != bool(done.returncode):
        return f"pytest ended with status {done.returncode}, but {found.failed} tests failed"
    if not found.passed + found.failed:
        return f"all {found.skipped} tests were skipped: {'; '.join(found.reasons)}"
    return found


def counted(outcome: Path) -> Count:
    """Count the outcomes in a file that pytest wrote."""
    passed = failed = 0
    reasons = []
    for case in ET.parse(outcome).getroot().iter("testcase"):
        kinds = {child.tag: child for child in case}
        if kinds.keys() & {"failure", "error"}:
            failed += 1
        elif "skipped" in kinds:
            reasons.append(kinds["skipped"].get("message") or "no reason given")
        else:
            passed += 1
    return Count(passed, failed, len(reasons), tuple(dict.fromkeys(reasons)))


def figure_of(name: str, found: Count) -> Figure:
    """Return the figure of a proof: how many of its tests failed."""
    promise = find(name)
    assert promise is not None
    note = f"{found.passed} tests passed"
    if found.skipped:
        note += f", {found.skipped} skipped: {'; '.join(found.reasons)}"
    return measured(promise.what, [found.failed], "failures", promise.must, name=name, note=note)


def main() -> None:
    """Run the tests and print what failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="figures separated by commas")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="without the tests that take minutes")
    chosen = parser.parse_args()
    names = chosen.only.split(",") if chosen.only else list(PROOFS)
    if unknown := set(names) - set(PROOFS):
        parser.error(f"no such figure: {', '.join(unknown)}; there are {', '.join(PROOFS)}")
    figures: list[Figure] = []
    notes = {"tests": "a failure is a test that failed; a skipped one proves nothing here"}
    seconds = {}
    with tempfile.TemporaryDirectory(prefix="hashmatch-proofs-") as folder:
        for name in names:
            print(f"proving {name}", file=sys.stderr)
            begin = time.perf_counter()
            found = prove(name, Path(folder), "not heavy" if chosen.quick else EVERYTHING)
            seconds[name] = round(time.perf_counter() - begin, 1)
            if isinstance(found, str):
                notes[f"NOT MEASURED: {name}"] = found
            else:
                figures.append(figure_of(name, found))
    report("What must never happen", figures, notes, chosen.json, more={"seconds": seconds})
    sys.exit(1 if any(figure.value for figure in figures) else 0)


if __name__ == "__main__":
    main()
