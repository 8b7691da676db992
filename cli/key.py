"""``hashmatch key``: who may use the HTTP service."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from hashmatch.cli.options import json_option, pass_home
from hashmatch.cli.output import print_json, print_table, say
from hashmatch.home import Home
from hashmatch.service.keys import DEFAULT_RATE, Role, add_key, read_keys, remove_key


@click.group("key")
def key_group() -> None:
    """Make, show and remove the keys of the HTTP service."""


@key_group.command("add")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    required=True,
    help="What the key may do; may be given several times.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=DEFAULT_RATE,
    show_default=True,
    help="Pictures or hash values a second.",
)
@json_option
@pass_home
def add_command(home: Home, name: str, roles: tuple[str, ...], rate: float, as_json: bool) -> None:
    """Make a key and print it, once: only its digest is stored.

    A running service takes it up within a second.

    \b
    Roles:
      match      send media and hash values, learn the verdict
      hash-only  send hash values only, learn the verdict
      explain    learn entries, distances and lists as well
      curate     add entries to local lists and remove them
      observe    read metrics and what lists there are

    \b
    Examples:
      hashmatch key add upload --role match --rate 500
      hashmatch key add moderators --role match --role explain
    """
    key, secret = add_key(home, name, [Role(role) for role in roles], rate=rate)
    if as_json:
        print_json({"name": key.name, "roles": sorted(key.roles), "rate": key.rate, "key": secret})
        return
    say("This is the only time the key is shown.")
    click.echo(secret)


@key_group.command("ls")
@json_option
@pass_home
def ls_command(home: Home, as_json: bool) -> None:
    """Show the keys, without their secrets."""
    keys = read_keys(home)
    made = [datetime.fromtimestamp(key.created, UTC).isoformat(timespec="seconds") for key in keys]
    if as_json:
        print_json(
            [
                {"name": key.name, "roles": sorted(key.roles), "rate": key.rate, "created": when}
                for key, when in zip(keys, made, strict=True)
            ]
        )
        return
    print_table(
        "keys",
        ["name", "roles", "rate", "created"],
        [
            (key.name, ", ".join(sorted(key.roles)), f"{key.rate:g}/s", when)
            for key, when in zip(keys, made, strict=True)
        ],
    )


@key_group.command("remove")
@click.argument("name")
@pass_home
def remove_command(home: Home, name: str) -> None:
    """Remove a key; a running service stops taking it within a second."""
    remove_key(home, name)
    say(f"removed the key {name}")
