"""The folder of a run: the option that names it, and what is told of it at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hashmatch.cli.output import people, print_json, print_table, say
from hashmatch.scan import Summary, head_of
from hashmatch.scan.record import shown

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def output_option(words: str) -> Callable[[Decorated], Decorated]:
    """Return ``--output``, explained in these words."""
    return click.option(
        "--output",
        "-o",
        type=click.Path(path_type=Path, file_okay=False),
        required=True,
        help=words,
    )


def tell_run(ctx: click.Context, output: Path, summary: Summary, *, as_json: bool) -> None:
    """Print what a run found and its anchor, and end the command with the run's exit status."""
    head = head_of(output)
    if as_json:
        print_json(summary.to_json() | {"anchor": head})
    else:
        _print(summary)
        say(f"reports: {shown(str(output))}/results.jsonl, results.csv, summary.json")
        say(f"anchor, to be kept elsewhere for 'hashmatch verify': {head}")
    ctx.exit(summary.exit_status)


def _print(summary: Summary) -> None:
    """Print the counts of a run as tables."""
    counts = summary.to_json()
    rows = [*counts["verdicts"].items(), ("all files", counts["files"])]
    print_table("verdicts", ["verdict", "files"], rows)
    for name in ("lists", "categories", "reasons", "kinds"):
        if counts[name]:
            print_table(name, [name, "files"], counts[name].items())
    people.file.flush()
