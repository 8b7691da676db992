"""``hashmatch list diff`` and ``rollback``: versions of a list compared and brought back."""

from __future__ import annotations

from typing import Any

import click

from hashmatch.cli.list_import import Said, reading_options, tell_report
from hashmatch.cli.options import from_stdin, json_option, pass_home
from hashmatch.cli.output import print_json, say
from hashmatch.home import Home
from hashmatch.lists.catalog import Catalog, Mode


@click.command("diff")
@click.argument("name")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--from", "old", type=click.IntRange(1), help="Older version; the one before --to.")
@click.option("--to", "new", type=click.IntRange(1), help="Newer version; the live one.")
@click.option(
    "--mode",
    type=click.Choice([Mode.FULL.value, Mode.DELTA.value]),
    default=Mode.FULL.value,
    show_default=True,
    help="With FILEs: whether they are the whole list or changes.",
)
@click.option(
    "--entries",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="How many entries of each kind of change to name.",
)
@reading_options
@json_option
@pass_home
def diff_command(
    home: Home,
    /,
    name: str,
    files: tuple[str, ...],
    old: int | None,
    new: int | None,
    mode: str,
    entries: int,
    as_json: bool,
    **said: Any,
) -> None:
    """Compare two versions of the list NAME, or its live version with FILEs not yet imported.

    \b
    Examples:
      hashmatch list diff hotline
      hashmatch list diff hotline --from 1 --to 3
      hashmatch list diff hotline new-hashes.txt
    """
    with Catalog.open(home.catalog, create=False) as catalog:
        if files:
            if old or new:
                raise click.UsageError("compare with FILEs or with versions, not both")
            sources = list(from_stdin(files))
            reading = Said(**said).read(sources)
            info = catalog.list_info(name)
            report = catalog.import_list(
                name,
                reading,
                source_files=sources,
                format=reading.format,
                polarity=info.polarity,
                mode=Mode(mode),
                dry_run=True,
            )
            if as_json:
                print_json(report.to_json())
            else:
                tell_report(name, report)
            return
        changes = catalog.diff(name, old, new, entries)
    if as_json:
        print_json(changes.to_json())
        return
    click.echo(
        f"{changes.added:,} added, {changes.changed:,} changed, {changes.removed:,} removed, "
        f"{changes.unchanged:,} unchanged"
    )
    for kind, ids in changes.entry_ids.items():
        for entry_id in ids:
            click.echo(f"{kind} {entry_id}")


@click.command("rollback")
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@json_option
@pass_home
def rollback_command(home: Home, name: str, version: int, as_json: bool) -> None:
    """Make an earlier VERSION of the list NAME live again, as a new version.

    Run "hashmatch index build" afterwards.
    """
    with Catalog.open(home.catalog, create=False) as catalog:
        made = catalog.roll_back(name, version)
    if as_json:
        print_json(made.to_json())
        return
    say(
        f"{name} version {made.version} is version {version} again: {made.entries:,} entries; "
        "run 'hashmatch index build'"
    )
