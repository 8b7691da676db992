"""New versions of a list: of a reading, of an earlier version, of the live one less some entries.

Everything here runs inside a transaction that the catalog commits or rolls back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hashmatch.errors import CatalogError
from hashmatch.lists import categories, changes, listed, versions
from hashmatch.lists.importing import Importer
from hashmatch.lists.info import ImportReport, Mode
from hashmatch.lists.listed import Listed
from hashmatch.lists.readers import given
from hashmatch.lists.readers.reading import Reading
from hashmatch.lists.rules import Rules
from hashmatch.lists.selection import select
from hashmatch.lists.versions import Member


def of_reading(
    connection: sqlite3.Connection,
    found: Listed,
    reading: Reading,
    *,
    sources: Sequence[str],
    format_name: str,
    mode: Mode,
    scheme: str | None,
    rules: Rules,
    progress: Callable[[int], object] | None,
    dry_run: bool,
) -> ImportReport:
    """Make a reading the live version.

    Parameters
    ----------
    connection : sqlite3.Connection
    found : Listed
        The list as it is.
    reading : Reading
    sources : sequence of str
        The files it is of, to be noted.
    format_name : str
        The format they are in, to be noted.
    mode : Mode
        Whether the reading is the whole list or only changes.
    scheme : str or None
        The scheme of the category codes; ``None`` keeps the list's, or else takes the reading's.
    rules : Rules
        The list's from now on.
    progress : callable or None
        Told how many entries were read so far.
    dry_run : bool
        What the report says of the catalog; undoing is the caller's business.

    Raises
    ------
    ListFormatError
        If a file breaks off or holds nothing that can be used.
    """
    before = versions.members(connection, found.list_id, found.live)
    importer = Importer(connection, found.list_id, before, found.repeated)
    members = importer.run(reading, mode, progress)
    scheme = scheme or found.scheme or reading.scheme
    codes = versions.count_categories(connection, members)
    facts = {
        "sources": list(sources),
        "counts": dict(importer.counts),
        "left_out": dict(importer.left_out),
        "problems": dict(reading.problems.by_reason),
        "categories": codes,
        "repeated": [[r.hash_type, r.value.hex()] for r in importer.repeated],
        "envelope": reading.envelope,
    }
    number, values = _add(connection, found, format_name, mode, members, facts, scheme, rules)
    doubts = categories.warnings(found.polarity, scheme, rules.labels, rules.held_categories, codes)
    return ImportReport(
        number,
        importer.counts["added"],
        importer.counts["changed"],
        importer.counts["removed"],
        importer.counts["unchanged"],
        values,
        dict(importer.left_out),
        reading.problems.count,
        tuple(reading.problems.shown),
        dict(reading.problems.by_reason),
        (*reading.warnings, *importer.warnings, *doubts),
        dry_run,
    )


def of_version(connection: sqlite3.Connection, found: Listed, number: int) -> None:
    """Make an earlier version live again, as a new one with the same entries.

    Raises
    ------
    CatalogError
        If it is the live one.
    """
    if number == found.live:
        raise CatalogError(f"version {number} of {found.name} is the live one already")
    members = versions.members(connection, found.list_id, number)
    live = versions.members(connection, found.list_id, found.live)
    compared = changes.compare(connection, live, members, 0)
    facts = versions.facts(connection, found.list_id, number) | {
        "sources": [f"version {number}"],
        "counts": {kind: getattr(compared, kind) for kind in (*changes.KINDS, "unchanged")},
        "left_out": {},
        "problems": {},
    }
    _add(connection, found, found.format, Mode.ROLLBACK, members, facts, found.scheme, found.rules)


def without(connection: sqlite3.Connection, found: Listed, entry_ids: Sequence[str]) -> int:
    """Make the live version less some entries the live one, and return how many it lacks.

    Ids that are not in the list are passed over; if none is, no version is made.
    """
    before = versions.members(connection, found.list_id, found.live)
    gone = {m.block_id: m.alive for m in select(connection, before, entry_ids)}
    count = sum(int(alive.sum()) for alive in gone.values())
    if not count:
        return 0
    rest = [
        Member(m.block_id, m.alive & ~gone[m.block_id]) if m.block_id in gone else m for m in before
    ]
    unchanged = sum(int(member.alive.sum()) for member in rest)
    facts = found.facts | {
        "sources": [given.FORMAT],
        "counts": {"added": 0, "changed": 0, "removed": count, "unchanged": unchanged},
        "left_out": {},
        "problems": {},
        "categories": versions.count_categories(connection, rest),
    }
    members = [member for member in rest if member.alive.any()]
    _add(connection, found, given.FORMAT, Mode.DELTA, members, facts, found.scheme, found.rules)
    return count


def _add(
    connection: sqlite3.Connection,
    found: Listed,
    format_name: str,
    mode: Mode,
    members: Sequence[Member],
    facts: Mapping[str, Any],
    scheme: str | None,
    rules: Rules,
) -> tuple[int, dict[str, int]]:
    """Write the next version and make it live; return its number and its values by hash type."""
    number = versions.last(connection, found.list_id) + 1
    values = versions.write(
        connection, found.list_id, number, format_name, mode, members, dict(facts)
    )
    listed.set_live(connection, found.list_id, number, scheme, rules)
    return number, values
