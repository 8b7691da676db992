"""``hashmatch compare``: how far apart two files or two hash values are."""

from __future__ import annotations

from pathlib import Path

import click

from hashmatch import api, hash_types
from hashmatch.cli.options import HashTypes, json_option
from hashmatch.cli.output import print_json
from hashmatch.types import HashValue


@click.command("compare")
@click.argument("a")
@click.argument("b")
@click.option(
    "--type",
    "types",
    type=HashTypes(),
    default="pdq",
    show_default=True,
    help="Hash types to compare by, separated by commas.",
)
@json_option
def compare_command(a: str, b: str, types: tuple[str, ...], as_json: bool) -> None:
    """Print the distance between two files, two hash values, or one of each.

    A and B are paths, or hash values in hexadecimal. The distance is the number of differing
    bits; within the threshold two pictures count as the same.

    \b
    Examples:
      hashmatch compare original.png shared.jpg
      hashmatch compare --type pdq,phash a.jpg b.jpg --json
    """
    rows = []
    for name in types:
        left, right = _value(a, name), _value(b, name)
        known = hash_types.get(name)
        distance = api.distance(name, left.bytes, right.bytes)
        qualities = [v.quality for v in (left, right) if v.quality is not None]
        rows.append(
            {
                "hash_type": name,
                "distance": distance,
                "bits": known.bits,
                "max_distance": known.max_distance,
                "min_quality": known.min_quality,
                "qualities": qualities,
                "same": distance <= known.max_distance
                and all(quality >= known.min_quality for quality in qualities),
            }
        )
    if as_json:
        print_json(rows)
        return
    for row in rows:
        answer = "same" if row["same"] else "different"
        if any(quality < row["min_quality"] for quality in row["qualities"]):
            answer = "too little detail to say"
        click.echo(
            f"{row['hash_type']}  {row['distance']} of {row['bits']} bits "
            f"(threshold {row['max_distance']})  {answer}"
        )


def _value(text: str, hash_type: str) -> HashValue:
    """Take the argument as a file if there is one of that name, else as a hash value."""
    if Path(text).exists():
        return api.hash_file(text, [hash_type])[hash_type]
    known = hash_types.get(hash_type)
    if len(text) == 2 * known.size or all(c in "0123456789abcdefABCDEF" for c in text):
        return HashValue(hash_type, known.parse(text))
    raise click.UsageError(f"{text}: no such file, and not a {hash_type} value in hexadecimal")
