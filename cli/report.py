"""``hashmatch report``: make a report of a finished run, again or in another format."""

from __future__ import annotations

from pathlib import Path

import click

from hashmatch.cli.output import say
from hashmatch.scan import head_of
from hashmatch.scan.record import shown
from hashmatch.scan.report.rebuild import FORMATS, rebuild


@click.command("report")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--format",
    "forms",
    type=click.Choice(FORMATS),
    multiple=True,
    default=("html",),
    show_default=True,
    help="May be given more than once.",
)
@click.option(
    "--region",
    metavar="NAME",
    help="The region of a VICS case, such as US: it decides what category codes mean.",
)
def report_command(run: Path, forms: tuple[str, ...], region: str | None) -> None:
    """Write reports of a finished run into its folder.

    html is one page that works offline and shows no imagery; cybertip a draft of fileDetails
    for a CyberTipline report; case a CASE/UCO bundle; vics a VICS 2.0 case; kdb a hash database
    of the matched files for Autopsy. Each report is entered in the run's log,
    so the anchor changes.

    \b
    Examples:
      hashmatch report case42
      hashmatch report case42 --format csv --format case
      hashmatch report case42 --format vics --region US
    """
    if "vics" in forms and not region:
        raise click.UsageError("a VICS case names a region; say it with --region, never guessed")
    for form in forms:
        click.echo(shown(str(rebuild(run, form, region=region))))
    say(f"anchor, to be kept elsewhere for 'hashmatch verify': {head_of(run)}")
