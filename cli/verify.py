"""``hashmatch verify``: is a run's folder what the run left behind?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from hashmatch.cli.main import FAILED
from hashmatch.cli.options import json_option
from hashmatch.cli.output import print_json, say
from hashmatch.scan import verify


@click.command("verify")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--anchor",
    metavar="HEX",
    help="The head of the log as it was written down elsewhere when the run ended.",
)
@json_option
@click.pass_context
def verify_command(ctx: click.Context, run: Path, anchor: str | None, as_json: bool) -> None:
    """Check a run's log, manifest and every file in it.

    Any edit, deletion, reordering or truncation is told. Only with the anchor can a log that was
    put back whole from an older or rewritten run be told, too.

    Exit status: 0 everything is as it was left, 2 something is not.

    \b
    Examples:
      hashmatch verify report --anchor 5b1f...
    """
    checked = verify(run, anchor)
    if as_json:
        print_json(asdict(checked))
    else:
        for problem in checked.problems:
            click.echo(f"changed: {problem}")
        if not checked.problems:
            click.echo(
                f"sound: {checked.files} files agree with the log; its head is {checked.head}"
            )
        for note in checked.notes:
            say(f"note: {note}")
    ctx.exit(FAILED if checked.problems else 0)
