"""Options of the commands that match: how pictures are looked at, and where they are decoded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from hashmatch.matching import DEFAULT_PROFILE, profile_names
from hashmatch.matching.in_use import ISOLATIONS

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def profile_option(
    words: str = "Which variants of each picture to search for.",
) -> Callable[[Decorated], Decorated]:
    """Return ``--profile``, explained in these words."""
    return click.option(
        "--profile",
        type=click.Choice(profile_names()),
        default=DEFAULT_PROFILE,
        show_default=True,
        help=words,
    )


def isolation_option(words: str) -> Callable[[Decorated], Decorated]:
    """Return ``--isolation``, explained in these words."""
    return click.option(
        "--isolation",
        type=click.Choice(ISOLATIONS),
        default="workers",
        show_default=True,
        help=words,
    )
