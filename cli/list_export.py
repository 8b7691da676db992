"""``hashmatch list export``: a list written in a format that other tools read."""

from __future__ import annotations

import click

from hashmatch.cli.options import hash_type_option, json_option, pass_home
from hashmatch.cli.output import counted, print_json, say
from hashmatch.home import Home
from hashmatch.lists import writers
from hashmatch.lists.catalog import Catalog


@click.command("export")
@click.argument("name")
@click.option(
    "--format",
    "list_format",
    type=click.Choice(writers.formats()),
    required=True,
    help="Format to write.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    required=True,
    help='File to write; "-" for standard output.',
)
@click.option("--version", type=click.IntRange(1), help="Version to write; the live one.")
@hash_type_option("--type", words="Which values to write, for formats of one value a line.")
@click.option("--region", help="Region a VICS 2.0 file names, such as US.")
@json_option
@pass_home
def export_command(
    home: Home,
    name: str,
    list_format: str,
    output: str,
    version: int | None,
    hash_type: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Write the list NAME to a file that only its owner can read.

    Everything on the list is written, what is held too; what the format has no place for is
    counted.

    \b
    Examples:
      hashmatch list export hotline --format vics-2.0 --region US -o hotline.json
      hashmatch list export hotline --format kdb -o hotline.kdb
    """
    options = writers.Options(hash_type, region)
    with (
        Catalog.open(home.catalog, create=False) as catalog,
        catalog.listing(name, version) as listing,
    ):
        written = writers.write(listing, list_format, output, options)
    if as_json and output != "-":
        print_json(written.to_json())
        return
    say(f"{written.entries:,} entries of {name} version {listing.version} written to {output}")
    if written.left_out:
        say(f"left out: {counted(written.left_out)}")
