"""A bounded pool of threads: so many calls run, so many wait, the rest are told at once."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TypeVar

from hashmatch.errors import DeadlineError, OverloadError

Result = TypeVar("Result")


class Admission:
    """Runs calls on threads under a deadline, and refuses what it could not run in time.

    A call that outlives its deadline goes on holding its place until it ends, so that calls that
    hang cannot pile up: when all places are held, further calls are refused at once.

    Parameters
    ----------
    running : int
        How many calls run at a time; by default one per processor.
    waiting : int
        How many more may wait; by default four per running call.
    """

    def __init__(self, running: int | None = None, waiting: int | None = None) -> None:
        self.running = running or os.cpu_count() or 1
        self.waiting = 4 * self.running if waiting is None else waiting
        self._lock = threading.Lock()
        self._admitted = 0
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    @property
    def admitted(self) -> int:
        """How many calls run or wait at this moment."""
        return self._admitted

    def run(self, call: Callable[[], Result], deadline: float) -> Result:
        """Run a call on a thread of the pool and wait for it.

        Parameters
        ----------
        call : callable
        deadline : float
            Seconds within which the call must have ended, its waiting included.

        Raises
        ------
        OverloadError
            If as many calls as may already wait; nothing was run.
        DeadlineError
            If the deadline passed first.
        """
        future = self._submit(call, time.monotonic() + deadline)
        try:
            return future.result(deadline)
        except (FutureTimeout, CancelledError) as error:
            future.cancel()
            raise DeadlineError(deadline) from error

    async def arun(self, call: Callable[[], Result], deadline: float) -> Result:
        """Run a call as :meth:`run` does, without blocking the event loop."""
        future = self._submit(call, time.monotonic() + deadline)
        waiter = asyncio.wrap_future(future)
        done, _ = await asyncio.wait((waiter,), timeout=deadline)
        if not done:
            waiter.cancel()  # takes it out of the queue, if it still waits there
            raise DeadlineError(deadline)
        return waiter.result()

    def close(self) -> None:
        """Start nothing more. Calls under way end on their own."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, call: Callable[[], Result], until: float) -> Future[Result]:
        def in_time() -> Result:
            if time.monotonic() > until:  # its caller has gone: do not do what nobody waits for
                raise DeadlineError(0.0)
            return call()

        with self._lock:
            if self._process != os.getpid():  # threads do not survive a fork, their count would
                self._process, self._admitted, self._pool = os.getpid(), 0, None
            if self._admitted >= self.running + self.waiting:
                raise OverloadError("too many calls are waiting already; try again later")
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.running, thread_name_prefix="hashmatch")
            future = self._pool.submit(in_time)
            self._admitted += 1
        future.add_done_callback(self._released)
        return future

    def _released(self, _: Future[Result]) -> None:
        with self._lock:
            self._admitted -= 1
