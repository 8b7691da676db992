"""Walking evidence and answering everything in it: journal, reports, chain of custody."""

from hashmatch.scan.archives import ArchiveLimits
from hashmatch.scan.options import ScanOptions
from hashmatch.scan.report import Summary
from hashmatch.scan.rescan import rescan
from hashmatch.scan.scanner import REPORTED_TYPES, resume, scan, settings_of
from hashmatch.scan.verify import Verification, head_of, verify
from hashmatch.scan.walk import walk

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
