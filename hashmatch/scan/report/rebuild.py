"""Reports made from a run's records at any time, and entered in its log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from hashmatch.errors import OutputError
from hashmatch.scan import custody
from hashmatch.scan.folder import RunFolder
from hashmatch.scan.record import as_line, read_records
from hashmatch.scan.report import case_uco, cybertip, html_page, matched
from hashmatch.scan.report.csv_table import CsvReport

Records = Iterable[Mapping[str, Any]]
Writer = Callable[[Records, Mapping[str, Any], TextIO], None]


def _jsonl(records: Records, _: Mapping[str, Any], stream: TextIO) -> None:
    for record in records:
        stream.write(as_line(dict(record)))


def _csv(records: Records, _: Mapping[str, Any], stream: TextIO) -> None:
    table = CsvReport(stream)
    for record in records:
        table.add(record)


# format -> name of the file, writer
TEXT_FORMATS: dict[str, tuple[str, Writer]] = {
    "html": ("report.html", html_page.write),
    "csv": ("report.csv", _csv),
    "jsonl": ("report.jsonl", _jsonl),
    "cybertip": ("cybertip-drafts.xml", cybertip.write),
    "case": ("case-uco.jsonld", case_uco.write),
}
# format -> name of the file, writer; these hold matched files by their MD5
LIST_FORMATS = {
    "vics": ("case.vics.json", matched.write_vics_case),
    "kdb": ("matched.kdb", matched.write_kdb),
}
FORMATS = (*TEXT_FORMATS, *LIST_FORMATS)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a report that was asked for.

    Parameters
    ----------
    path : Path or None
        The report. ``None`` if it was not written, because none of the matched inputs has the
        MD5 its format goes by: an empty report would say that nothing had matched.
    matches : int
        How many inputs of the run matched.
    left_out : int
        How many of them it does not hold, for want of an MD5.
    """

    path: Path | None
    matches: int
    left_out: int = 0


def rebuild(run: Path, form: str, *, region: str | None = None) -> Report:
    """Write a report of a finished run into its folder and enter it in the run's log.

    Parameters
    ----------
    run : Path
        The folder of a run or a rescan.
    form : str
        One of ``FORMATS``.
    region : str or None
        The region of a VICS case; it is never guessed.

    Returns
    -------
    Report
        One of the same format is replaced.

    Raises
    ------
    ListFormatError
        If a VICS case is asked for without its region.
    OutputError
        If the folder holds no finished run, the results are not what the run left, or the
        report cannot be written.
    """
    folder = RunFolder(run)
    folder.must_be_finished()
    about = folder.read_json(folder.summary)
    stated = folder.read_json(folder.manifest)["outputs"][folder.results.name]["sha256"]
    if custody.file_hash(folder.results) != stated:
        raise OutputError(
            f"{folder.results} was changed after the run; check it with 'hashmatch verify'"
        )
    matches = about["counts"]["verdicts"]["match"]
    left_out = 0
    name = TEXT_FORMATS[form][0] if form in TEXT_FORMATS else LIST_FORMATS[form][0]
    path = run / name
    aside = path.with_name(name + ".new")
    records = read_records(folder.results)
    try:
        with folder.create(aside) as stream:
            if form in TEXT_FORMATS:
                TEXT_FORMATS[form][1](records, about, stream)
        if form in LIST_FORMATS:
            written = LIST_FORMATS[form][1](records, about, aside, region)
            left_out = matches - written.entries
            if left_out and not written.entries:
                return Report(None, matches, left_out)
        aside.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)
    custody.append(
        folder.log,
        "reported",
        {
            "format": form,
            "matches": matches,
            "left_out": left_out,
            "outputs": {name: {"bytes": path.stat().st_size, "sha256": custody.file_hash(path)}},
        },
    )
    return Report(path, matches, left_out)
