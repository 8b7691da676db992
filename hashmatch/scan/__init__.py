"""Walking evidence and answering everything in it: journal, reports, chain of custody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashmatch.on_use import loader

if TYPE_CHECKING:
    from hashmatch.scan.archives import ArchiveLimits
    from hashmatch.scan.options import ScanOptions
    from hashmatch.scan.report import Summary
    from hashmatch.scan.rescanning import rescan
    from hashmatch.scan.scanner import REPORTED_TYPES, resume, scan, settings_of
    from hashmatch.scan.verifying import Verification, head_of, verify
    from hashmatch.scan.walking import walk

__getattr__ = loader(
    __name__,
    {
        "REPORTED_TYPES": "hashmatch.scan.scanner",
        "ArchiveLimits": "hashmatch.scan.archives",
        "ScanOptions": "hashmatch.scan.options",
        "Summary": "hashmatch.scan.report",
        "Verification": "hashmatch.scan.verifying",
        "head_of": "hashmatch.scan.verifying",
        "rescan": "hashmatch.scan.rescanning",
        "resume": "hashmatch.scan.scanner",
        "scan": "hashmatch.scan.scanner",
        "settings_of": "hashmatch.scan.scanner",
        "verify": "hashmatch.scan.verifying",
        "walk": "hashmatch.scan.walking",
    },
)

__all__ = [
    "REPORTED_TYPES",
    "ArchiveLimits",
    "ScanOptions",
    "Summary",
    "Verification",
    "head_of",
    "rescan",
    "resume",
    "scan",
    "settings_of",
    "verify",
    "walk",
]
