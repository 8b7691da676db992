"""Order, replacement and clean ends of the pool."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hashmatch.errors import SandboxError
from hashmatch.sandbox import EventKind, Pool, Task
from hashmatch.types import Reason


@pytest.fixture
def empty() -> Iterator[int]:
    descriptor = os.memfd_create("empty")
    yield descriptor
    os.close(descriptor)


def test_what_was_prepared_is_there(pool: Pool, empty: int) -> None:
    assert pool.call(Task(empty, b"prepared"))[-1].body == b"prepared"


def test_answers_come_in_the_order_of_the_tasks(pool: Pool, empty: int) -> None:
    requests = [f"sleep {0.05 if n % 7 == 0 else 0.001}#{n}".split("#")[0] for n in range(60)]
    tasks = [Task(empty, r.encode(), tag=n) for n, r in enumerate(requests)]
    events = list(pool.stream(tasks))
    assert [event.task.tag for event in events] == list(range(60))
    assert [event.body.decode() for event in events] == requests


def test_a_task_without_work_keeps_its_place(pool: Pool, empty: int) -> None:
    tasks = [Task(None, tag=0), Task(empty, b"sleep 0.02", tag=1), Task(None, tag=2)]
    assert [(e.task.tag, e.kind) for e in pool.stream(tasks)] == [
        (n, EventKind.DONE) for n in range(3)
    ]


def test_jobs_are_spread_over_the_workers(pool: Pool, empty: int) -> None:
    pids = {event.body for event in pool.stream([Task(empty, b"pid") for _ in range(8)])}
    assert len(pids) == 2


def test_parts_come_as_they_are_made(pool: Pool, empty: int) -> None:
    events = pool.call(Task(empty, b"parts 3"))
    assert [e.body for e in events] == [b"0", b"1", b"2", b"end"]
    assert [e.kind for e in events] == [EventKind.PART] * 3 + [EventKind.DONE]


def test_more_parts_than_are_held_arrive_in_order(pool: Pool, empty: int) -> None:
    tasks = [Task(empty, b"sleep 0.3", tag="slow"), Task(empty, b"parts 9000", tag="many")]
    events = list(pool.stream(tasks))
    assert events[0].task.tag == "slow"
    assert [e.body for e in events[1:-1]] == [str(n).encode() for n in range(9000)]


def test_a_job_can_ask(pool: Pool, empty: int) -> None:
    def answer(task: Task, body: bytes) -> bytes:
        return body + b" answered for %d" % task.tag

    tasks = [Task(empty, b"ask", tag=n) for n in range(20)]
    assert [e.body for e in pool.stream(tasks, answer=answer)] == [
        b"told question answered for %d" % n for n in range(20)
    ]


def test_a_lost_worker_costs_one_task(pool: Pool, empty: int) -> None:
    requests = ["dump_core" if n in (3, 17) else "prepared" for n in range(40)]
    lost = pool.lost[Reason.DECODER_CRASHED]
    events = list(pool.stream([Task(empty, r.encode()) for r in requests]))
    kinds = [event.kind for event in events]
    assert [n for n, kind in enumerate(kinds) if kind is EventKind.LOST] == [3, 17]
    assert kinds.count(EventKind.DONE) == 38
    assert pool.lost[Reason.DECODER_CRASHED] == lost + 2
    assert "SIGABRT" in events[3].message or "forbids" in events[3].message


def test_a_lost_task_can_be_tried_in_another_way(pool: Pool, empty: int) -> None:
    seen = []

    def retry(task: Task, parts: int, reason: Reason, message: str) -> Task | None:
        seen.append((parts, reason, bool(message)))
        return Task(task.descriptor, b"prepared", task.timeout, task.tag)

    events = pool.call(Task(empty, b"parts-die 5 3"), retry=retry)
    assert seen == [(3, Reason.DECODER_CRASHED, True)]
    assert [e.body for e in events] == [b"0", b"1", b"2", b"prepared"]


def test_a_timeout_counts_from_the_last_sign_of_life(pool: Pool, empty: int) -> None:
    tasks = [Task(empty, b"sleep 0.2", timeout=0.35) for _ in range(8)]
    assert {e.kind for e in pool.stream(tasks)} == {EventKind.DONE}


def test_workers_are_recycled(payload_path: None, empty: int) -> None:
    with Pool("sandbox_payloads:run", workers=1, jobs_per_worker=5) as small:
        pids = [e.body for e in small.stream([Task(empty, b"pid") for _ in range(20)])]
        assert len(set(pids)) == 4
        assert all(pids.count(pid) == 5 for pid in pids)
        assert not small.lost


def test_many_threads_may_call(pool: Pool, empty: int) -> None:
    with ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(pool.call, Task(empty, b"parts 2")) for _ in range(64)]
        assert {future.result()[-1].body for future in futures} == {b"end"}


def test_a_reader_that_leaves_early_leaves_a_working_pool(pool: Pool, empty: int) -> None:
    events = pool.stream([Task(empty, b"sleep 0.05") for _ in range(50)])
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert pool.call(Task(empty, b"prepared"))[-1].body == b"prepared"


def test_a_worker_killed_while_idle_is_replaced(payload_path: None, empty: int) -> None:
    with Pool("sandbox_payloads:run", workers=1) as small:
        pid = int(small.call(Task(empty, b"pid"))[-1].body)
        os.kill(pid, signal.SIGKILL)
        while not Path(f"/proc/{pid}/stat").read_text().split(") ")[1].startswith("Z"):
            time.sleep(0.001)
        assert small.call(Task(empty, b"pid"))[-1].kind is EventKind.DONE


def test_a_function_that_cannot_be_set_up_is_an_error(payload_path: None, empty: int) -> None:
    for function, prepare in (
        ("sandbox_payloads:run", "sandbox_payloads:broken"),
        ("no_such_module:run", ""),
    ):
        with Pool(function, prepare, workers=1) as wrong, pytest.raises(SandboxError):
            wrong.call(Task(empty, b"pid"))


def test_a_closed_pool_takes_nothing(payload_path: None, empty: int) -> None:
    closed = Pool("sandbox_payloads:run", workers=1)
    closed.close()
    closed.close()
    with pytest.raises(SandboxError, match="closed"):
        closed.call(Task(empty, b"pid"))


def test_workers_end_with_their_parent(payload_path: None, empty: int) -> None:
    small = Pool("sandbox_payloads:run", workers=1)
    pid = int(small.call(Task(empty, b"pid"))[-1].body)
    small.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_small_tasks_gather_and_a_heavy_one_keeps_the_rest_from_waiting(
    pool: Pool, empty: int
) -> None:
    light = [Task(empty, b"sleep 0.002", tag=n) for n in range(80)]
    assert [event.task.tag for event in pool.stream(light)] == list(range(80))
    heavy = [Task(empty, b"pid", tag=n, weight=1 << 30) for n in range(12)]
    heavy[0] = Task(empty, b"sleep 0.5", tag=0, weight=1 << 30)
    events = list(pool.stream(heavy))
    assert [event.task.tag for event in events] == list(range(12))
    workers = [event.body for event in events[1:]]
    assert max(workers.count(pid) for pid in set(workers)) >= 10, "one waits behind the slow one"
