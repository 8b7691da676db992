"""Reports made from a run's records at any time, and entered in its log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from hashmatch.errors import OutputError
from hashmatch.scan import custody
from hashmatch.scan.folder import RunFolder
from hashmatch.scan.record import as_line, read_records
from hashmatch.scan.report import case_uco, cybertip, html_page
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


def rebuild(run: Path, form: str) -> Path:
    """Write a report of a finished run into its folder and enter it in the run's log.

    Parameters
    ----------
    run : Path
        The folder of a run or a rescan.
    form : str
        One of ``TEXT_FORMATS``.

    Returns
    -------
    Path
        The report. One of the same format is replaced.

    Raises
    ------
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
    name, write = TEXT_FORMATS[form]
    path = run / name
    aside = path.with_name(name + ".new")
    try:
        with folder.create(aside) as stream:
            write(read_records(folder.results), about, stream)
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
