"""Jobs streamed through workers: several under way, answers in the order of the jobs."""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from hashmatch.errors import SandboxError
from hashmatch.sandbox.process import Process
from hashmatch.sandbox.wire import EventKind, Kind
from hashmatch.sandbox.worker import CPU
from hashmatch.types import Reason

if TYPE_CHECKING:
    from hashmatch.sandbox.pool import Pool

# jobs a worker may have in hand, the one it is at among them, so that it never waits for the
# pool's side; behind the next one they may weigh so much together, so that no job waits long for a
# slow one while another worker has nothing to do
MOST_IN_HAND, HEAVIEST_BEHIND = 8, 256 << 10
# events told before the workers are listened to again, for the same reason
MOST_TOLD = 8
# while every worker has enough in hand, so many seconds of answers are let gather: handled
# together they cost half of what they do one by one, in a process that wakes up for each
SHORTEST_NAP, LONGEST_NAP = 0.001, 0.01
# jobs taken from the caller for each worker, so that one slow job does not idle the others
WINDOW = 24
# events kept for a job that is not the next to be told; its worker then waits
MOST_HELD = 2000


@dataclass(slots=True)
class Task:
    """A job for the workers.

    Parameters
    ----------
    descriptor : int or None
        Opened for reading; the caller closes it after the last event of the task. ``None`` if
        there is nothing to do: the task then only keeps its place in the order.
    request : bytes
        What the function is asked.
    timeout : float
        Seconds a worker may be silent while it is at this task.
    tag : object
        Whatever the caller wants to find in the events.
    weight : int
        How much work it is, in bytes to be read; heavy tasks are handed out late.
    """

    descriptor: int | None
    request: bytes = b""
    timeout: float = 10.0
    tag: Any = None
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that became of a task; see :class:`EventKind`."""

    task: Task
    kind: EventKind
    body: bytes = b""
    reason: Reason | None = None
    message: str = ""


Answer = Callable[[Task, bytes], bytes]
Retry = Callable[[Task, int, Reason, str], Task | None]
"""Called with a task whose worker was lost, how many parts it gave, and why it was lost."""


@dataclass(slots=True)
class _Slot:
    """A task's place in the order, and what is known of it so far."""

    task: Task
    events: deque[Event] = field(default_factory=deque)
    parts: int = 0
    finished: bool = False


@dataclass(slots=True)
class _Seat:
    """A worker and the slots it has been given, the one it works on first."""

    process: Process
    slots: deque[tuple[int, _Slot]] = field(default_factory=deque)
    deadline: float = 0.0
    paused: bool = False

    def full(self) -> bool:
        """Say whether the worker has enough in hand."""
        if len(self.slots) < 2:
            return False
        behind = sum(slot.task.weight for _, slot in islice(self.slots, 1, None))
        return len(self.slots) >= MOST_IN_HAND or behind >= HEAVIEST_BEHIND

    def restart_clock(self) -> None:
        if self.slots:
            self.deadline = time.monotonic() + self.slots[0][1].task.timeout


class Stream:
    """Runs tasks on some workers of a pool; iterate over it once.

    Parameters
    ----------
    pool : Pool
        Replaces workers that are lost or worn out.
    processes : list of Process
        The workers to use. When the stream ends the list holds those in their places.
    tasks : iterable of Task
        Taken as there is room.
    answer : callable or None
        Answers what a job asks.
    retry : callable or None
        Gives a task to run in the place of one whose worker was lost, or ``None``.
    """

    def __init__(
        self,
        pool: Pool,
        processes: list[Process],
        tasks: Iterable[Task],
        answer: Answer | None = None,
        retry: Retry | None = None,
    ) -> None:
        self._pool = pool
        self._processes = processes
        self._tasks = iter(tasks)
        self._answer = answer
        self._retry = retry
        self._exhausted = False
        self._number = 0
        self._seconds_a_job = 0.0
        self._slots: deque[_Slot] = deque()
        self._waiting: deque[_Slot] = deque()
        self._selector = selectors.DefaultSelector()
        self._seats: list[_Seat] = []

    def __iter__(self) -> Iterator[Event]:
        self._seats = [self._seat(process) for process in self._processes]
        sound = False
        try:
            while True:
                self._fill()
                self._dispatch()
                told = False
                for event in islice(self._tell(), MOST_TOLD):
                    told = True
                    yield event
                if not self._slots and self._exhausted:
                    sound = True
                    return
                if not told:
                    self._let_gather()
                self._wait(0 if told else None)
        finally:
            self._selector.close()
            if not sound:  # the reader left early: a worker in the middle of a job is no use
                for seat in self._seats:
                    if seat.slots:
                        seat.process.end()
                        seat.process = self._pool.replacement()
            self._processes[:] = [seat.process for seat in self._seats]

    def _seat(self, process: Process) -> _Seat:
        seat = _Seat(process)
        self._selector.register(process, selectors.EVENT_READ, seat)
        return seat

    def _fill(self) -> None:
        while not self._exhausted and len(self._slots) < WINDOW * len(self._seats):
            task = next(self._tasks, None)
            if task is None:
                self._exhausted = True
                return
            slot = _Slot(task)
            self._slots.append(slot)
            if task.descriptor is None:
                slot.events.append(Event(task, EventKind.DONE))
                slot.finished = True
            else:
                self._waiting.append(slot)
                self._dispatch()

    def _dispatch(self) -> None:
        while self._waiting:
            seat = min(self._seats, key=lambda seat: len(seat.slots))
            if seat.full():
                return
            if not seat.slots and seat.process.protections and seat.process.gone():
                self._lose(seat)  # while idle: no task is to blame
            elif self._pool.worn_out(seat.process):
                if seat.slots:
                    return  # it is replaced when it has done what it was given
                self._replace(seat)
            slot = self._waiting.popleft()
            self._number = self._number + 1 & 0xFFFFFFFF
            descriptor = slot.task.descriptor
            assert descriptor is not None, "a task with nothing to do is never sent"
            seat.slots.append((self._number, slot))
            if len(seat.slots) == 1:
                seat.restart_clock()
            seat.process.send_job(self._number, descriptor, slot.task.request)

    def _tell(self) -> Iterator[Event]:
        while self._slots:
            slot = self._slots[0]
            while slot.events:
                yield slot.events.popleft()
            if not slot.finished:
                return
            self._slots.popleft()

    def _wait(self, most: float | None) -> None:
        """Wait for a worker to say something or to run out of time."""
        for seat in self._seats:
            self._pause(seat)
        now = time.monotonic()
        ends = [self._end_of(seat) for seat in self._seats if seat.slots and not seat.paused]
        if not ends and most is None:
            return
        left = max(0.0, min(ends, default=now) - now)
        for key, _ in self._selector.select(left if most is None else most):
            self._hear(key.data)
        now = time.monotonic()
        for seat in self._seats:
            if seat.slots and not seat.paused and self._end_of(seat) <= now:
                if seat.process.protections is None:
                    raise SandboxError(f"a worker did not start: {seat.process.end()[1]}")
                self._lose(seat, Reason.TIMEOUT)

    def _let_gather(self) -> None:
        """Sleep for as long as every worker surely has something to do."""
        if self._answer is not None:  # a worker may be waiting for it
            return
        spare_jobs = min(len(seat.slots) for seat in self._seats) - 2
        nap = min(LONGEST_NAP, self._seconds_a_job * spare_jobs)
        if nap >= SHORTEST_NAP:
            time.sleep(nap)

    def _end_of(self, seat: _Seat) -> float:
        if seat.process.protections is None:
            return seat.process.boot_deadline
        return seat.deadline

    def _pause(self, seat: _Seat) -> None:
        """Let a worker wait that is far ahead of its reader."""
        held = len(seat.slots[0][1].events) if seat.slots else 0
        ahead = held >= MOST_HELD and seat.slots[0][1] is not self._slots[0]
        if ahead and not seat.paused:
            self._selector.unregister(seat.process)
            seat.paused = True
        elif seat.paused and not ahead:
            self._selector.register(seat.process, selectors.EVENT_READ, seat)
            seat.paused = False
            seat.restart_clock()

    def _hear(self, seat: _Seat) -> None:
        booting = seat.process.protections is None
        messages = seat.process.receive()
        if messages is None:
            if booting and seat.process.protections is None:
                raise SandboxError(f"a worker did not start: {seat.process.end()[1]}")
            self._lose(seat)
            return
        if booting and seat.process.protections is not None:
            self._pool.note_ready(seat.process.protections)
            seat.restart_clock()
        for kind, number, body in messages:
            if not seat.slots or number != seat.slots[0][0] or not self._take(seat, kind, body):
                self._lose(seat)
                return

    def _take(self, seat: _Seat, kind: Kind, body: bytes) -> bool:
        """Take a message about the slot a worker is at; false if no sound worker sends it."""
        number, slot = seat.slots[0]
        if kind is Kind.ASK and self._answer is not None:
            seat.process.send_answer(number, self._answer(slot.task, body))
        elif kind is Kind.PART and not body:
            pass  # a sign of life
        elif kind is Kind.PART:
            slot.parts += 1
            slot.events.append(Event(slot.task, EventKind.PART, body))
        elif kind is Kind.DONE and len(body) >= CPU.size:
            (spent,) = CPU.unpack_from(body)
            if seat.process.cpu_seconds:  # the first one has its start in it
                self._seconds_a_job += (spent - seat.process.cpu_seconds - self._seconds_a_job) / 8
            seat.process.cpu_seconds = spent
            self._finish(seat, Event(slot.task, EventKind.DONE, body[CPU.size :]))
        elif kind is Kind.FAILED:
            self._finish(seat, Event(slot.task, EventKind.FAILED, body))
        else:
            return False
        seat.restart_clock()
        return True

    def _finish(self, seat: _Seat, event: Event) -> None:
        _, slot = seat.slots.popleft()
        slot.events.append(event)
        slot.finished = True
        self._pool.count_job()
        if seat.slots or not self._waiting:
            return
        self._dispatch()

    def _lose(self, seat: _Seat, reason: Reason | None = None) -> None:
        """Replace a worker; only the task it was at has a loss, the others run elsewhere."""
        found, message = seat.process.end()
        if reason is Reason.TIMEOUT:
            message = "no answer from the decoder in time"
        reason = reason or found
        self._pool.lost[reason] += 1
        slots = [slot for _, slot in seat.slots]
        seat.slots.clear()
        self._replace(seat, ended=True)
        self._waiting.extendleft(reversed(slots[1:]))
        if not slots:
            return
        slot = slots[0]
        again = self._retry(slot.task, slot.parts, reason, message) if self._retry else None
        if again is not None:
            slot.task = again
            self._waiting.appendleft(slot)
        else:
            slot.events.append(Event(slot.task, EventKind.LOST, b"", reason, message))
            slot.finished = True

    def _replace(self, seat: _Seat, *, ended: bool = False) -> None:
        if not seat.paused:
            # by key: the channel of an ended process has no number any more
            for key in list(self._selector.get_map().values()):
                if key.data is seat:
                    self._selector.unregister(key.fileobj)
        if not ended:
            seat.process.end()
        seat.process = self._pool.replacement()
        seat.paused = False
        self._selector.register(seat.process, selectors.EVENT_READ, seat)
