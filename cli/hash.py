"""``hashmatch hash``: print hash values of files."""

from __future__ import annotations

import csv
import io
from typing import Literal

import click

from hashmatch import api
from hashmatch.cli.main import FAILED
from hashmatch.cli.options import from_stdin, hash_types_option
from hashmatch.cli.output import print_json, say
from hashmatch.errors import MediaError
from hashmatch.scan.record import shown
from hashmatch.types import HashValue


@click.command("hash")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@hash_types_option("Hash types to compute")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    help="json is one object a line.",
)
@click.option(
    "--decode",
    type=click.Choice(["exact", "fast"]),
    default="exact",
    show_default=True,
    help="fast reads large JPEGs at a reduced scale for PDQ; use exact for values to be shared.",
)
@click.pass_context
def hash_command(
    ctx: click.Context,
    paths: tuple[str, ...],
    types: tuple[str, ...],
    shape: str,
    decode: Literal["exact", "fast"],
) -> None:
    """Print the hash values of files.

    PATH may be - to read paths from standard input, one a line. A file that cannot be hashed is
    named on standard error, the others are still printed, and the exit status is 2.

    \b
    Examples:
      hashmatch hash photo.jpg
      hashmatch hash --type pdq,md5,sha256 --format csv *.jpg > hashes.csv
      find . -name '*.png' | hashmatch hash --format json -
    """
    if shape == "csv":
        click.echo(_csv_row(["path", "hash_type", "hash", "quality"]))
    failed = 0
    for path in from_stdin(paths):
        try:
            values = api.hash_file(path, types, decode=decode)
        except MediaError as error:
            say(f"hashmatch: {shown(path)}: {error}")
            failed += 1
            continue
        _print(shape, shown(path), values)
    ctx.exit(FAILED if failed else 0)


def _print(shape: str, path: str, values: dict[str, HashValue]) -> None:
    if shape == "json":
        hashes = {name: value.to_json() for name, value in values.items()}
        print_json({"path": path, "hashes": hashes}, indent=None)
        return
    for name, value in values.items():
        quality = "" if value.quality is None else value.quality
        if shape == "csv":
            click.echo(_csv_row([path, name, value.hex, quality]))
        else:
            click.echo(f"{name}  {value.hex}  {quality or '-':>3}  {path}")


def _csv_row(cells: list[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(cells)
    return buffer.getvalue()
