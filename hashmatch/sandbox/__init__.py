"""A pool of recycled, locked-down worker processes for code that reads hostile bytes.

The room knows nothing of pictures. It is given the importable name of a function, imports it in
a fresh process, takes every privilege away from that process, and then hands it one opened
descriptor after another; small byte strings come back. ``docs/security.md`` says what is
guaranteed and how that is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashmatch.on_use import loader

if TYPE_CHECKING:
    from hashmatch.sandbox.lockdown import Allowance
    from hashmatch.sandbox.pool import Pool
    from hashmatch.sandbox.probe import Protection, capabilities
    from hashmatch.sandbox.stream import Event, Task
    from hashmatch.sandbox.wire import EventKind, Job

__getattr__ = loader(
    __name__,
    {
        "Allowance": "hashmatch.sandbox.lockdown",
        "Event": "hashmatch.sandbox.stream",
        "EventKind": "hashmatch.sandbox.wire",
        "Job": "hashmatch.sandbox.wire",
        "Pool": "hashmatch.sandbox.pool",
        "Protection": "hashmatch.sandbox.probe",
        "Task": "hashmatch.sandbox.stream",
        "capabilities": "hashmatch.sandbox.probe",
    },
)

__all__ = [
    "Allowance",
    "Event",
    "EventKind",
    "Job",
    "Pool",
    "Protection",
    "Task",
    "capabilities",
]
