"""``hashmatch match``: check a few files or hash values now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from hashmatch.cli.matching_options import profile_option
from hashmatch.cli.options import from_stdin, hash_type_option, json_option, pass_home
from hashmatch.cli.output import print_json
from hashmatch.home import Home
from hashmatch.matching import Matcher
from hashmatch.matching.explain import explain
from hashmatch.scan import Summary
from hashmatch.scan.record import record_of


@click.command("match")
@click.argument("inputs", metavar="PATH...", nargs=-1, required=True)
@profile_option()
@hash_type_option(
    "--hash", words="The arguments are hash values of this type in hexadecimal, not paths."
)
@click.option("--explain", "explained", is_flag=True, help="Say in sentences how it came about.")
@json_option
@pass_home
@click.pass_context
def match_command(
    ctx: click.Context,
    home: Home,
    inputs: tuple[str, ...],
    profile: str,
    hash_type: str | None,
    explained: bool,
    as_json: bool,
) -> None:
    """Check files against the live snapshot and print each answer.

    PATH may be - to read paths (or, with --hash, values) from standard input, one a line.

    Exit status: 0 all checked and nothing found, 1 something matched, 2 not everything could be
    checked, or an error. With --json one object a line is printed, in the documented shape.

    \b
    Examples:
      hashmatch match upload.jpg
      hashmatch match --explain --profile thorough upload.jpg
      hashmatch match --json *.jpg
      hashmatch match --hash md5 d3b07384d113edec49eaa6238ad5ff00
    """
    summary = Summary()
    with Matcher.open(home.path, profile=profile) as matcher:
        for record in _records(matcher, inputs, hash_type):
            summary.add(record)
            if as_json:
                print_json(record, indent=None)
            elif explained:
                click.echo("\n".join([record["path"], *(f"  {x}" for x in explain(record)), ""]))
            else:
                _print(record)
    ctx.exit(summary.exit_status)


def _records(
    matcher: Matcher, inputs: tuple[str, ...], hash_type: str | None
) -> Iterator[dict[str, Any]]:
    if hash_type is not None:
        for number, value in enumerate(from_stdin(inputs), 1):
            # the value itself stays out of what is printed: outputs end in logs
            yield record_of(f"{hash_type} value {number}", matcher.match_hash(hash_type, value))
        return
    for path in from_stdin(inputs):
        yield record_of(path, matcher.match_file(path))


def _print(record: dict[str, Any]) -> None:
    why = f"  ({record['reason']}: {record['message']})" if record["reason"] else ""
    click.echo(f"{record['verdict']:<12} {record['path']}{why}")
    for hit in record["hits"]:
        category = hit["category"]
        facts = [
            f"{hit['list']['name']} v{hit['list']['version']}",
            f"entry {hit['entry_id']}",
            *([f"category {category['scheme']}:{category['code']}"] if category else []),
            f"{hit['tier']} by {hit['hash_type']}",
            *(
                [f"distance {hit['distance']} <= {hit['max_distance']}", hit["orientation"]]
                if hit["tier"] != "exact"
                else []
            ),
            *([hit["effect"]] if hit["effect"] != "counted" else []),
            *([hit["list"]["polarity"]] if hit["list"]["polarity"] != "known-bad" else []),
        ]
        click.echo("             " + ", ".join(facts))
