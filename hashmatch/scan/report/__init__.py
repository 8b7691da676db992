"""Reports, all made from one stream of records."""

from hashmatch.scan.report.csv_table import CsvReport
from hashmatch.scan.report.summary import Summary

__all__ = ["CsvReport", "Summary"]
