"""Walking a tree of evidence and answering every file in it."""

from hashmatch.scan.report import Summary
from hashmatch.scan.scanner import REPORTED_TYPES, scan
from hashmatch.scan.walk import walk

__all__ = ["REPORTED_TYPES", "Summary", "scan", "walk"]
