"""The display of a scan under way."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Self

from hashmatch.cli.output import progress_bar
from hashmatch.scan import ScanOptions, walk
from hashmatch.scan.record import FILE

_FACTS = (
    "[bold]{task.fields[hits]:,} matches[/]",
    "{task.fields[failed]:,} unchecked",
    "{task.fields[megabytes]:,.0f} MB, {task.fields[pace]:,.1f} MB/s",
)


class Watch:
    """A progress display on a terminal: files, matches, failures, speed, time left.

    Parameters
    ----------
    roots : sequence of str or None
        What is counted meanwhile to know how much there is; ``None`` where it is not known.
    options : ScanOptions
        How they are walked.
    shown_at_all : bool
        Whether anything is displayed.
    """

    def __init__(
        self, roots: Sequence[str] | None, options: ScanOptions, *, shown_at_all: bool
    ) -> None:
        self._bar = progress_bar(*_FACTS)
        self._bar.disable = self._bar.disable or not shown_at_all
        self._task = self._bar.add_task(
            "scanning", total=None, hits=0, failed=0, megabytes=0.0, pace=0.0
        )
        self._hits = self._failed = 0
        self._bytes = 0
        self._left = threading.Event()
        self._counting = threading.Thread(target=self._count, args=(roots or (), options))

    def __enter__(self) -> Self:
        self._bar.start()
        if not self._bar.disable:
            self._counting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        if self._counting.is_alive():
            self._counting.join()
        self._bar.stop()

    def tell(self, record: Mapping[str, Any]) -> None:
        """Show one more record."""
        if self._bar.disable:
            return
        self._hits += record["verdict"] == "match"
        self._failed += record["verdict"] not in ("match", "no_match")
        advance = 0
        if record["kind"] == FILE:
            self._bytes += record["size"] or 0
            advance = 1
        task = self._bar.tasks[0]
        megabytes = self._bytes / 1e6
        pace = megabytes / task.elapsed if task.elapsed else 0.0
        self._bar.update(
            self._task,
            advance=advance,
            hits=self._hits,
            failed=self._failed,
            megabytes=megabytes,
            pace=pace,
        )

    def _count(self, roots: Sequence[str], options: ScanOptions) -> None:
        """Count the files while they are scanned, which costs one more walk and no waiting."""
        total = 0
        for _ in walk(roots, follow_symlinks=options.follow_symlinks):
            if self._left.is_set():
                return
            total += 1
        if total:
            self._bar.update(self._task, total=total)
