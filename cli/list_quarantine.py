"""``hashmatch list quarantine``: what is kept but not matched, and letting it go."""

from __future__ import annotations

import click

from hashmatch.cli.options import json_option, pass_home
from hashmatch.cli.output import print_json, say
from hashmatch.home import Home
from hashmatch.lists.catalog import Catalog


@click.group("quarantine")
def quarantine_group() -> None:
    """Show what is kept but not matched, and release it."""


@quarantine_group.command("ls")
@click.argument("name", required=False)
@click.option("--released", is_flag=True, help="Also show what was released.")
@json_option
@pass_home
def ls_command(home: Home, name: str | None, released: bool, as_json: bool) -> None:
    """List held entries and values of the list NAME, or of all lists, with their reasons."""
    with Catalog.open(home.catalog, create=False) as catalog:
        found = catalog.held(name, released=released)
    if as_json:
        print_json([held.to_json() for held in found])
        return
    for held in found:
        what = f"{held.hash_type} value" if held.hash_type else "entry"
        state = "released" if held.released else "held"
        click.echo(
            f"{held.list_name}  {held.entry_id}  {what} {state} {held.changed_at}: {held.reason}"
        )
    say(f"{len(found):,} in quarantine" + (", counting the released" if released else ""))


@quarantine_group.command("release")
@click.argument("name")
@click.argument("entry_ids", metavar="[ENTRY]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Release everything that is held.")
@click.option("--reason", help="Release what is held for this reason.")
@json_option
@pass_home
def release_command(
    home: Home,
    name: str,
    entry_ids: tuple[str, ...],
    everything: bool,
    reason: str | None,
    as_json: bool,
) -> None:
    """Let held entries of the list NAME be matched.

    Later imports and checks do not hold them again. Run "hashmatch index build" afterwards.
    """
    if not (entry_ids or everything or reason):
        raise click.UsageError("name the entries to release, or say --all or --reason")
    with Catalog.open(home.catalog, create=False) as catalog:
        count = catalog.release(name, entry_ids, reason)
    if as_json:
        print_json({"released": count})
        return
    say(f"{count:,} released from the quarantine of {name}; run 'hashmatch index build'")
