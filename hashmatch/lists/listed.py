"""The lists of the catalog's file: looked up, made, and described."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hashmatch.errors import CatalogError
from hashmatch.lists import categories
from hashmatch.lists.info import ListInfo
from hashmatch.lists.rules import Rules
from hashmatch.types import Polarity

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """A list with its live version, as the file has it.

    Parameters
    ----------
    list_id : int
    name : str
    polarity : Polarity
    scheme : str or None
    rules : Rules
    live : int
        The number of the live version; 0 for a list just made, which has none.
    imported_at, format : str
        When the live version was made, ISO 8601 in UTC, and the format it came in.
    entries : int
        How many it has.
    facts : dict
        What was noted about it.
    """

    list_id: int
    name: str
    polarity: Polarity
    scheme: str | None
    rules: Rules
    live: int
    imported_at: str
    format: str
    entries: int
    facts: dict[str, Any]

    @property
    def labels(self) -> dict[str, str]:
        """What the list's category codes mean, where that is known."""
        found = categories.labels_of(self.scheme, self.rules.labels)
        return {code: label for code, label in found.items() if label}

    @property
    def repeated(self) -> frozenset[tuple[str, bytes]]:
        """Hash type and value of what is on most records, and not matched."""
        return frozenset((name, bytes.fromhex(value)) for name, value in self.facts["repeated"])

    @property
    def info(self) -> ListInfo:
        """What the catalog tells about the list."""
        return ListInfo(
            self.name,
            self.live,
            self.polarity,
            self.scheme,
            self.entries,
            self.facts["values"],
            self.rules.thresholds,
            self.rules.category_thresholds,
            self.rules.held_categories,
            self.imported_at,
            self.format,
        )


def all_lists(connection: sqlite3.Connection, name: str | None = None) -> list[Listed]:
    """Return every list, by name, or only the one of a name if there is one."""
    return list(_read(connection, name))


def find(connection: sqlite3.Connection, name: str) -> Listed | None:
    """Return the list of a name, if there is one."""
    return next(iter(_read(connection, name)), None)


def known(connection: sqlite3.Connection, name: str) -> Listed:
    """Return the list of a name.

    Raises
    ------
    CatalogError
        If there is none; those there are are named.
    """
    found = find(connection, name)
    if found is None:
        names = ", ".join(listed.name for listed in all_lists(connection)) or "none"
        raise CatalogError(f"there is no list {name!r} in the catalog; there are: {names}")
    return found


def _read(connection: sqlite3.Connection, name: str | None) -> Iterator[Listed]:
    rows = connection.execute(
        "SELECT list_id, name, polarity, scheme, rules, live, imported_at, format, entries, facts "
        "FROM lists JOIN versions USING (list_id) WHERE number = live "
        "AND (?1 IS NULL OR name = ?1) ORDER BY name",
        (name,),
    )
    for list_id, found, polarity, scheme, rules, live, at, format_name, entries, facts in rows:
        yield Listed(
            list_id,
            found,
            Polarity(polarity),
            scheme,
            Rules.from_json(json.loads(rules)),
            live,
            at,
            format_name,
            entries,
            json.loads(facts),
        )


def make(connection: sqlite3.Connection, name: str, polarity: Polarity) -> Listed:
    """Make a list that has no version yet.

    Raises
    ------
    CatalogError
        If it cannot be called so.
    """
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise CatalogError(
            f"a list's name is 1 to {_LONGEST_NAME} printable characters, for example 'hotline'"
        )
    rules = Rules()
    row = connection.execute(
        "INSERT INTO lists (name, polarity, rules, live) VALUES (?, ?, ?, 0) RETURNING list_id",
        (name, polarity.value, json.dumps(rules.to_json())),
    ).fetchone()
    return Listed(row[0], name, polarity, None, rules, 0, "", "", 0, {"repeated": []})


def set_live(
    connection: sqlite3.Connection, list_id: int, number: int, scheme: str | None, rules: Rules
) -> None:
    """Make a version of a list the live one, under the list's scheme and rules."""
    connection.execute(
        "UPDATE lists SET scheme = ?, rules = ?, live = ? WHERE list_id = ?",
        (scheme, json.dumps(rules.to_json()), number, list_id),
    )
