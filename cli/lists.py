"""``hashmatch list``: import hash lists into the catalog and look after them."""

from __future__ import annotations

import os

import click

from hashmatch.cli.list_check import check_command
from hashmatch.cli.list_entries import add_command, drop_command
from hashmatch.cli.list_export import export_command
from hashmatch.cli.list_import import import_command
from hashmatch.cli.list_quarantine import quarantine_group
from hashmatch.cli.list_versions import diff_command, rollback_command
from hashmatch.cli.options import json_option, pass_home
from hashmatch.cli.output import counted, print_json, print_table, say
from hashmatch.home import Home
from hashmatch.lists.catalog import Catalog
from hashmatch.lists.database import SHARED_VARIABLE


@click.group("list")
@click.option(
    "--allow-shared",
    is_flag=True,
    help=f"Open a catalog although others can read it ({SHARED_VARIABLE}=1); logged.",
)
def list_group(allow_shared: bool) -> None:
    """Import lists of known hashes, check them, compare, export and remove them."""
    if allow_shared:
        os.environ[SHARED_VARIABLE] = "1"


for command in (
    import_command,
    add_command,
    drop_command,
    check_command,
    diff_command,
    rollback_command,
    export_command,
    quarantine_group,
):
    list_group.add_command(command)


@list_group.command("ls")
@json_option
@pass_home
def ls_command(home: Home, as_json: bool) -> None:
    """List the lists of the catalog."""
    with Catalog.open(home.catalog, create=False) as catalog:
        found = catalog.lists()
    if as_json:
        print_json([info.to_json() for info in found])
        return
    rows = [
        (x.name, x.version, x.polarity.value, x.entries, counted(x.values), x.imported_at)
        for x in found
    ]
    print_table(
        "hash lists", ["name", "version", "polarity", "entries", "values", "imported"], rows
    )


@list_group.command("show")
@click.argument("name")
@click.option("--entries", type=click.IntRange(1), help="Also show so many entries.")
@json_option
@pass_home
def show_command(home: Home, name: str, entries: int | None, as_json: bool) -> None:
    """Show one list: its versions, thresholds and, when asked, entries.

    Entries are shown without their hash values, which are sensitive.
    """
    with Catalog.open(home.catalog, create=False) as catalog:
        shape = catalog.list_info(name).to_json()
        shape["versions"] = [version.to_json() for version in catalog.versions(name)]
        if entries:
            shape["first_entries"] = [
                {
                    "entry_id": entry.entry_id,
                    "hash_types": [value.hash_type for value in entry.hashes],
                    "category": entry.category.to_json() if entry.category else None,
                    "metadata": dict(entry.metadata),
                }
                for entry in catalog.entries(name, limit=entries)
            ]
    if as_json:
        print_json(shape)
        return
    for key, value in shape.items():
        if key not in ("versions", "first_entries"):
            shown = counted(value) if key == "values" else value
            click.echo(f"{key:<20} {shown}")
    for version in shape["versions"]:
        live = ", live" if version["live"] else ""
        click.echo(
            f"version {version['version']}{live}: {version['imported_at']}, {version['format']}, "
            f"{version['mode']}, {version['entries']:,} entries "
            f"({version['added']:,} added, {version['changed']:,} changed, "
            f"{version['removed']:,} removed)"
        )
    for entry in shape.get("first_entries", ()):
        category = entry["category"]
        code = f"  {category['scheme']}:{category['code']}" if category else ""
        facts = f"  {entry['metadata']}" if entry["metadata"] else ""
        click.echo(f"entry {entry['entry_id']}  {', '.join(entry['hash_types'])}{code}{facts}")


@list_group.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_home
def remove_command(home: Home, name: str, yes: bool) -> None:
    """Remove a list with all its versions from the catalog.

    The live snapshot still holds it until "hashmatch index build" makes a new one.
    """
    with Catalog.open(home.catalog, create=False) as catalog:
        info = catalog.list_info(name)
        if not yes:
            click.confirm(f"Remove {name} with {info.entries:,} entries?", abort=True, err=True)
        catalog.remove(name)
    say(f"{name} is removed; run 'hashmatch index build' to take it out of the live snapshot")
