"""Which protections workers have on this machine, found out by starting one."""

from __future__ import annotations

from dataclasses import dataclass

from hashmatch.sandbox.lockdown import Allowance
from hashmatch.sandbox.process import Process


@dataclass(frozen=True, slots=True)
class Protection:
    """One wall around a worker.

    Parameters
    ----------
    name : str
        What it is.
    missing : str
        Why it is not in force here; empty if it is.
    """

    name: str
    missing: str


def capabilities() -> list[Protection]:
    """Start a worker, lock it down and return what the kernel granted.

    Raises
    ------
    SandboxError
        If workers cannot be started here at all.
    """
    process = Process("hashmatch.sandbox.worker:nothing", "", "", Allowance())
    try:
        return [Protection(name, missing) for name, missing in process.wait_ready().items()]
    finally:
        process.end()
