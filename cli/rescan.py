"""``hashmatch rescan``: match what an earlier run found against the lists of today."""

from __future__ import annotations

from pathlib import Path

import click

from hashmatch.cli.options import json_option, pass_home
from hashmatch.cli.run_folder import output_option, tell_run
from hashmatch.home import Home
from hashmatch.matching import Matcher
from hashmatch.scan import REPORTED_TYPES, rescan, settings_of


@click.command("rescan")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@output_option("New folder for the answers; the run's own stays as it is.")
@json_option
@pass_home
@click.pass_context
def rescan_command(ctx: click.Context, home: Home, run: Path, output: Path, as_json: bool) -> None:
    """Match the hashes in a finished run's journal against the live snapshot.

    The evidence is not touched and need not be there. Exit status as of scan.

    \b
    Examples:
      hashmatch rescan report -o report-of-may
    """
    profile = settings_of(run)["plan"]["profile"]
    with Matcher.open(home.path, profile=profile, also_compute=REPORTED_TYPES) as matcher:
        summary = rescan(matcher, run, output)
    tell_run(ctx, output, summary, as_json=as_json)
