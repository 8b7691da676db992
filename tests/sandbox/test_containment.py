"""Hostile code inside a worker gets nowhere; ``bench/containment.py`` times the next job."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hashmatch.sandbox import EventKind, Pool, Task, capabilities
from hashmatch.types import Reason

PAYLOADS = [
    "open", "create", "chmod", "connect", "unix_socket", "execute", "exec_raw", "fork", "ptrace",
    "kill_parent", "read_parent", "allocate", "map", "executable_memory", "raise_limits",
    "many_descriptors", "memory_file", "dump_core",
]  # fmt: skip


def needs_seccomp() -> None:
    missing = {p.name: p.missing for p in capabilities()}
    if missing["system call filter"]:
        pytest.skip(missing["system call filter"])


def ask(pool: Pool, request: str, timeout: float = 10.0) -> tuple[EventKind, bytes, Reason | None]:
    descriptor = os.memfd_create("input")
    try:
        os.write(descriptor, b"the input")
        os.lseek(descriptor, 0, 0)
        *_, last = pool.call(Task(descriptor, request.encode(), timeout))
        return last.kind, last.body, last.reason
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_is_blocked_and_the_next_job_runs(pool: Pool, payload: str) -> None:
    needs_seccomp()
    pool.warm()  # the spare is ready, as it is in the middle of any scan
    kind, body, _ = ask(pool, payload)
    assert kind in (EventKind.FAILED, EventKind.LOST), body
    assert ask(pool, "read")[:2] == (EventKind.DONE, b"the input")
    assert not Path("/tmp/hashmatch-escaped").exists()


@pytest.mark.parametrize(
    "payload", ["open", "unix_socket", "execute", "memory_file", "executable_memory", "fork"]
)
def test_a_payload_escapes_without_the_lock_down(payload_path: None, payload: str) -> None:
    """The control: outside a worker the same code does what it says (those that harm nothing)."""
    code = f"import sandbox_payloads as s; s.PAYLOADS[{payload!r}](); print('escaped')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "escaped\n"


def test_an_endless_loop_is_stopped_in_time(pool: Pool) -> None:
    pool.warm()
    begin = time.monotonic()
    kind, _, reason = ask(pool, "spin", timeout=0.3)
    assert (kind, reason) == (EventKind.LOST, Reason.TIMEOUT)
    assert time.monotonic() - begin >= 0.3
    assert ask(pool, "read")[1] == b"the input"


def test_a_descriptor_that_could_be_written_cannot_grow_a_file(pool: Pool, tmp_path: Path) -> None:
    target = tmp_path / "evidence"
    target.write_bytes(b"")
    descriptor = os.open(target, os.O_RDWR)
    try:
        *_, last = pool.call(Task(descriptor, b"write"))
    finally:
        os.close(descriptor)
    assert last.kind in (EventKind.FAILED, EventKind.LOST)
    assert target.read_bytes() == b""


def test_what_kills_a_worker_leaves_no_core(pool: Pool, tmp_path: Path) -> None:
    kind, _, reason = ask(pool, "dump_core")
    assert (kind, reason) == (EventKind.LOST, Reason.DECODER_CRASHED)
    assert not list(Path.cwd().glob("core*"))


def test_decoder_noise_goes_nowhere(pool: Pool, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask(pool, "noise")[1] == b"quiet"
    assert capfd.readouterr() == ("", "")


def test_threads_of_a_decoder_may_run(pool: Pool) -> None:
    assert ask(pool, "thread")[1] == b"threaded"


def test_the_message_of_an_exception_stays_in_the_worker(pool: Pool) -> None:
    assert ask(pool, "raise")[:2] == (EventKind.FAILED, b"ValueError")


def test_a_worker_that_talks_nonsense_is_lost(payload_path: None) -> None:
    with Pool("sandbox_payloads:babble", workers=1) as babbling:
        kind, _, reason = ask(babbling, "")
        assert (kind, reason) == (EventKind.LOST, Reason.DECODER_CRASHED)
        assert babbling.lost == {Reason.DECODER_CRASHED: 1}


def test_the_workers_of_this_machine_state_what_protects_them(pool: Pool) -> None:
    found = pool.protections()
    assert {"resource limits", "bar on new privileges", "landlock", "system call filter"} <= set(
        found
    )
    assert found == {p.name: p.missing for p in capabilities()}


def test_the_parent_keeps_its_own_limits(pool: Pool) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ask(pool, "read")
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == before
