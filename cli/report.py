"""``hashmatch report``: make a report of a finished run, again or in another format."""

from __future__ import annotations

from pathlib import Path

import click

from hashmatch.cli.main import FAILED
from hashmatch.cli.output import say
from hashmatch.scan import head_of
from hashmatch.scan.record import shown
from hashmatch.scan.report.rebuild import FORMATS, rebuild

_ELSEWHERE = "All matches are in results.csv and in the other reports."


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
@click.pass_context
def report_command(
    ctx: click.Context, run: Path, forms: tuple[str, ...], region: str | None
) -> None:
    """Write reports of a finished run into its folder.

    html is one page that works offline and shows no imagery; cybertip a draft of fileDetails
    for a CyberTipline report; case a CASE/UCO bundle; vics a VICS 2.0 case; kdb a hash database
    of the matched files for Autopsy. Each report is entered in the run's log,
    so the anchor changes.

    vics and kdb go by MD5. Matches without one, such as rows of a table that states only SHA-256,
    are left out, which is said; where no match has one, the report is not written.

    Exit status: 0 every report was written, 2 one was not.

    \b
    Examples:
      hashmatch report case42
      hashmatch report case42 --format csv --format case
      hashmatch report case42 --format vics --region US
    """
    if "vics" in forms and not region:
        raise click.UsageError("a VICS case names a region; say it with --region, never guessed")
    status = 0
    for form in forms:
        made = rebuild(run, form, region=region)
        if made.path is None:
            status = FAILED
            say(f"{form}: not written: no MD5 in any of {made.matches:,} matches. {_ELSEWHERE}")
            continue
        click.echo(shown(str(made.path)))
        if made.left_out:
            say(
                f"{form}: {made.left_out:,} of {made.matches:,} matches have no MD5 and are left "
                f"out. {_ELSEWHERE}"
            )
    say(f"anchor, to be kept elsewhere for 'hashmatch verify': {head_of(run)}")
    ctx.exit(status)
