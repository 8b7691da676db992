"""What a run writes: records as they come, and at the end what makes them accountable."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hashmatch import media
from hashmatch.matching import Matcher
from hashmatch.matching.examine import Examination
from hashmatch.scan import custody
from hashmatch.scan.folder import RunFolder
from hashmatch.scan.journal import Entry
from hashmatch.scan.record import as_line, record_of, shown
from hashmatch.scan.report import CsvReport, Summary
from hashmatch.version import ENGINE

_LIBRARIES = ("hashmatch", "numpy", "pillow", "pillow-heif", "faiss-cpu", "libarchive-c")


class Outputs:
    """The records of a run, on disk and counted.

    Parameters
    ----------
    folder : RunFolder
        Where they go; files of an earlier pass are written anew.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._files = ExitStack()
        self.summary = Summary()

    def __enter__(self) -> Self:
        self._lines = self._files.enter_context(self._folder.create(self._folder.results))
        self._table = CsvReport(self._files.enter_context(self._folder.create(self._folder.table)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.close()

    def add(self, matcher: Matcher, entry: Entry, found: Examination) -> dict[str, Any]:
        """Search for what an entry holds, write the record and return it."""
        record = record_of(
            entry.path + entry.member,
            matcher.judge(found),
            kind=entry.kind,
            known_good=found.known_good,
        )
        self._lines.write(as_line(record))
        self._table.add(record)
        self.summary.add(record)
        return record


def finish(
    folder: RunFolder,
    matcher: Matcher,
    settings: Mapping[str, Any],
    summary: Summary,
    workers: Mapping[str, Any],
    *,
    complete: bool,
) -> str | None:
    """Write the summary and, for a complete run, the manifest and the log's closing record.

    Returns
    -------
    str or None
        The head of the log, to be written down elsewhere.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    snapshot = matcher.snapshot
    ended = custody.now()
    searched = {
        "engine": ENGINE,
        "profile": matcher.profile.name,
        "snapshot": snapshot.id,
        "lists": [
            {name: described[name] for name in ("name", "version", "polarity", "entries")}
            for described in snapshot.lists
        ],
    }
    folder.write_json(
        folder.summary,
        {
            "schema": "hashmatch.scan/1",
            "complete": complete,
            "started": settings["started"],
            "ended": ended,
            "roots": [shown(root) for root in settings["roots"]],
            "hash_manifests": [shown(name) for name in settings["hash_manifests"]],
            **searched,
            "counts": summary.to_json(),
        },
    )
    if not complete:
        return None
    written = (folder.journal, folder.settings, folder.results, folder.table, folder.summary)
    folder.write_json(
        folder.manifest,
        {
            "schema": "hashmatch.manifest/1",
            **searched,
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
            "codecs": dict(media.codec_versions()),
            "parameters": {
                name: settings[name] for name in ("plan", "options") if name in settings
            },
            "counts": summary.to_json(),
            "started": settings["started"],
            "ended": ended,
            "workers": dict(workers),
            "outputs": describe([path for path in written if path.exists()]),
        },
    )
    return custody.append(
        folder.log,
        "finished",
        {
            "snapshot": snapshot.id,
            "files": summary.files,
            "manifest_sha256": custody.file_hash(folder.manifest),
        },
    )


def describe(paths: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Return the size and SHA-256 of files by name."""
    return {
        path.name: {"bytes": path.stat().st_size, "sha256": custody.file_hash(path)}
        for path in paths
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
