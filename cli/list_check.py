"""``hashmatch list check``: the list doctor."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from hashmatch import indexes
from hashmatch.cli.list_import import Said, reading_options
from hashmatch.cli.main import FAILED
from hashmatch.cli.options import from_stdin, json_option, pass_home, polarity_option
from hashmatch.cli.output import people, print_json, print_table, say
from hashmatch.home import Home
from hashmatch.lists.catalog import Catalog, ImportReport
from hashmatch.lists.check import CheckReport, Finding, check
from hashmatch.types import Polarity

_HOLDABLE = ("unbalanced", "repeated-rows", "known-good", "across-polarities")


@click.command("check")
@click.argument("name")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@reading_options
@polarity_option(
    "With FILEs: what being on the list means; known-bad unless the list says otherwise."
)
@click.option(
    "--quarantine",
    "held_kinds",
    multiple=True,
    type=click.Choice(_HOLDABLE),
    help="Put what is found of this kind into quarantine: kept, but not matched.",
)
@json_option
@pass_home
@click.pass_context
def check_command(
    ctx: click.Context,
    home: Home,
    /,
    name: str,
    files: tuple[str, ...],
    polarity: str | None,
    held_kinds: tuple[str, ...],
    as_json: bool,
    **said: Any,
) -> None:
    """Examine the list NAME, or FILEs as they would become it, and say what is wrong.

    Looks for rows that cannot be used, values that no picture has, contradicting categories, hits
    on known-good lists, values near those of lists of the other polarity, and thresholds that
    match by chance. With FILEs nothing is imported. The exit status is 2 if something should be
    done, else 0.

    \b
    Examples:
      hashmatch list check hotline
      hashmatch list check hotline new-hashes.txt --type pdq
      hashmatch list check hotline --quarantine known-good --quarantine unbalanced
    """
    if files and held_kinds:
        raise click.UsageError("--quarantine is for lists in the catalog; import the files first")
    with ExitStack() as stack, people.status("checking") as status:
        own = (
            stack.enter_context(Catalog.open(home.catalog, create=False))
            if not files or home.catalog.exists()
            else None
        )
        imported = None
        if files:
            # a catalog of its own, gone afterwards; private, as mkdtemp's folders are
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hashmatch-"))
            catalog = stack.enter_context(Catalog.open(Path(folder) / "catalog.db"))
            imported = _bring(catalog, own, name, list(from_stdin(files)), polarity, Said(**said))
        else:
            assert own is not None
            catalog = own
        report = check(
            catalog,
            name,
            against=own,
            search=_IndexSearch(),
            progress=lambda step: status.update(f"checking: {step}"),
        )
        if imported is not None and imported.problem_count:
            report.findings.insert(0, _rows(imported))
        held = {
            finding.kind: catalog.hold(name, finding.holds)
            for finding in report.findings
            if finding.kind in held_kinds
        }
    if as_json:
        shape = report.to_json() | {"quarantined": held}
        if imported is not None:
            shape["import"] = imported.to_json()
        print_json(shape)
    else:
        _tell(report, imported, held)
    ctx.exit(0 if report.sound else FAILED)


class _IndexSearch:
    """Searches by an index of the values, kept while the values stay the same."""

    def __init__(self) -> None:
        self._codes: NDArray[np.uint8] | None = None
        self._index: Any = None

    def __call__(
        self, codes: NDArray[np.uint8], queries: NDArray[np.uint8], bits: int, radius: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if self._codes is not codes:
            self._codes = codes
            self._index = indexes.create("auto", bits=bits, codes=codes, radius=radius)
        found = self._index.search_radius(queries, radius)
        return np.repeat(np.arange(len(queries)), np.diff(found.offsets)), found.rows


def _bring(
    catalog: Catalog,
    own: Catalog | None,
    name: str,
    files: list[str],
    polarity: str | None,
    said: Said,
) -> ImportReport:
    """Import files into a catalog of their own, as the list they would become."""
    reading = said.read(files)
    known = {info.name: info for info in own.lists()}.get(name) if own else None
    chosen = Polarity(polarity) if polarity else known.polarity if known else Polarity.KNOWN_BAD
    return catalog.import_list(
        name,
        reading,
        source_files=files,
        format=reading.format,
        polarity=chosen,
        scheme=said.scheme or (known.scheme if known else None),
        thresholds=known.thresholds if known else None,
        category_thresholds=known.category_thresholds if known else None,
    )


def _rows(report: ImportReport) -> Finding:
    message = f"{report.problem_count:,} row(s) cannot be used"
    return Finding("rows", True, message, report.problem_count)


def _tell(report: CheckReport, imported: ImportReport | None, held: dict[str, int]) -> None:
    if imported is not None:
        for problem in imported.problems:
            click.echo(str(problem))
        for warning in imported.warnings:
            say(f"warning: {warning}")
    for finding in report.findings:
        mark = "to do" if finding.serious else "note "
        click.echo(f"{mark}  {finding.kind}: {finding.message}")
        if finding.entry_ids:
            more = ", ..." if finding.count > len(finding.entry_ids) else ""
            click.echo(f"       entries {', '.join(finding.entry_ids)}{more}")
        if finding.kind in held:
            click.echo(f"       {held[finding.kind]:,} newly in quarantine")
    if report.estimates:
        print_table(
            "chance matches per million unrelated uploads",
            ["type", "values", "distance", "expected"],
            [
                (e.hash_type, e.values, e.max_distance, f"{e.per_million:.1e}")
                for e in report.estimates
            ],
        )
    say(f"{report.name}: {report.entries:,} entries, {'sound' if report.sound else 'see above'}")
