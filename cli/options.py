"""Options and arguments that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click

from hashmatch import hash_types
from hashmatch.home import Home
from hashmatch.types import Polarity

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

pass_home = click.make_pass_decorator(Home)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for machines instead of text."
)


def hash_type_option(*names: str, words: str) -> Callable[[Decorated], Decorated]:
    """Return the option for one hash type, explained in these words."""
    return click.option(*names, "hash_type", type=click.Choice(hash_types.names()), help=words)


def polarity_option(words: str) -> Callable[[Decorated], Decorated]:
    """Return ``--polarity``, explained in these words."""
    choices = [polarity.value for polarity in Polarity]
    return click.option("--polarity", type=click.Choice(choices), help=words)


def hash_types_option(words: str) -> Callable[[Decorated], Decorated]:
    """Return ``--type`` for several hash types, explained in these words."""
    return click.option(
        "--type",
        "types",
        type=HashTypes(),
        default="pdq",
        show_default=True,
        help=f"{words}, separated by commas: {', '.join(hash_types.names())}.",
    )


class HashTypes(click.ParamType[Any, Any]):
    """Hash types separated by commas."""

    name = "TYPES"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Split and check the names."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(",") if name.strip())
        for name in names:
            if name not in hash_types.names():
                known = ", ".join(hash_types.names())
                self.fail(f"unknown hash type {name!r}; the known ones are {known}", param, ctx)
        if not names:
            self.fail("name at least one hash type", param, ctx)
        return names


def from_stdin(values: Iterable[str], *, ended_by_nul: bool = False) -> Iterator[str]:
    """Give the values, with ``-`` replaced by what standard input names.

    Names of any bytes pass through unharmed, as they do on the command line; ended by NUL they
    may hold line breaks, too.
    """
    for value in values:
        if value != "-":
            yield value
            continue
        lines: Iterable[bytes] = sys.stdin.buffer
        if ended_by_nul:
            lines = sys.stdin.buffer.read().split(b"\0")
        for line in lines:
            name = line if ended_by_nul else line.rstrip(b"\r\n")
            if name:
                yield name.decode(sys.getfilesystemencoding(), "surrogateescape")
