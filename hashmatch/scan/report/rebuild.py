"""Reports made from a run's records at any time, and entered in its log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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


# format -> name of the file, format of the list writers
LIST_FORMATS = {"vics": ("case.vics.json", "vics-2.0-case"), "kdb": ("matched.kdb", "kdb")}
FORMATS = (*TEXT_FORMATS, *LIST_FORMATS)


def rebuild(run: Path, form: str, *, region: str | None = None) -> Path:
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
    Path
        The report. One of the same format is replaced.

    Raises
    ------
    ListFormatError
        If a VICS case is asked for without its region.
    OutputError
        If the folder holds no finished run, the results are not what the run left, or the
        report cannot be written.
    """
    folder = RunFolder(run)
    about = folder.read_json(folder.summary)
    stated = folder.read_json(folder.manifest)["outputs"][folder.results.name]["sha256"]
    if custody.file_hash(folder.results) != stated:
        raise OutputError(
            f"{folder.results} was changed after the run; check it with 'hashmatch verify'"
        )
    name = TEXT_FORMATS[form][0] if form in TEXT_FORMATS else LIST_FORMATS[form][0]
    path = run / name
    aside = path.with_name(name + ".new")
    records = read_records(folder.results)
    try:
        if form in TEXT_FORMATS:
            with folder.create(aside) as stream:
                TEXT_FORMATS[form][1](records, about, stream)
        else:
            matched.write(LIST_FORMATS[form][1], records, about, aside, region)
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
            "outputs": {name: {"bytes": path.stat().st_size, "sha256": custody.file_hash(path)}},
        },
    )
    return path
