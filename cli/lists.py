"""``hashmatch list``: import hash lists into the catalog and look after them."""

from __future__ import annotations

from typing import Any

import click

from hashmatch import hash_types
from hashmatch.cli.options import json_option, pass_home
from hashmatch.cli.output import counted, print_json, print_table, progress_bar, say
from hashmatch.home import Home
from hashmatch.lists import readers
from hashmatch.lists.catalog import Catalog, ListInfo
from hashmatch.types import Polarity


@click.group("list")
def list_group() -> None:
    """Import lists of known hashes, show them, remove them."""


@list_group.command("import")
@click.argument("name")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--format",
    "list_format",
    type=click.Choice(sorted(readers.formats())),
    help="Format of the files; by default recognised by content.",
)
@click.option(
    "--polarity",
    type=click.Choice([polarity.value for polarity in Polarity]),
    help="What being on the list means; must be said when a list is first imported.",
)
@click.option(
    "--type",
    "hash_type",
    type=click.Choice(hash_types.names()),
    help="Hash type of the values, where the file does not say (64 digits are PDQ or SHA-256).",
)
@click.option("--scheme", help="The scheme the list's category codes belong to.")
@click.option(
    "--max-distance",
    multiple=True,
    metavar="[TYPE=]BITS",
    help="Largest distance of a match; without TYPE, for the values of --type.",
)
@click.option(
    "--min-quality",
    multiple=True,
    metavar="[TYPE=]0..100",
    help="Smallest quality of a match; without TYPE, for the values of --type.",
)
@json_option
@pass_home
@click.pass_context
def import_command(
    ctx: click.Context,
    home: Home,
    name: str,
    files: tuple[str, ...],
    list_format: str | None,
    polarity: str | None,
    hash_type: str | None,
    scheme: str | None,
    max_distance: tuple[str, ...],
    min_quality: tuple[str, ...],
    as_json: bool,
) -> None:
    """Import FILEs as a new version of the list NAME.

    All files together make one version, in one transaction: an import that fails or is
    interrupted leaves the catalog as it was. Rows that cannot be used are counted and reported
    with file, line and reason. Run "hashmatch index build" afterwards.

    \b
    Examples:
      hashmatch list import hotline hashes.txt --polarity known-bad --type pdq
      hashmatch list import system-files nsrl.csv --polarity known-good
    """
    home.ensure()
    with Catalog.open(home.catalog) as catalog, progress_bar() as bar:
        chosen = _polarity(catalog, name, polarity)
        reading = readers.read(files, format=list_format, hash_type=hash_type, scheme=scheme)
        task = bar.add_task("importing", total=None)
        report = catalog.import_list(
            name,
            reading,
            source_files=files,
            format=reading.format,
            polarity=chosen,
            scheme=scheme,
            thresholds=_thresholds(hash_type, max_distance, min_quality),
            progress=lambda done: bar.update(task, completed=done),
        )
    if as_json:
        print_json(report.to_json())
        return
    say(
        f"{name} version {report.version}: {report.added:,} added, {report.changed:,} changed, "
        f"{report.removed:,} removed, {report.unchanged:,} unchanged; {counted(report.values)}"
    )
    for warning in report.warnings:
        say(f"warning: {warning}")
    if report.left_out:
        say(f"left out: {counted(report.left_out)}")
    if report.problem_count:
        say(f"{report.problem_count:,} row(s) could not be used:")
        for problem in report.problems:
            say(f"  {problem}")
        if report.problem_count > len(report.problems):
            say(f"  ... and {report.problem_count - len(report.problems):,} more")


def _polarity(catalog: Catalog, name: str, said: str | None) -> Polarity:
    """Take the polarity said, or that of the list being replaced; never guess one."""
    if said is not None:
        return Polarity(said)
    for info in catalog.lists():
        if info.name == name:
            return info.polarity
    raise click.UsageError(
        f"say what being on {name} means: --polarity known-bad or --polarity known-good"
    )


def _thresholds(
    hash_type: str | None, distances: tuple[str, ...], qualities: tuple[str, ...]
) -> dict[str, tuple[int, int]]:
    """Return the thresholds said, each over the defaults of its hash type."""
    found: dict[str, tuple[int, int]] = {}
    for option, said in (("--max-distance", distances), ("--min-quality", qualities)):
        for text in said:
            name, number = _typed_number(option, text, hash_type)
            known = hash_types.get(name)
            distance, quality = found.get(name, (known.max_distance, known.min_quality))
            found[name] = (number, quality) if option == "--max-distance" else (distance, number)
    return found


def _typed_number(option: str, text: str, hash_type: str | None) -> tuple[str, int]:
    name, _, number = text.rpartition("=")
    name = name or hash_type or ""
    if name not in hash_types.names():
        raise click.UsageError(f"say the hash type of {option}, for example {option} pdq={number}")
    if not number.isascii() or not number.isdigit():
        raise click.UsageError(f"{option} takes a whole number, for example {option} {name}=24")
    return name, int(number)


@list_group.command("ls")
@json_option
@pass_home
def ls_command(home: Home, as_json: bool) -> None:
    """List the lists of the catalog."""
    with Catalog.open(home.catalog, create=False) as catalog:
        found = catalog.lists()
    if as_json:
        print_json([_shape(info) for info in found])
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
        shape = _shape(catalog.list_info(name))
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
            click.echo(f"{key:<12} {shown}")
    for key in ("versions", "first_entries"):
        rows = shape.get(key) or []
        if rows:
            print_table(key.replace("_", " "), list(rows[0]), [list(row.values()) for row in rows])


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


def _shape(info: ListInfo) -> dict[str, Any]:
    return info.to_json()
