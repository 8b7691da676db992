"""``hashmatch scan``: check every file below some folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hashmatch.cli.options import from_stdin, json_option, pass_home
from hashmatch.cli.output import people, print_json, print_table, progress_bar, say
from hashmatch.home import Home
from hashmatch.matching import DEFAULT_PROFILE, Matcher, profile_names
from hashmatch.scan import REPORTED_TYPES, Summary, scan, walk
from hashmatch.scan.record import shown


@click.command("scan")
@click.argument("roots", metavar="ROOT...", nargs=-1, required=True)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="New folder for results.jsonl, results.csv and summary.json.",
)
@click.option(
    "--profile",
    type=click.Choice(profile_names()),
    default=DEFAULT_PROFILE,
    show_default=True,
    help="Which variants of each picture to search for.",
)
@click.option(
    "--threads", type=click.IntRange(1), help="Files at a time; one per processor by default."
)
@click.option(
    "--follow-symlinks", is_flag=True, help="Follow symbolic links found inside the roots."
)
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@json_option
@pass_home
@click.pass_context
def scan_command(
    ctx: click.Context,
    home: Home,
    roots: tuple[str, ...],
    output: Path,
    profile: str,
    threads: int | None,
    follow_symlinks: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Check every file below the roots against the live snapshot.

    Every file ends in one verdict, with a reason where it could not be checked in full, and the
    counts add up to the files seen. Evidence is only read. ROOT may be - to read paths from
    standard input, one a line.

    Exit status: 0 all checked and nothing found, 1 something matched, 2 not everything could be
    checked, or an error; the summary counts the matches alongside.

    \b
    Examples:
      hashmatch scan /mnt/evidence -o report
      hashmatch scan photos backup --profile plain -o report --json
    """
    named = list(from_stdin(roots))
    missing = [root for root in named if not Path(root).exists()]
    if missing:
        raise click.UsageError(f"{shown(missing[0])}: no such file or folder")
    with Matcher.open(home.path, profile=profile, also_compute=REPORTED_TYPES) as matcher:
        bar = progress_bar("[bold]{task.fields[hits]} matches, {task.fields[failed]} unchecked[/]")
        bar.disable = bar.disable or quiet
        with bar:
            # counting first costs a walk, and buys a bar that knows where it ends
            total = (
                sum(1 for _ in walk(named, follow_symlinks=follow_symlinks))
                if not bar.disable
                else None
            )
            task = bar.add_task("scanning", total=total, hits=0, failed=0)
            seen = {"match": 0, "unchecked": 0}

            def tell(record: dict[str, Any]) -> None:
                seen["match"] += record["verdict"] == "match"
                seen["unchecked"] += record["verdict"] not in ("match", "no_match")
                bar.update(task, advance=1, hits=seen["match"], failed=seen["unchecked"])

            summary = scan(
                matcher,
                named,
                output,
                threads=threads,
                follow_symlinks=follow_symlinks,
                on_record=tell,
            )
    if as_json:
        print_json(summary.to_json())
    else:
        _print(summary)
        say(f"reports: {shown(str(output))}/results.jsonl, results.csv, summary.json")
    ctx.exit(summary.exit_status)


def _print(summary: Summary) -> None:
    counts = summary.to_json()
    rows = [*counts["verdicts"].items(), ("all files", counts["files"])]
    print_table("verdicts", ["verdict", "files"], rows)
    for name in ("lists", "categories", "reasons"):
        if counts[name]:
            print_table(name, [name, "files"], counts[name].items())
    people.file.flush()
