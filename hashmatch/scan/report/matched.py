"""The matched files as a hash list, for the formats other tools import lists in."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hashmatch.lists.writers import kdb, vics
from hashmatch.lists.writers.listing import Listing, Written
from hashmatch.types import Category, Entry, HashValue, Polarity

_HASHES = ("md5", "sha1", "sha256", "pdq")
_MIME = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
}


@dataclass(frozen=True, slots=True)
class Matched(Listing):
    """The matched files of a run, in the shape the writers of lists take.

    Parameters
    ----------
    records : iterable of mapping
        The records of the run.
    ended : str
        When the run ended.
    scheme_of_codes : str or None
        The category scheme whose codes mean what the reader of the file expects. Codes of other
        schemes are written as comments, since a code alone means something else elsewhere.
    """

    records: Iterable[Mapping[str, Any]] = field(default_factory=tuple)
    ended: str = ""
    scheme_of_codes: str | None = None

    @classmethod
    def of(
        cls,
        records: Iterable[Mapping[str, Any]],
        about: Mapping[str, Any],
        scheme_of_codes: str | None,
    ) -> Matched:
        """Return the matched files among a run's records."""
        # derived from the run, so that writing it again gives the same file
        case = uuid.uuid5(uuid.NAMESPACE_URL, f"{about['snapshot']} {about['started']}")
        return cls(
            name=f"hashmatch scan {about['started']}",
            version=1,
            polarity=Polarity.KNOWN_BAD,
            scheme=scheme_of_codes,
            labels={},
            envelope={"documents": [{"value": [{"CaseID": str(case)}]}]},
            blocks=iter(()),
            records=records,
            ended=about["ended"],
            scheme_of_codes=scheme_of_codes,
        )

    def entries(self) -> Iterator[tuple[Entry, bool]]:
        """Give an entry for each matched file."""
        for record in self.records:
            if record["verdict"] == "match":
                yield self._entry(record), False

    def _entry(self, record: Mapping[str, Any]) -> Entry:
        path = record["path"]
        values = tuple(
            HashValue(name, bytes.fromhex(shape["hex"]), shape.get("quality"))
            for name, shape in record["hashes"].items()
            if name in _HASHES
        )
        named = [hit["category"] for hit in record["hits"] if hit["category"]]
        fitting = [shape for shape in named if shape["scheme"] == self.scheme_of_codes]
        category = Category(**fitting[0]) if fitting else None
        sources = dict.fromkeys(
            f"{hit['list']['name']} version {hit['list']['version']}"
            for hit in record["hits"]
            if hit["list"]["polarity"] == Polarity.KNOWN_BAD
        )
        others = dict.fromkeys(
            f"{shape['scheme']}:{shape['code']}" for shape in named if shape not in fitting
        )
        metadata: dict[str, Any] = {
            "MediaSize": record["size"],
            "DateUpdated": self.ended,
            "IsPrecategorized": category is not None,
            "PrecategorizationSource": "; ".join(sources),
            "MediaFiles": [
                {
                    "FileName": path.rsplit("/", 1)[-1],
                    "FilePath": path.replace("/", "\\"),
                }
            ],
        }
        if record["media"] and record["media"]["format"] in _MIME:
            metadata["MimeType"] = _MIME[record["media"]["format"]]
        if others:
            metadata["Comments"] = "categories: " + ", ".join(others)
        return Entry(path, values, category, metadata)


def write_vics_case(
    records: Iterable[Mapping[str, Any]], about: Mapping[str, Any], path: Path, region: str | None
) -> Written:
    """Write the matched files as a VICS 2.0 case.

    Parameters
    ----------
    records, about
        As for :func:`hashmatch.scan.report.html_page.write`.
    path : Path
        An empty file.
    region : str or None
        The region of the case, which decides what its category codes mean.

    Returns
    -------
    Written
        How many files are in it, and how many have no MD5, which VICS asks of every record.

    Raises
    ------
    ListFormatError
        If no region is given.
    OSError
        If it cannot be written.
    """
    scheme = region.lower() if region else None  # as the scheme of that region is named
    listing = Matched.of(records, about, scheme)
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        return vics.write_vics(listing, stream, vics.Options("2.0", case=True, region=region))


def write_kdb(
    records: Iterable[Mapping[str, Any]], about: Mapping[str, Any], path: Path, _: str | None
) -> Written:
    """Write the matched files as a hash database for Autopsy, which looks up by MD5.

    Parameters and what is returned are as for :func:`write_vics_case`.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    return kdb.write_kdb(Matched.of(records, about, None), path)
