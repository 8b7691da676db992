"""``hashmatch list add`` and ``list drop``: single entries of a local list, live at once."""

from __future__ import annotations

from collections.abc import Sequence

import click

from hashmatch import hash_types
from hashmatch.cli.main import FAILED
from hashmatch.cli.options import json_option, pass_home, polarity_option
from hashmatch.cli.output import print_json, say
from hashmatch.curate import add_entries, remove_entries
from hashmatch.home import Home
from hashmatch.types import Category, Entry, HashValue, Polarity


@click.command("add")
@click.argument("name")
@click.argument("values", metavar="TYPE=HEX...", nargs=-1, required=True)
@click.option("--id", "entry_id", required=True, help="What the entry is called in the list.")
@click.option("--category", "code", help="Its category code.")
@click.option("--scheme", help="The scheme the category code belongs to.")
@click.option("--note", help="Something to keep with it, shown with every hit.")
@polarity_option("What being on the list means; needed to make a new list.")
@json_option
@pass_home
def add_command(
    home: Home,
    name: str,
    values: tuple[str, ...],
    entry_id: str,
    code: str | None,
    scheme: str | None,
    note: str | None,
    polarity: str | None,
    as_json: bool,
) -> None:
    """Add one entry to the list NAME, or replace the one of the same id.

    The next query of every running matcher and service finds it; nothing is rebuilt.

    \b
    Examples:
      hashmatch list add local pdq=HEX md5=HEX --id case-7 --polarity known-bad
      hashmatch list add local md5=HEX --id case-8 --category 2 --scheme us
    """
    if (code is None) is not (scheme is None):
        raise click.UsageError("a category code needs its scheme: say --category and --scheme")
    entry = Entry(
        entry_id,
        _hashes(values),
        Category(scheme, code) if code is not None and scheme is not None else None,
        {"note": note} if note else {},
    )
    report = add_entries(home, name, [entry], polarity=Polarity(polarity) if polarity else None)
    if as_json:
        print_json(report.to_json())
        return
    what = "added to" if report.added else "replaced in" if report.changed else "unchanged in"
    say(f"{entry_id} is {what} {name}, now version {report.version}")
    for reason, count in report.left_out.items():
        say(f"left out: {count} {reason}")


@click.command("drop")
@click.argument("name")
@click.argument("entry_ids", metavar="ID...", nargs=-1, required=True)
@json_option
@pass_home
@click.pass_context
def drop_command(
    ctx: click.Context, home: Home, name: str, entry_ids: tuple[str, ...], as_json: bool
) -> None:
    """Remove entries from the list NAME by their ids, as hits and "list show" name them.

    The next query of every running matcher and service passes them over. The exit status is 2 if
    the list had none of them, else 0.

    \b
    Example:
      hashmatch list drop local case-7
    """
    removed = remove_entries(home, name, entry_ids)
    if as_json:
        print_json({"removed": removed})
    else:
        say(f"{removed} of {len(entry_ids)} removed from {name}")
    ctx.exit(0 if removed else FAILED)


def _hashes(values: Sequence[str]) -> tuple[HashValue, ...]:
    found = []
    for value in values:
        hash_type, separator, digits = value.partition("=")
        if not separator:
            raise click.UsageError("write each hash value as TYPE=HEX, such as md5=...")
        found.append(HashValue(hash_type, hash_types.get(hash_type).parse(digits)))
    return tuple(found)
