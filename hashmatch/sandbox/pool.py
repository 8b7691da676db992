"""The pool: workers, one spare, and the rules by which they are replaced."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Self

from hashmatch.errors import SandboxError
from hashmatch.sandbox.lockdown import Allowance
from hashmatch.sandbox.process import Process
from hashmatch.sandbox.stream import Answer, Event, Retry, Stream, Task
from hashmatch.types import Reason

# a spare is started once there is work enough to make up for what starting it costs
SPARE_AFTER_JOBS, SPARE_AFTER_SECONDS = 64, 10.0


class Pool:
    """Locked-down worker processes that all run the same function.

    Safe to share between threads. Workers are started at once and in the background. After the
    first seconds of work one more is started and waits as a spare, so that a lost worker costs no
    start-up time.

    Parameters
    ----------
    function : str
        ``module:attribute``, called with a :class:`~hashmatch.sandbox.wire.Job` in the worker.
        It returns bytes, or yields parts and returns the last.
    prepare : str
        ``module:attribute``, called once in the worker before it is locked down: whatever would
        be imported or opened later must be imported or opened by then. May be empty.
    preparation : str
        What ``prepare`` is called with.
    workers : int or None
        How many jobs run at a time; by default one per processor.
    allowance : Allowance
        What each worker may use.
    jobs_per_worker : int
        After so many jobs a worker is replaced by a fresh one.

    Raises
    ------
    SandboxError
        If worker processes cannot be started here.
    """

    def __init__(
        self,
        function: str,
        prepare: str = "",
        preparation: str = "",
        *,
        workers: int | None = None,
        allowance: Allowance | None = None,
        jobs_per_worker: int = 5000,
    ) -> None:
        self._function = function
        self._prepare = (prepare, preparation)
        self._allowance = allowance or Allowance()
        self._jobs_per_worker = jobs_per_worker
        self.workers = workers or os.cpu_count() or 1
        self.started = 0
        self.lost: Counter[Reason] = Counter()
        self._lock = threading.Lock()
        self._idle: queue.LifoQueue[Process] = queue.LifoQueue()
        self._closed = False
        for _ in range(self.workers):
            self._idle.put(self._start())
        self._spare: Process | None = None
        self._protections: dict[str, str] | None = None
        self._jobs_without_spare = 0
        self._spare_from = time.monotonic() + SPARE_AFTER_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every worker that is not at work; one at work ends when its call is done."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        if self._spare is not None:
            self._spare.end()
        while True:
            try:
                self._idle.get_nowait().end()
            except queue.Empty:
                return

    def call(
        self, task: Task, *, answer: Answer | None = None, retry: Retry | None = None
    ) -> list[Event]:
        """Run one task on one worker, waiting for a free one, and return its events."""
        processes = [self._take()]
        try:
            return list(Stream(self, processes, [task], answer, retry))
        finally:
            self._give_back(processes)

    def stream(
        self, tasks: Iterable[Task], *, answer: Answer | None = None, retry: Retry | None = None
    ) -> Iterator[Event]:
        """Run tasks on all workers and yield their events in the order of the tasks.

        Everything happens in the thread that iterates; calls of other threads wait meanwhile.

        Parameters
        ----------
        tasks : iterable of Task
            Taken a few dozen ahead of the event being yielded.
        answer : callable or None
            Called with a task and what its job asks; returns the answer.
        retry : callable or None
            Called with a task whose worker was lost, the number of parts it had given, the
            reason and a message; returns a task to run in its place, or ``None``.

        Raises
        ------
        SandboxError
            If workers cannot be started any more.
        """
        processes = [self._take() for _ in range(self.workers)]
        try:
            yield from Stream(self, processes, tasks, answer, retry)
        finally:
            self._give_back(processes)

    def protections(self) -> dict[str, str]:
        """Return for each protection of the workers an empty string, or why it lacks here."""
        return self._protections if self._protections is not None else self.warm()

    @property
    def missing_protections(self) -> dict[str, str]:
        """Which protections the workers said they lack, and why; empty before the first spoke."""
        return {name: why for name, why in (self._protections or {}).items() if why}

    def warm(self) -> dict[str, str]:
        """Wait until a spare is ready, and return what :meth:`protections` does."""
        with self._lock:
            self._spare = self._spare or self._start()
            self._protections = self._spare.wait_ready()
            return self._protections

    def note_ready(self, protections: dict[str, str]) -> None:
        """Take note of what a worker said of itself."""
        self._protections = protections

    def replacement(self) -> Process:
        """Return the spare, and start another."""
        with self._lock:
            ready, self._spare = self._spare or self._start(), self._start()
            return ready

    def count_job(self) -> None:
        """Count a finished job; the spare is started once some are done, not to delay them."""
        if self._spare is None:
            self._jobs_without_spare += 1
            due = self._jobs_without_spare >= SPARE_AFTER_JOBS
            if due and time.monotonic() >= self._spare_from:
                with self._lock:
                    self._spare = self._spare or self._start()

    def worn_out(self, process: Process) -> bool:
        """Say whether a worker has done its share."""
        return (
            process.sent >= self._jobs_per_worker
            or process.cpu_seconds > self._allowance.cpu_seconds / 2
        )

    def _start(self) -> Process:
        self.started += 1
        return Process(self._function, *self._prepare, self._allowance)

    def _take(self) -> Process:
        if self._closed:
            raise SandboxError("the pool of workers is closed")
        return self._idle.get()

    def _give_back(self, processes: Iterable[Process]) -> None:
        for process in processes:
            self._idle.put(process)
        if self._closed:
            with contextlib.suppress(queue.Empty):
                while True:
                    self._idle.get_nowait().end()
