"""The folder of a run: what lies in it, and making, keeping and finishing it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from hashmatch.errors import OutputError
from hashmatch.scan.record import shown

RESULTS = "results.jsonl"
TABLE = "results.csv"
SUMMARY = "summary.json"
JOURNAL = "journal.jsonl"
SETTINGS = "run.json"
LOG = "custody.jsonl"
MANIFEST = "manifest.json"
SCHEMA = "hashmatch.run/1"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    path : Path
        The folder.
    """

    path: Path

    @property
    def results(self) -> Path:
        """Every record, one a line."""
        return self.path / RESULTS

    @property
    def table(self) -> Path:
        """The records as a table."""
        return self.path / TABLE

    @property
    def summary(self) -> Path:
        """The counts."""
        return self.path / SUMMARY

    @property
    def journal(self) -> Path:
        """What was found in each file, for resuming and searching again."""
        return self.path / JOURNAL

    @property
    def settings(self) -> Path:
        """What was asked for."""
        return self.path / SETTINGS

    @property
    def log(self) -> Path:
        """The chained log."""
        return self.path / LOG

    @property
    def manifest(self) -> Path:
        """The SHA-256 of everything else, and what made it."""
        return self.path / MANIFEST

    def make(self, roots: Sequence[str]) -> None:
        """Make the folder, refusing one that holds anything or lies inside the evidence.

        Raises
        ------
        OutputError
            If it may not or cannot be used.
        """
        inside = self.path.resolve()
        for root in roots:
            evidence = Path(root).resolve()
            if evidence.is_dir() and inside.is_relative_to(evidence):
                raise OutputError(
                    f"the output folder {self.path} lies inside {shown(root)}, which is only read; "
                    "choose another with --output"
                )
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.scandir(self.path) as entries:
                taken = next(entries, None) is not None
        except OSError as error:
            raise OutputError(f"cannot make the folder {self.path}: {error.strerror}") from error
        if taken:
            raise OutputError(
                f"the folder {self.path} is not empty; choose a new one with --output, or go on "
                "with the run in it with --resume"
            )

    def create(self, path: Path) -> TextIO:
        """Open a file of the run for writing from its start, private to its owner."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        return os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", newline="")

    def write_json(self, path: Path, shape: Mapping[str, Any]) -> None:
        """Write a JSON file of the run, whole or not at all.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        aside = path.with_name(path.name + ".new")
        try:
            with self.create(aside) as stream:
                json.dump(shape, stream, indent=2)
                stream.write("\n")
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(path)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise OutputError(f"cannot write {path}: {error.strerror}") from error

    def must_be_finished(self) -> None:
        """Refuse a run that did not come to its end.

        Raises
        ------
        OutputError
            If there is no run, or it is not finished.
        """
        self.read_json(self.settings)
        if not self.manifest.exists():
            raise OutputError(
                f"the run in {self.path} is not finished; go on with it with 'hashmatch scan "
                f"--resume -o {self.path}' first"
            )

    def read_json(self, path: Path) -> dict[str, Any]:
        """Read a JSON file of the run.

        Raises
        ------
        OutputError
            If the folder holds no such run.
        """
        try:
            shape = json.loads(path.read_bytes())
        except OSError as error:
            raise OutputError(
                f"{self.path} holds no run of hashmatch: {path.name}: {error.strerror}"
            ) from error
        except ValueError as error:
            raise OutputError(
                f"{path} is damaged; check the run with 'hashmatch verify'"
            ) from error
        if not isinstance(shape, dict):
            raise OutputError(f"{path} is damaged; check the run with 'hashmatch verify'")
        return shape
