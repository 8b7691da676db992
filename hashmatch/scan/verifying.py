"""Whether a run's folder is what the run left behind."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hashmatch.scan import custody
from hashmatch.scan.folder import LOG, MANIFEST, RunFolder


@dataclass(slots=True)
class Verification:
    """What checking a run gave.

    Parameters
    ----------
    problems : list of str
        What is not as it was left; empty if everything is.
    notes : list of str
        What the check could not rule out.
    files : int
        How many files agree with their stated SHA-256.
    head : str
        The head of the log.
    """

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    head: str = ""


def verify(run: Path, anchor: str | None = None) -> Verification:
    """Check the log's chain, the manifest against the log, and every file against both.

    Parameters
    ----------
    run : Path
        The folder of a run or a rescan.
    anchor : str or None
        The head of the log as it was written down elsewhere. Only with it can a log that was
        cut at its end, or replaced by an older or rewritten one, be told.
    """
    folder = RunFolder(run)
    checked = Verification()
    chain = custody.read(folder.log)
    checked.head = chain.head
    if not chain.records:
        checked.problems.append(f"{LOG}: {chain.problem or 'there is no log'}")
        return checked
    if chain.problem:
        checked.problems.append(f"{LOG}: {chain.problem}")
    if anchor is None:
        checked.notes.append(
            "no anchor was given: a log replaced as a whole by an older or rewritten one would "
            "not show"
        )
    elif anchor.strip().lower() not in chain.heads:
        checked.problems.append(f"{LOG}: it does not hold the anchor: it was cut or replaced")
    else:
        after = len(chain.heads) - 1 - chain.heads.index(anchor.strip().lower())
        if after:
            checked.notes.append(f"{after} record(s) were added to the log after the anchor")
    expected = _expected(folder, chain, checked)
    for name, sha256 in expected.items():
        path = run / name
        if not path.is_file():
            checked.problems.append(f"{name}: it is missing")
        elif custody.file_hash(path) != sha256:
            checked.problems.append(f"{name}: its content was changed")
        else:
            checked.files += 1
    for path in sorted(run.iterdir()):
        if path.name != LOG and path.name not in expected:
            checked.problems.append(f"{path.name}: the run knows no such file")
    return checked


def head_of(run: Path) -> str:
    """Return the head of a run's log, to be written down elsewhere as its anchor."""
    return custody.read(RunFolder(run).log).head


def _expected(folder: RunFolder, chain: custody.Chain, checked: Verification) -> dict[str, str]:
    """Return the SHA-256 every file must have, by what the log says of the last pass."""
    expected: dict[str, str] = {}
    finished = False
    for record in chain.records:
        detail: dict[str, Any] = record["detail"]
        if record["event"] == "started":
            expected["run.json"] = detail["settings_sha256"]
        elif record["event"] == "resumed":
            finished = False
        elif record["event"] == "finished":
            finished = True
            expected[MANIFEST] = detail["manifest_sha256"]
        elif record["event"] == "reported":
            expected |= {name: file["sha256"] for name, file in detail["outputs"].items()}
    if not finished:
        checked.problems.append(f"{LOG}: the run is not finished; go on with it with --resume")
        return expected
    try:
        manifest = json.loads(folder.manifest.read_bytes())
        outputs = {name: file["sha256"] for name, file in manifest["outputs"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        checked.problems.append(f"{MANIFEST}: it cannot be read, so no output can be checked")
        return expected
    return outputs | expected
