"""The results as a table for spreadsheets: one row per hit, one row for a file without any."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

COLUMNS = (
    "path",
    "kind",
    "verdict",
    "reason",
    "message",
    "skipped",
    "list",
    "list_version",
    "polarity",
    "entry_id",
    "scheme",
    "category",
    "hash_type",
    "tier",
    "distance",
    "max_distance",
    "orientation",
    "frame",
    "variant",
    "query_quality",
    "entry_quality",
    "md5",
    "sha1",
    "sha256",
    "pdq",
    "size",
    "format",
    "width",
    "height",
    "snapshot",
    "engine",
)
_HASHES = ("md5", "sha1", "sha256", "pdq")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet runs as a formula: such text gets a leading quote."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value


class CsvReport:
    """Writes records to an open text file as they come.

    Parameters
    ----------
    stream : text file
        Opened with ``newline=""``.
    """

    def __init__(self, stream: TextIO) -> None:
        self._writer = csv.writer(stream)
        self._writer.writerow(COLUMNS)

    def add(self, record: Mapping[str, Any]) -> None:
        """Write the rows of one record."""
        for row in _rows(record):
            self._writer.writerow([safe_cell(row.get(name, "")) for name in COLUMNS])


def _rows(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    common = {
        "kind": record.get("kind"),
        "skipped": record.get("skipped"),
        **{name: record[name] for name in ("path", "verdict", "reason", "message", "size")},
        **{name: record["hashes"][name]["hex"] for name in _HASHES if name in record["hashes"]},
        **(record["media"] or {}),
        "snapshot": record["snapshot"],
        "engine": record["engine"],
    }
    if not record["hits"]:
        yield common
    for hit in record["hits"]:
        category = hit["category"] or {}
        yield (
            common
            | hit
            | {
                "list": hit["list"]["name"],
                "list_version": hit["list"]["version"],
                "polarity": hit["list"]["polarity"],
                "scheme": category.get("scheme"),
                "category": category.get("code"),
            }
        )
