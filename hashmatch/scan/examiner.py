"""One file of evidence and everything inside it, examined where it is read.

Runs in a locked-down worker (:func:`examine_in_worker`) or, inline, in this process. A file gives
the examinations of what is inside it first, each with its name, and its own last.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any

from hashmatch.matching import in_worker
from hashmatch.matching.examine import Examination, KnownGood, examine
from hashmatch.matching.plan import Plan
from hashmatch.matching.source import CHUNK, PieceHasher, read_all
from hashmatch.matching.wire import to_wire
from hashmatch.media.thumbnail import exif_thumbnail
from hashmatch.sandbox.wire import Job
from hashmatch.scan import archives
from hashmatch.scan.archives import (
    ArchiveError,
    ArchiveLimits,
    Budget,
    DescriptorFile,
    Member,
    Readable,
)
from hashmatch.scan.record import FILE, MEMBER, THUMBNAIL
from hashmatch.types import Reason

THUMBNAIL_NAME = "!exif-thumbnail"
_LONGEST_NAME = 2000
_LONGEST_NAMES = 64 << 10  # of archives inside archives
_KINDS = (FILE, MEMBER, THUMBNAIL)

Undecoded = tuple[Reason, str]
Parts = Generator[bytes, None, bytes]


@dataclass(frozen=True, slots=True)
class Order:
    """How a file of evidence is examined.

    Parameters
    ----------
    plan : Plan
        What is computed of each picture and file.
    archives : ArchiveLimits or None
        How far archives are gone into; ``None`` for not at all.
    thumbnails : bool
        Whether embedded thumbnails are inputs of their own.
    ask_known_good : bool
        Whether to ask, once the bytes are hashed, if they need to be decoded.
    """

    plan: Plan
    archives: ArchiveLimits | None
    thumbnails: bool
    ask_known_good: bool

    def to_json(self) -> dict[str, Any]:
        """Return the order as JSON values."""
        return {
            "plan": self.plan.to_json(),
            "archives": self.archives.to_json() if self.archives else None,
            "thumbnails": self.thumbnails,
            "ask_known_good": self.ask_known_good,
        }

    def request(self, start: int = 0, undecoded: Undecoded | None = None) -> bytes:
        """Return what a worker is asked.

        Parameters
        ----------
        start : int
            How many examinations an earlier attempt gave already.
        undecoded : (Reason, str) or None
            Why the next one is not to be decoded: it stopped the earlier attempt.
        """
        shape = {"order": self.to_json(), "start": start, "undecoded": undecoded}
        return json.dumps(shape, separators=(",", ":")).encode()


@lru_cache(maxsize=64)
def _parse(body: bytes) -> tuple[Order, int, Undecoded | None]:
    shape = json.loads(body)
    order, undecoded = shape["order"], shape["undecoded"]
    limits = order["archives"]
    return (
        Order(
            Plan.from_json(order["plan"]),
            None if limits is None else ArchiveLimits(**limits),
            order["thumbnails"],
            order["ask_known_good"],
        ),
        shape["start"],
        None if undecoded is None else (Reason(undecoded[0]), undecoded[1]),
    )


def prepare(perceptual: str) -> None:
    """Load everything while files can still be opened; see :func:`in_worker.prepare`."""
    in_worker.prepare(perceptual)
    archives.prepare()


def examine_in_worker(job: Job) -> Parts:
    """Examine the job's descriptor as its request says; runs inside a locked-down worker."""
    order, start, undecoded = _parse(job.request)

    def known_good(hashes: Any) -> bool:
        shape = {name: value.hex for name, value in hashes.items()}
        return job.ask(json.dumps(shape).encode()) == b"yes"

    asked = known_good if order.ask_known_good else None
    return Examiner(order, asked, start, undecoded).run(job.descriptor)


def split(part: bytes) -> tuple[str, str, bytes]:
    """Return the name, the kind and the examination of a part.

    Raises
    ------
    ValueError
        If it is no part.
    """
    head, _, found = part.partition(b"\n")
    shape = json.loads(head)
    if not isinstance(shape, list) or len(shape) != 2:
        raise ValueError("a part without a name")
    name, kind = shape
    if not isinstance(name, str) or len(name) > _LONGEST_NAMES or kind not in _KINDS:
        raise ValueError("a part without a name")
    return name, kind, found


class Examiner:
    """Examines one file.

    Parameters
    ----------
    order : Order
        How.
    known_good : callable or None
        Asked before anything is decoded.
    start, undecoded
        See :meth:`Order.request`.
    """

    def __init__(
        self,
        order: Order,
        known_good: KnownGood | None = None,
        start: int = 0,
        undecoded: Undecoded | None = None,
    ) -> None:
        self._order = order
        self._plan = order.plan
        self._known_good = known_good
        self._start = start
        self._undecoded = undecoded
        self._number = 0

    def run(self, descriptor: int) -> Parts:
        """Examine the regular file behind a descriptor: yield parts, return the last."""
        try:
            size = os.lseek(descriptor, 0, os.SEEK_END)
            os.lseek(descriptor, 0, os.SEEK_SET)
            large = size > self._plan.limits.max_bytes
            data = memoryview(b"") if large else read_all(descriptor, size)
            head = os.pread(descriptor, archives.HEAD, 0) if large else data
            tail = b"" if large else data
        except OSError as error:
            return _part("", FILE, _unreadable(error))
        kind = archives.sniff(head, tail) if self._order.archives else None
        problem = None
        if kind is not None:
            source = io.BufferedReader(DescriptorFile(descriptor, size), 1 << 16)
            problem = yield from self._inside(source, kind, "", 1, size, None)
        if not large:
            if kind is None:
                yield from self._thumbnail(data, "")
            return _part("", FILE, self._own(data, kind, problem, self._turn()[1]))
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            found = yield from self._pieces(lambda: os.read(descriptor, CHUNK))
        except OSError as error:
            return _part("", FILE, _unreadable(error))
        _settle(found, kind, problem)
        return _part("", FILE, found)

    def _inside(
        self, source: IO[bytes], kind: str, name: str, depth: int, size: int, budget: Budget | None
    ) -> Generator[bytes, None, tuple[ArchiveError | None, int]]:
        """Examine what is inside an archive; return what ended it early, and the members read."""
        assert self._order.archives is not None, "archives are gone into only when asked"
        count = 0
        try:
            if depth > self._order.archives.depth:
                raise ArchiveError(
                    Reason.ARCHIVE_LIMIT, f"lies {depth} archives deep; unpack the outer ones"
                )
            budget = budget or Budget(self._order.archives, size)
            for member in archives.members(source, kind, budget):
                yield from self._member(member, f"{name}!/{_clean(member.name)}", depth, budget)
                count += 1
        except ArchiveError as error:
            return error, count
        return None, count

    def _member(self, member: Member, name: str, depth: int, budget: Budget) -> Iterator[bytes]:
        if member.open is None:
            turn, _ = self._turn()
            if turn:
                yield _part(name, MEMBER, Examination(reason=member.reason, message=member.message))
            return
        limit = self._plan.limits.max_bytes
        content = yield from archives.read_member(member, limit, budget)
        if content.rest is not None:
            yield from self._large_member(name, content.data, content.rest, budget)
            return
        data = content.data
        kind = archives.sniff(data, data)
        problem = None
        if kind is not None:
            problem = yield from self._inside(
                io.BytesIO(data), kind, name, depth + 1, len(data), budget
            )
        else:
            yield from self._thumbnail(data, name)
        turn, undecoded = self._turn()
        if turn:
            found = self._own(memoryview(data), kind, problem, undecoded)
            if content.damaged and found.reason in (
                None,
                Reason.EMPTY,
                Reason.TRUNCATED,
                Reason.CORRUPT,
            ):
                found.reason = Reason.ARCHIVE_DAMAGED
                found.message = "its content in the archive is damaged"
            yield _part(name, MEMBER, found)

    def _large_member(
        self, name: str, data: bytes, rest: Readable, budget: Budget
    ) -> Iterator[bytes]:
        """Hash a member that is too large to hold."""
        turn, _ = self._turn()
        if not turn:
            return

        def piece() -> bytes:
            taken = rest.read1(CHUNK)
            budget.spend(len(taken))
            return taken

        try:
            found = yield from self._pieces(piece, data)
        except (ArchiveError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - a parser of hostile bytes, as in archives
            message = f"its content in the archive is damaged ({type(error).__name__})"
            found = Examination(reason=Reason.ARCHIVE_DAMAGED, message=message)
        yield _part(name, MEMBER, found)

    def _pieces(
        self, read: Callable[[], bytes], begun: bytes = b""
    ) -> Generator[bytes, None, Examination]:
        """Hash what is too large to hold, giving signs of life."""
        hasher = PieceHasher(self._plan)
        hasher.add(begun)
        passed = 0
        while piece := read():
            hasher.add(piece)
            passed += len(piece)
            if passed >= archives.STRIDE:
                passed = 0
                yield b""
        return hasher.finish()

    def _thumbnail(self, data: bytes | memoryview, name: str) -> Iterator[bytes]:
        thumbnail = exif_thumbnail(data) if self._order.thumbnails else None
        if thumbnail is None:
            return
        turn, undecoded = self._turn()
        if turn:
            found = examine(thumbnail, self._plan, known_good=self._known_good, undecoded=undecoded)
            yield _part(name + THUMBNAIL_NAME, THUMBNAIL, found)

    def _own(
        self,
        data: memoryview,
        kind: str | None,
        problem: tuple[ArchiveError | None, int] | None,
        undecoded: Undecoded | None,
    ) -> Examination:
        found = examine(data, self._plan, known_good=self._known_good, undecoded=undecoded)
        _settle(found, kind, problem)
        return found

    def _turn(self) -> tuple[bool, Undecoded | None]:
        """Say whether the next examination is still to be given, and whether undecoded."""
        number = self._number
        self._number += 1
        return number >= self._start, self._undecoded if number == self._start else None


def _settle(
    found: Examination, kind: str | None, problem: tuple[ArchiveError | None, int] | None
) -> None:
    """Let an archive's own answer be that its members were all gone through, or why not."""
    if kind is None or problem is None:
        return
    ended, count = problem
    if ended is not None:
        found.reason, found.message = ended.reason, str(ended)
        found.decoded = found.decoded or count > 0
    elif found.reason in (Reason.NOT_AN_IMAGE, Reason.TOO_MANY_BYTES):
        found.reason = found.message = None


def _unreadable(error: OSError) -> Examination:
    return Examination(reason=Reason.READ_FAILED, message=f"cannot be read: {error.strerror}")


def _clean(name: str) -> str:
    """Return a member's name as text that can be encoded, whatever the archive says."""
    try:
        name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        name = name.encode("utf-8", "backslashreplace").decode()
    return name[:_LONGEST_NAME]


def _part(name: str, kind: str, found: Examination) -> bytes:
    return json.dumps([name, kind]).encode() + b"\n" + to_wire(found)
