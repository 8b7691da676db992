"""Examining in this process, with the face of :class:`~hashmatch.matching.isolated.Isolation`."""

from __future__ import annotations

from hashmatch.matching.examine import Bytes, Examination, examine
from hashmatch.matching.plan import Plan
from hashmatch.matching.source import examine_descriptor


class Inline:
    """No isolation: whatever a decoder does, it does to this process."""

    lost = 0
    """There are no worker processes to lose."""

    def ready_for(self, plan: Plan) -> Inline:
        """Return what can examine by this plan; this process can by every one."""
        return self

    def examine_bytes(self, data: Bytes, plan: Plan) -> Examination:
        """Examine media held in memory."""
        return examine(data, plan)

    def examine_descriptor(self, descriptor: int, size: int, plan: Plan) -> Examination:
        """Examine the file behind a descriptor."""
        return examine_descriptor(descriptor, plan)

    def close(self) -> None:
        """End nothing: there are no worker processes."""
