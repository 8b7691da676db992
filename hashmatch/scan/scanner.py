"""A batch scan: every input answered, written down and counted."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hashmatch import hash_types
from hashmatch.errors import OutputError
from hashmatch.matching import Matcher
from hashmatch.matching.examine import Examination
from hashmatch.matching.isolated import allowance_for, outcome, timeout_for
from hashmatch.matching.ordered import ordered_map
from hashmatch.matching.source import changed, note_change
from hashmatch.matching.wire import WireFormatError, from_wire, to_wire
from hashmatch.sandbox import Event, EventKind, Pool, Task
from hashmatch.scan import custody
from hashmatch.scan.examiner import Examiner, Order, split
from hashmatch.scan.finish import Outputs, finish
from hashmatch.scan.folder import SCHEMA, RunFolder
from hashmatch.scan.hash_manifest import check
from hashmatch.scan.inputs import Inputs, Item, again, items
from hashmatch.scan.journal import Entry, Journal, JournalIndex
from hashmatch.scan.options import ScanOptions
from hashmatch.scan.record import FILE
from hashmatch.scan.report import Summary
from hashmatch.types import HashValue, Reason
from hashmatch.version import ENGINE

# what a report states of every file, whatever the lists hold
REPORTED_TYPES = ("md5", "sha1", "sha256", "pdq")
# an archive over which so many workers were lost is given up
_MOST_LOSSES = 100

OnRecord = Callable[[dict[str, Any]], None]


def scan(
    matcher: Matcher,
    roots: Sequence[str],
    output: Path,
    options: ScanOptions | None = None,
    *,
    hash_manifests: Sequence[str] = (),
    hash_type: str | None = None,
    on_record: OnRecord | None = None,
) -> Summary:
    """Scan files and folders, and write a run's folder.

    Parameters
    ----------
    matcher : Matcher
        What to ask; open it with ``also_compute=REPORTED_TYPES`` for full reports.
    roots : sequence of str
        Files and folders to scan. They are only read.
    output : Path
        The folder of the run; it must be empty or new, and outside the roots.
    options : ScanOptions or None
        How.
    hash_manifests : sequence of str
        Tables or lists of hashes without files, answered after the roots.
    hash_type : str or None
        The type of bare values in them, where their length does not tell.
    on_record : callable or None
        Called with each record once it is written.

    Returns
    -------
    Summary

    Raises
    ------
    ListFormatError, UnknownHashTypeError
        If a hash manifest cannot be read, or the type of its values cannot be told; nothing is
        written then.
    OutputError
        If the run cannot be written. What was written until then stays, can be resumed, and
        ``summary.json``, where it can still be written, says the scan is not complete.
    SandboxError
        If worker processes are asked for and cannot be started.
    """
    options = options or ScanOptions()
    for manifest in hash_manifests:
        check(Path(manifest), hash_type)
    folder = RunFolder(output)
    folder.make(roots)
    inputs = Inputs(tuple(roots), tuple(hash_manifests), hash_type)
    settings = {
        "schema": SCHEMA,
        "engine": ENGINE,
        "started": custody.now(),
        "roots": list(inputs.roots),
        "hash_manifests": list(inputs.hash_manifests),
        "hash_type": hash_type,
        "plan": matcher.plan().to_json(),
        "options": options.to_json(),
    }
    folder.write_json(folder.settings, settings)
    custody.append(
        folder.log,
        "started",
        {
            "engine": ENGINE,
            "snapshot": matcher.snapshot.id,
            "settings_sha256": custody.file_hash(folder.settings),
        },
    )
    return _Run(matcher, folder, inputs, options, settings, on_record).go(None)


def resume(
    matcher: Matcher,
    output: Path,
    options: ScanOptions | None = None,
    *,
    on_record: OnRecord | None = None,
) -> Summary:
    """Go on with a run that was interrupted, or bring a finished one up to date.

    The same inputs are gone through again. A file that is still what was read before (size,
    modification time, inode; with ``verify_content`` also its bytes) is not read again.
    Everything is searched for in the matcher's snapshot, so the results are of one snapshot.

    Parameters
    ----------
    matcher : Matcher
        Opened with the profile of the run (``settings_of(output)``).
    output : Path
        The folder of the run.
    options : ScanOptions or None
        Only ``isolation``, ``workers``, ``timeout`` and ``verify_content`` are taken from it.
    on_record : callable or None
        Called with each record once it is written.

    Raises
    ------
    OutputError
        If the folder holds no run, or one that cannot be gone on with.
    """
    folder = RunFolder(output)
    settings = settings_of(output)
    if settings["plan"] != matcher.plan().to_json():
        raise OutputError(
            f"the run in {output} did not compute what the lists or options ask for now; start a "
            "new scan"
        )
    options = (options or ScanOptions()).as_kept(settings["options"])
    inputs = Inputs(settings["roots"], settings["hash_manifests"], settings["hash_type"])
    for stale in (folder.manifest, folder.summary):
        stale.unlink(missing_ok=True)
    repaired = custody.repair(folder.log)
    earlier = JournalIndex(folder.journal) if folder.journal.exists() else None
    custody.append(
        folder.log,
        "resumed",
        {
            "engine": ENGINE,
            "snapshot": matcher.snapshot.id,
            "files_known": len(earlier) if earlier else 0,
            "log_repaired": repaired,
        },
    )
    try:
        return _Run(matcher, folder, inputs, options, settings, on_record).go(earlier)
    finally:
        if earlier is not None:
            earlier.close()


def settings_of(output: Path) -> dict[str, Any]:
    """Return what a run was asked for.

    Raises
    ------
    OutputError
        If the folder holds no run of this version's shape.
    """
    folder = RunFolder(output)
    settings = folder.read_json(folder.settings)
    if settings.get("schema") != SCHEMA:
        raise OutputError(f"{folder.settings} is of another version of hashmatch")
    return settings


class _Run:
    """One pass over the inputs of a run."""

    def __init__(
        self,
        matcher: Matcher,
        folder: RunFolder,
        inputs: Inputs,
        options: ScanOptions,
        settings: dict[str, Any],
        on_record: OnRecord | None,
    ) -> None:
        self._matcher = matcher
        self._folder = folder
        self._inputs = inputs
        self._options = options
        self._settings = settings
        self._on_record = on_record
        self._earlier: JournalIndex | None = None
        self._order = Order(
            matcher.plan(),
            options.archives,
            options.thumbnails,
            options.skip_known_good and matcher.holds_known_good,
        )
        self._workers: dict[str, Any] = {"isolation": options.isolation, "files_read": 0}

    def go(self, earlier: JournalIndex | None) -> Summary:
        self._earlier = earlier
        complete = False
        outputs = Outputs(self._folder)
        try:
            journal = Journal(self._folder.journal, earlier.sound_bytes if earlier else None)
            # only a resumed journal can hold what is stale or out of order
            ordered = self._fresh_journal() if earlier else None
            with outputs, contextlib.closing(journal):
                for entry, found, new in self._entries():
                    if new:
                        journal.append(entry)
                    if ordered is not None:
                        ordered.append(entry)
                    record = outputs.add(self._matcher, entry, found)
                    if self._on_record is not None:
                        self._on_record(record)
            if ordered is not None:
                ordered.close()
                ordered.path.replace(self._folder.journal)
            complete = True
        except OSError as error:
            raise OutputError(
                f"cannot write the run in {self._folder.path}: {error.strerror}; free some space "
                "and go on with --resume"
            ) from error
        finally:
            if not complete:
                with contextlib.suppress(OutputError):  # what stopped the scan is told instead
                    self._finish(outputs, complete=False)
        self._finish(outputs, complete=True)
        return outputs.summary

    def _finish(self, outputs: Outputs, *, complete: bool) -> None:
        finish(
            self._folder, self._matcher, self._settings, outputs.summary, self._workers,
            complete=complete,
        )  # fmt: skip

    def _fresh_journal(self) -> Journal:
        aside = self._folder.journal.with_name("journal.new")
        return Journal(aside, 0)

    def _entries(self) -> Iterator[tuple[Entry, Examination, bool]]:
        """Give the entries of every input in order, and whether each is new to the journal."""
        opened: set[int] = set()
        try:
            for event in self._events(self._tasks(opened)):
                item: Item = event.task.tag
                if item.ready:
                    for entry in item.ready:
                        yield entry, from_wire(entry.found), not item.journaled
                    continue
                yield (*_entry_of(item, event), True)
                if event.kind is not EventKind.PART and event.task.descriptor is not None:
                    opened.discard(event.task.descriptor)
                    os.close(event.task.descriptor)
        finally:
            for descriptor in opened:  # the scan ended early
                os.close(descriptor)

    def _tasks(self, opened: set[int]) -> Iterator[Task]:
        request = self._order.request()
        knows = set(self._matcher.snapshot.hash_types)
        most = self._order.plan.limits.max_bytes
        for item, descriptor in items(self._inputs, self._options, self._earlier, knows):
            if item.journaled and self._outdated(item):
                item, descriptor = again(item)
            size = 0
            if descriptor is not None:
                opened.add(descriptor)
                self._workers["files_read"] += 1
                size = item.identity.size if item.identity else 0
            timeout = timeout_for(min(size, most), self._options.timeout)
            yield Task(descriptor, request, timeout, item, size)

    def _outdated(self, item: Item) -> bool:
        """Say whether something was left undecoded as known good and is that no more."""
        for entry in item.ready:
            found = from_wire(entry.found)
            if found.known_good and not self._matcher.known_good(found.hashes):
                return True
        return False

    def _events(self, tasks: Iterator[Task]) -> Iterator[Event]:
        if self._options.isolation == "inline":
            threads = self._options.workers or os.cpu_count() or 1
            for events in ordered_map(self._inline, tasks, threads):
                yield from events
            return
        with Pool(
            "hashmatch.scan.examiner:examine_in_worker",
            "hashmatch.scan.examiner:prepare",
            ",".join(self._order.plan.perceptual),
            workers=self._options.workers,
            allowance=allowance_for(self._order.plan.limits),
        ) as pool:
            try:
                answer = self._answer if self._order.ask_known_good else None
                yield from pool.stream(tasks, answer=answer, retry=self._retry)
            finally:
                self._workers |= {
                    "count": pool.workers,
                    "started": pool.started,
                    "lost": {reason.value: count for reason, count in pool.lost.items()},
                    "missing_protections": pool.missing_protections,
                }

    def _inline(self, task: Task) -> list[Event]:
        """Examine a task in this process."""
        events: list[Event] = []
        if task.descriptor is None:
            return [Event(task, EventKind.DONE)]
        asked = self._matcher.known_good if self._order.ask_known_good else None
        parts = Examiner(self._order, asked).run(task.descriptor)
        while True:
            try:
                body = next(parts)
            except StopIteration as end:
                return [*events, Event(task, EventKind.DONE, end.value)]
            except MemoryError:
                return [*events, Event(task, EventKind.FAILED, b"MemoryError")]
            if body:
                events.append(Event(task, EventKind.PART, body))

    def _answer(self, _: Task, body: bytes) -> bytes:
        """Answer a worker that asks whether what it hashed is known to be good."""
        try:
            hashes = {
                name: HashValue(name, hash_types.get(name).parse(text))
                for name, text in json.loads(body).items()
            }
            return b"yes" if self._matcher.known_good(hashes) else b"no"
        except (ValueError, AttributeError, TypeError, RecursionError):  # not a sound worker
            return b"no"

    def _retry(self, task: Task, parts: int, reason: Reason, message: str) -> Task | None:
        """Go on after what stopped a worker; that one is hashed without decoding."""
        item: Item = task.tag
        if item.lost_at == parts or item.losses >= _MOST_LOSSES:
            return None
        item.lost_at = parts
        item.losses += 1
        return replace(task, request=self._order.request(parts, (reason, message)))


def _entry_of(item: Item, event: Event) -> tuple[Entry, Examination]:
    """Turn an event into a journal's entry, believing nothing a worker says about itself."""
    name, kind = "", FILE
    found = None
    if event.kind in (EventKind.PART, EventKind.DONE):
        try:
            name, kind, wire = split(event.body)
        except ValueError:
            wire = b""
        try:
            found = from_wire(wire)
        except WireFormatError as error:
            found = Examination(reason=Reason.DECODER_CRASHED, message=str(error))
            wire = to_wire(found)
    else:
        found = outcome(event)
        wire = to_wire(found)
    if event.kind is EventKind.PART:
        return Entry(
            item.path, name if name.startswith("!") else f"!{name}", wire, None, kind
        ), found
    descriptor = event.task.descriptor
    before = item.status
    if descriptor is not None and before is not None and changed(before, os.fstat(descriptor)):
        note_change(found)
        wire = to_wire(found)
    return Entry(item.path, "", wire, item.identity), found
