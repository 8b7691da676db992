"""A batch scan: every file below some folders answered, written down and counted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hashmatch.errors import OutputError
from hashmatch.matching import Matcher
from hashmatch.matching.ordered import ordered_map
from hashmatch.scan.record import as_line, record_of, shown
from hashmatch.scan.report import CsvReport, Summary
from hashmatch.scan.walk import Found, walk
from hashmatch.types import MatchResult, Verdict
from hashmatch.version import ENGINE

RESULTS = "results.jsonl"
TABLE = "results.csv"
SUMMARY = "summary.json"
# what a report states of every file, whatever the lists hold
REPORTED_TYPES = ("md5", "sha1", "sha256", "pdq")

OnRecord = Callable[[dict[str, Any]], None]


def scan(
    matcher: Matcher,
    roots: Sequence[str],
    output: Path,
    *,
    threads: int | None = None,
    follow_symlinks: bool = False,
    on_record: OnRecord | None = None,
) -> Summary:
    """Scan folders and write ``results.jsonl``, ``results.csv`` and ``summary.json``.

    Parameters
    ----------
    matcher : Matcher
        What to ask; open it with ``also_compute=REPORTED_TYPES`` for full reports.
    roots : sequence of str
        Files and folders to scan. They are only read.
    output : Path
        The folder of the reports; it must be empty or new, and outside the roots.
    threads : int or None
        How many files at a time; by default one per processor.
    follow_symlinks : bool
        Whether symbolic links inside the roots are followed.
    on_record : callable or None
        Called with each record once it is written.

    Returns
    -------
    Summary

    Raises
    ------
    OutputError
        If the reports cannot be written. What was written until then stays, and
        ``summary.json``, where it can still be written, says the scan is not complete.
    """
    _prepare(output, roots)
    summary = Summary()
    started = _now()
    complete = False

    def check(found: Found) -> tuple[Found, MatchResult]:
        if found.refused is not None:
            return found, MatchResult(
                Verdict.UNSCANNABLE,
                found.refused,
                found.message,
                snapshot_id=matcher.snapshot.id,
                profile=matcher.profile.name,
                engine=ENGINE,
            )
        return found, matcher.match_file(found.path, follow_symlinks=True)

    try:
        with ExitStack() as files:
            lines = files.enter_context(_create(output / RESULTS))
            table = CsvReport(files.enter_context(_create(output / TABLE)))
            found_files = walk(roots, follow_symlinks=follow_symlinks)
            for found, result in ordered_map(check, found_files, threads or os.cpu_count() or 1):
                record = record_of(found.path, result)
                lines.write(as_line(record))
                table.add(record)
                summary.add(record)
                if on_record is not None:
                    on_record(record)
        complete = True
    except OSError as error:
        raise OutputError(
            f"cannot write the reports in {output}: {error.strerror}; free some space or choose "
            "another folder with --output"
        ) from error
    finally:
        _write_summary(output / SUMMARY, matcher, roots, summary, started, complete)
    return summary


def _prepare(output: Path, roots: Sequence[str]) -> None:
    """Make the output folder, refusing one that holds results or lies inside the evidence."""
    inside = output.resolve()
    for root in roots:
        evidence = Path(root).resolve()
        if evidence.is_dir() and inside.is_relative_to(evidence):
            raise OutputError(
                f"the output folder {output} lies inside {shown(root)}, which is only read; "
                "choose another with --output"
            )
    try:
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.scandir(output) as entries:
            taken = next(entries, None) is not None
    except OSError as error:
        raise OutputError(f"cannot make the folder {output}: {error.strerror}") from error
    if taken:
        raise OutputError(f"the folder {output} is not empty; choose a new one with --output")


def _create(path: Path) -> Any:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")


def _write_summary(
    path: Path,
    matcher: Matcher,
    roots: Sequence[str],
    summary: Summary,
    started: str,
    complete: bool,
) -> None:
    snapshot = matcher.snapshot
    shape = {
        "schema": "hashmatch.scan/1",
        "complete": complete,
        "started": started,
        "ended": _now(),
        "engine": ENGINE,
        "roots": [shown(root) for root in roots],
        "profile": matcher.profile.name,
        "snapshot": snapshot.id,
        "lists": [
            {name: described[name] for name in ("name", "version", "polarity", "entries")}
            for described in snapshot.lists
        ],
        "counts": summary.to_json(),
    }
    try:
        with _create(path) as stream:
            json.dump(shape, stream, indent=2, ensure_ascii=False)
            stream.write("\n")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
