"""How a scan is done, as it is kept with the run so that it can be resumed the same way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

from hashmatch.matching.isolated import DEFAULT_TIMEOUT
from hashmatch.scan.archives import ArchiveLimits


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How a scan is done.

    Parameters
    ----------
    isolation : str
        ``workers`` for locked-down processes, ``inline`` for threads of this process.
    workers : int or None
        How many files at a time; by default one per processor.
    timeout : float
        Seconds a worker may be silent about a file, or about one file inside an archive.
    follow_symlinks : bool
        Whether symbolic links inside the roots are followed.
    archives : ArchiveLimits or None
        How far archives are gone into; ``None`` for not at all.
    thumbnails : bool
        Whether embedded thumbnails are inputs of their own.
    skip_known_good : bool
        Whether files whose bytes are on a known-good list, and on no known-bad one, are left
        undecoded.
    verify_content : bool
        When resuming, whether a file that looks unchanged is hashed to make sure.
    """

    isolation: str = "inline"
    workers: int | None = None
    timeout: float = DEFAULT_TIMEOUT
    follow_symlinks: bool = False
    archives: ArchiveLimits | None = field(default_factory=ArchiveLimits)
    thumbnails: bool = True
    skip_known_good: bool = True
    verify_content: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what bears on the results, as JSON values: not how many at a time, or where."""
        return {
            "follow_symlinks": self.follow_symlinks,
            "archives": self.archives.to_json() if self.archives else None,
            "thumbnails": self.thumbnails,
            "skip_known_good": self.skip_known_good,
        }

    def as_kept(self, kept: dict[str, Any]) -> Self:
        """Return these options with what bears on the results taken from a run's settings."""
        limits = kept["archives"]
        return replace(
            self,
            follow_symlinks=kept["follow_symlinks"],
            archives=None if limits is None else ArchiveLimits(**limits),
            thumbnails=kept["thumbnails"],
            skip_known_good=kept["skip_known_good"],
        )
