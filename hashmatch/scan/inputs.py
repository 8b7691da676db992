"""Everything a scan is asked to answer: files below roots, and rows of hash manifests."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hashmatch import media
from hashmatch.errors import MediaError
from hashmatch.matching.examine import Examination, Probe
from hashmatch.matching.source import refusal
from hashmatch.matching.wire import from_wire, to_wire
from hashmatch.scan.custody import file_hash
from hashmatch.scan.hash_manifest import Row, rows
from hashmatch.scan.journal import Entry, Identity, JournalIndex
from hashmatch.scan.options import ScanOptions
from hashmatch.scan.record import FILE, HASHES
from hashmatch.scan.walking import Found, walk
from hashmatch.types import Reason

# what a later attempt may find otherwise
_PASSING = (
    Reason.VANISHED,
    Reason.PERMISSION_DENIED,
    Reason.READ_FAILED,
    Reason.CHANGED,
    Reason.OUT_OF_MEMORY,
    Reason.INTERNAL,
)


@dataclass(slots=True)
class Item:
    """A file on its way through a scan.

    Parameters
    ----------
    path : str
        The file.
    identity : Identity or None
        Of the file as it was opened.
    status : os.stat_result or None
        The same, to tell whether it was written to meanwhile.
    ready : list of Entry
        Its group, where nothing needs to be examined.
    journaled : bool
        Whether the group is in the journal already.
    lost_at, losses : int
        At which part a worker was lost over it last, and how many were.
    """

    path: str
    identity: Identity | None = None
    status: os.stat_result | None = None
    ready: list[Entry] = field(default_factory=list)
    journaled: bool = False
    lost_at: int = -1
    losses: int = 0


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a scan is asked to answer.

    Parameters
    ----------
    roots : sequence of str
        Files and folders.
    hash_manifests : sequence of str
        Tables or lists of hashes without files.
    hash_type : str or None
        The type of bare values in them, where their length does not tell.
    """

    roots: Sequence[str]
    hash_manifests: Sequence[str] = ()
    hash_type: str | None = None


def items(
    inputs: Inputs, options: ScanOptions, earlier: JournalIndex | None, knows: set[str]
) -> Iterator[tuple[Item, int | None]]:
    """Give every input with an opened descriptor, or ``None`` where its group is ready.

    Parameters
    ----------
    inputs : Inputs
        What to go through.
    options : ScanOptions
        How.
    earlier : JournalIndex or None
        What an interrupted run found; files that are still the same are not read again.
    knows : set of str
        Hash types the lists can be searched by.
    """
    for found in walk(inputs.roots, follow_symlinks=options.follow_symlinks):
        yield _open(found, options, earlier)
    for manifest in inputs.hash_manifests:
        for row in rows(Path(manifest), inputs.hash_type):
            yield _ready(manifest + row.label, _of_row(row, knows), earlier, kind=HASHES), None


def again(item: Item) -> tuple[Item, int | None]:
    """Open a file to be read again although it is still the same."""
    return _open(Found(item.path), ScanOptions(), None)


def _open(
    found: Found, options: ScanOptions, earlier: JournalIndex | None
) -> tuple[Item, int | None]:
    if found.refused is not None:
        refused = Examination(reason=found.refused, message=found.message)
        return _ready(found.path, refused, earlier), None
    known = earlier.find(found.path) if earlier is not None else None
    if known and found.status is not None and _still(known, found.status, options, found.path):
        return Item(found.path, ready=known, journaled=True), None
    try:
        descriptor = media.open_file(found.path)
        status = os.fstat(descriptor)
    except MediaError as error:
        identity = Identity.of(found.status) if found.status is not None else None
        return _ready(found.path, refusal(error), earlier, identity), None
    if found.status is not None and not os.path.samestat(status, found.status):
        os.close(descriptor)
        replaced = Examination(
            reason=Reason.CHANGED,
            message="another file took its place while the scan ran; scan it again",
        )
        return _ready(found.path, replaced, earlier, Identity.of(status)), None
    if not status.st_size:
        os.close(descriptor)
        empty = Examination(reason=Reason.EMPTY, message="the input holds no bytes", size=0)
        return _ready(found.path, empty, earlier, Identity.of(status)), None
    return Item(found.path, Identity.of(status), status), descriptor


def _ready(
    path: str,
    found: Examination,
    earlier: JournalIndex | None,
    identity: Identity | None = None,
    kind: str = FILE,
) -> Item:
    entry = Entry(path, "", to_wire(found), identity, kind)
    known = earlier.find(path) if earlier is not None else None
    return Item(path, identity, ready=[entry], journaled=known == [entry])


def _still(known: list[Entry], status: os.stat_result, options: ScanOptions, path: str) -> bool:
    """Say whether a file is what was read before, as far as the options want to be sure."""
    last = known[-1]
    if last.identity != Identity.of(status):
        return False
    found = from_wire(last.found)
    if found.reason in _PASSING:
        return False
    if not options.verify_content or "sha256" not in found.hashes:
        return True
    try:
        return file_hash(Path(path)) == found.hashes["sha256"].hex
    except OSError:  # told when it is opened
        return False


def _of_row(row: Row, knows: set[str]) -> Examination:
    found = Examination(decoded=True)
    found.hashes = {value.hash_type: value for value in row.values}
    found.probes = [Probe(value) for value in row.values]
    if row.problem:
        found.reason, found.message = Reason.CORRUPT, row.problem
        found.decoded = bool(row.values)
    elif not found.hashes.keys() & knows:
        found.reason, found.decoded = Reason.NOT_SEARCHABLE, False
        found.message = "no list holds values of its hash types"
    return found
