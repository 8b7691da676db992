"""``hashmatch feedback``: confirm or refute what entries match, and see what waits for review."""

from __future__ import annotations

import click

from hashmatch import hash_types
from hashmatch.cli.options import json_option, pass_home
from hashmatch.cli.output import print_json, print_table, say
from hashmatch.home import Home
from hashmatch.matching.feedback import Feedback, Remark, Stance, author
from hashmatch.matching.flood import FloodGuard
from hashmatch.types import HashValue


@click.group("feedback")
def feedback_group() -> None:
    """Confirm or refute entries and matches; see what the flood guard suspended.

    \b
    A refuted entry, or a refuted match of one picture, no longer makes a match; the hit is still
    shown, with who refuted it. A confirmed one outweighs known-good lists and is never suspended.
    """


def _remark_command(stance: Stance, help_text: str) -> click.Command:
    @click.command(stance.value, help=help_text)
    @click.argument("list_name", metavar="LIST")
    @click.argument("entry_id", metavar="ENTRY")
    @click.option(
        "--picture",
        metavar="TYPE:HEX",
        help="Speak of the match of one picture only, by one of its hash values.",
    )
    @click.option("--by", help="Who says so; by default the user running this.")
    @click.option("--note", default="", help="Why.")
    @json_option
    @pass_home
    def command(
        home: Home,
        list_name: str,
        entry_id: str,
        picture: str | None,
        by: str | None,
        note: str,
        as_json: bool,
    ) -> None:
        value = _value(picture) if picture else None
        who = author() if by is None else by
        home.ensure()
        kept = Feedback(home.path).add(Remark(stance, list_name, entry_id, value, who, note))
        if value is None:
            FloodGuard(home.path).lift(list_name, entry_id, by=who)
        if as_json:
            print_json(kept.to_json())
        else:
            what = "one picture's match with " if value else ""
            say(f"{stance.value}: {what}entry {entry_id} of list {list_name}")

    return command


feedback_group.add_command(
    _remark_command(
        Stance.CONFIRM,
        "Say that an entry, or one picture's match with it, is right. Ends a suspension.\n\n"
        "\b\nExample:\n  hashmatch feedback confirm ncmec 81f2 --note 'seen by two reviewers'",
    )
)
feedback_group.add_command(
    _remark_command(
        Stance.REFUTE,
        "Say that an entry, or one picture's match with it, is wrong. Ends a suspension.\n\n"
        "\b\nExample:\n  hashmatch feedback refute ncmec 81f2 --note 'a blank page'",
    )
)


@feedback_group.command("ls")
@json_option
@pass_home
def ls_command(home: Home, as_json: bool) -> None:
    """List what was said, and which entries are suspended.

    Values of pictures are shown with --json only.
    """
    remarks = list(Feedback(home.path).remarks())
    suspended = FloodGuard(home.path).suspensions()
    if as_json:
        print_json(
            {
                "remarks": [remark.to_json() for remark in remarks],
                "suspended": [found.to_json() for found in suspended],
            }
        )
        return
    print_table(
        "feedback",
        ["stance", "list", "entry", "about", "by", "at", "note"],
        [[r.stance.value, r.list_name, r.entry_id, _about(r), r.by, r.at, r.note] for r in remarks],
    )
    print_table(
        "suspended by the flood guard",
        ["list", "entry", "uploads", "at"],
        [[s.list_name, s.entry_id, s.uploads, s.at] for s in suspended],
    )


def _about(remark: Remark) -> str:
    return "a picture" if remark.value else "the entry"


def _value(text: str) -> HashValue:
    name, found, digits = text.partition(":")
    if not found:
        raise click.BadParameter("give a hash type and a value, as in pdq:f8f8...", param_hint="")
    return HashValue(name, hash_types.get(name).parse(digits))
