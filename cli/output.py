"""Printing: data to standard output, words for people to standard error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

people = Console(stderr=True, highlight=False)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print one JSON value; ``indent=None`` for one line each in a stream."""
    separators = (",", ":") if indent is None else None
    click.echo(json.dumps(value, ensure_ascii=False, indent=indent, separators=separators))


def say(message: str) -> None:
    """Tell the person something that is not data."""
    click.echo(message, err=True)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as a table; numbers are set to the right."""
    table = Table(title=title, title_justify="left")
    rows = [list(row) for row in rows]
    for number, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[number], int) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(f"{v:,}" if isinstance(v, int) else str(v)) for v in row))
    Console(highlight=False).print(table)


class RateColumn(ProgressColumn):
    """Things done per second."""

    def render(self, task: Task) -> Text:
        """Return the speed, once there is one."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


def progress_bar(*facts: str) -> Progress:
    """Return a progress display on standard error, shown on a terminal only.

    Parameters
    ----------
    *facts : str
        Further fields to show, as rich markup with task fields.
    """
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        *(TextColumn(fact) for fact in facts),
        TimeRemainingColumn(),
        console=people,
        transient=True,
        disable=not people.is_terminal,
    )


def counted(counts: Mapping[str, int]) -> str:
    """Return ``3 pdq, 2 md5`` or ``none``."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "none"
