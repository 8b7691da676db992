"""Examining in worker processes: the side that calls them."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence

from hashmatch import hashing, media
from hashmatch.errors import SandboxError
from hashmatch.matching.examine import Bytes, Examination, examine
from hashmatch.matching.in_worker import request
from hashmatch.matching.lending import Lender
from hashmatch.matching.plan import Plan
from hashmatch.matching.source import examine_descriptor
from hashmatch.matching.wire import WireFormatError, from_wire
from hashmatch.sandbox import Allowance, Event, EventKind, Pool, Task
from hashmatch.types import Reason

# a very large HEIF may take six seconds of a slow processor that others use, too
DEFAULT_TIMEOUT = 30.0
# a large file on a slow disk is read at this speed at least, in bytes a second
SLOWEST_READING = 8 << 20


def allowance_for(limits: media.Limits) -> Allowance:
    """Return what a worker may use to decode whatever the limits let through."""
    # transparent pictures take up to 11 bytes a pixel; the input lies beside them
    return Allowance(memory=(256 << 20) + 2 * limits.max_bytes + 12 * limits.max_pixels)


def timeout_for(size: int, timeout: float) -> float:
    """Return how long a worker may be silent about an input of this size, in seconds."""
    return timeout + size / SLOWEST_READING


def outcome(event: Event) -> Examination:
    """Return the examination an event stands for.

    A worker that sends nonsense, dies or runs out of time leaves an input without hashes but
    with a reason.
    """
    if event.kind in (EventKind.DONE, EventKind.PART):
        try:
            return from_wire(event.body)
        except WireFormatError as error:
            return Examination(reason=Reason.DECODER_CRASHED, message=str(error))
    if event.kind is EventKind.FAILED:
        if event.body == b"MemoryError":
            return Examination(
                reason=Reason.OUT_OF_MEMORY, message="not enough memory to check this input"
            )
        name = event.body.decode("ascii", "replace")[:80]
        return Examination(reason=Reason.INTERNAL, message=f"hashmatch failed with {name}")
    return Examination(reason=event.reason, message=event.message)


class Isolation:
    """Worker processes for one matcher.

    Workers cannot load anything once they are locked down. Those of the main pool are ready for
    what matching needs; for a plan that asks for other hash types a second, small pool is started
    when the first such plan comes, ready for every type there is.

    Parameters
    ----------
    plan : Plan
        What the main pool computes; another plan may ask for other limits only of a new
        isolation.
    workers : int or None
        How many inputs at a time; by default one per processor.
    timeout : float
        Seconds for one input, and as many more as reading it from a slow disk takes.
    before : Isolation or None
        What this one takes the place of: its memory is used on, and every hash type its main
        pool was ready for, so that inputs under way need not care which of the two they meet.

    Raises
    ------
    SandboxError
        If worker processes cannot be started here.
    """

    def __init__(
        self, plan: Plan, workers: int | None, timeout: float, before: Isolation | None = None
    ) -> None:
        self._workers = workers
        self._timeout = timeout
        self._process = os.getpid()
        earlier: tuple[str, ...] = before.perceptual if before else ()
        self.perceptual: tuple[str, ...] = tuple(dict.fromkeys([*earlier, *plan.perceptual]))
        self._allowance = allowance_for(plan.limits)
        self._starting = threading.Lock()
        self.pool = self._started(self.perceptual, workers)
        self._any_type: Pool | None = None
        self._lender: Lender = (
            before._lender if before else Lender(self.pool.workers, plan.limits.max_bytes)
        )

    @property
    def lost(self) -> int:
        """How many workers died or had to be stopped so far."""
        return sum(sum(pool.lost.values()) for pool in self._pools())

    def close(self) -> None:
        """End the workers and give their memory back."""
        for pool in self._pools():
            pool.close()
        self._lender.close()

    def ready_for(self, plan: Plan) -> Isolation:
        """Return workers that can compute a plan's hash types: these, or new ones."""
        if set(plan.perceptual) <= set(self.perceptual):
            return self
        return Isolation(plan, self._workers, self._timeout, self)

    def examine_bytes(self, data: Bytes, plan: Plan) -> Examination:
        """Examine media held in memory, which is lent to a worker through memory."""
        if not len(data):
            return examine(data, plan)
        if len(data) <= self._lender.size:
            with self._lender.lent(data) as descriptor:
                return self._examine(descriptor, len(data), plan, b"%d " % len(data))
        descriptor = os.memfd_create("input", os.MFD_CLOEXEC)  # too large to be decoded anyway
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            return self._examine(descriptor, len(data), plan, b" ")
        finally:
            os.close(descriptor)

    def examine_descriptor(self, descriptor: int, size: int, plan: Plan) -> Examination:
        """Examine the file behind a descriptor in a worker."""
        if not size:
            return examine_descriptor(descriptor, plan)
        return self._examine(descriptor, size, plan, b" ")

    def _examine(self, descriptor: int, size: int, plan: Plan, extent: bytes) -> Examination:
        if os.getpid() != self._process:
            raise SandboxError(
                "this matcher was opened before a fork, and two processes cannot share its "
                "workers; open it in each process"
            )
        limit = timeout_for(size, self._timeout)

        def again(task: Task, _: int, reason: Reason, message: str) -> Task | None:
            # once more without decoding: what stopped the decoder must not hide an exact copy
            if task.tag == "again":
                return None
            body = extent + request(plan, (reason, message))
            return Task(task.descriptor, body, limit, "again")

        pool = self._pool_for(plan)
        *_, last = pool.call(Task(descriptor, extent + request(plan), limit), retry=again)
        return outcome(last)

    def _pool_for(self, plan: Plan) -> Pool:
        if set(plan.perceptual) <= set(self.perceptual):
            return self.pool
        with self._starting:
            if self._any_type is None:
                self._any_type = self._started(hashing.computable(), 1)
            return self._any_type

    def _started(self, types: Sequence[str], workers: int | None) -> Pool:
        pool = Pool(
            "hashmatch.matching.in_worker:examine_in_worker",
            "hashmatch.matching.in_worker:prepare",
            ",".join(types),
            workers=workers,
            allowance=self._allowance,
        )
        # whoever still uses it when a matcher has taken another isolation finishes on it
        weakref.finalize(self, pool.close)
        return pool

    def _pools(self) -> list[Pool]:
        return [pool for pool in (self.pool, self._any_type) if pool is not None]
