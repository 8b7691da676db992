"""What people found out about hits: entries and matches confirmed or refuted.

Kept as lines of JSON beside the catalog, keyed by list and entry id, so that it survives new
versions of a list and rebuilt snapshots. Lines are only ever appended, by any number of
processes; the last word about a thing is the one that holds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from hashmatch import hash_types
from hashmatch.errors import FeedbackError, HashmatchError
from hashmatch.matching.journal import Journal
from hashmatch.types import HashValue, Hit

FILE = "feedback.jsonl"


class Stance(StrEnum):
    """What somebody says about an entry, or about one picture's match with it."""

    CONFIRM = "confirm"
    REFUTE = "refute"


@dataclass(frozen=True, slots=True)
class Remark:
    """One statement.

    Parameters
    ----------
    stance : Stance
        Whether the match is right.
    list_name, entry_id : str
        The entry.
    value : HashValue or None
        The hash of the picture that matched it, where the statement is about that picture only;
        ``None`` where it is about the entry as such.
    by, note : str
        Who says so, and why.
    at : str
        When, ISO 8601 in UTC.
    """

    stance: Stance
    list_name: str
    entry_id: str
    value: HashValue | None = None
    by: str = ""
    note: str = ""
    at: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the remark as JSON values."""
        return {
            "stance": self.stance.value,
            "list": self.list_name,
            "entry_id": self.entry_id,
            "hash": {"type": self.value.hash_type, "hex": self.value.hex} if self.value else None,
            "by": self.by,
            "note": self.note,
            "at": self.at,
        }

    @classmethod
    def from_json(cls, shape: Mapping[str, Any]) -> Self:
        """Return the remark that :meth:`to_json` wrote."""
        said = shape["hash"]
        value = None
        if said is not None:
            known = hash_types.get(said["type"])
            value = HashValue(known.name, known.parse(said["hex"]))
        return cls(
            Stance(shape["stance"]),
            shape["list"],
            shape["entry_id"],
            value,
            shape.get("by", ""),
            shape.get("note", ""),
            shape.get("at", ""),
        )


@dataclass(frozen=True, slots=True)
class Opinion:
    """What feedback says about one hit."""

    stance: Stance
    reason: str


class Feedback:
    """The remarks kept in a home. Safe to share between threads and processes.

    Parameters
    ----------
    folder : Path
        The home folder.
    """

    def __init__(self, folder: Path) -> None:
        self._journal = Journal(folder / FILE)
        self._entries: dict[tuple[str, str], Remark] = {}
        self._pictures: dict[tuple[str, str], dict[tuple[str, bytes], Remark]] = {}

    def add(self, remark: Remark) -> Remark:
        """Keep a remark, dated now, and return it as it is kept.

        Raises
        ------
        FeedbackError
            If it cannot be written.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        kept = Remark(
            remark.stance,
            remark.list_name,
            remark.entry_id,
            remark.value,
            remark.by,
            remark.note,
            at,
        )
        self._journal.append(kept.to_json())
        return kept

    def remarks(self) -> Iterator[Remark]:
        """Give every remark that holds: of each entry, and of each picture with it, the last."""
        self.refresh()
        for key in sorted({*self._entries, *self._pictures}):
            if key in self._entries:
                yield self._entries[key]
            yield from self._pictures.get(key, {}).values()

    def refresh(self) -> None:
        """Take up what was written since.

        Raises
        ------
        FeedbackError
            If a line cannot be understood.
        """
        with self._journal.lock:
            for number, line in self._journal.news():
                try:
                    remark = Remark.from_json(json.loads(line))
                except (ValueError, KeyError, TypeError, HashmatchError) as error:
                    raise FeedbackError(
                        f"line {number} of {self._journal.path} is no remark; mend or remove it"
                    ) from error
                key = (remark.list_name, remark.entry_id)
                if remark.value is None:
                    self._entries[key] = remark
                else:
                    picture = (remark.value.hash_type, remark.value.bytes)
                    self._pictures.setdefault(key, {})[picture] = remark

    def opinion(self, hit: Hit, hashes: Mapping[str, HashValue]) -> Opinion | None:
        """Return what holds for a hit of a picture with these hashes.

        A remark about a picture speaks of its near copies too: of pictures within the hit's
        own threshold of it and nearer to it than to the entry.
        """
        key = (hit.list_name, hit.entry_id)
        nearest: tuple[int, Remark] | None = None
        for remark in self._pictures.get(key, {}).values():
            assert remark.value is not None
            own = hashes.get(remark.value.hash_type)
            if own is None:
                continue
            distance = _distance(own.bytes, remark.value.bytes)
            within = distance == 0 or (
                remark.value.hash_type == hit.hash_type
                and distance <= min(hit.max_distance, hash_types.get(hit.hash_type).max_distance)
                and distance < hit.distance
            )
            if within and (nearest is None or distance <= nearest[0]):
                nearest = (distance, remark)
        if nearest is not None:
            distance, remark = nearest
            copy = "this picture" if distance == 0 else f"a picture {distance} bits from this one"
            return Opinion(remark.stance, _sentence(remark, f"the match of {copy}"))
        found = self._entries.get(key)
        return Opinion(found.stance, _sentence(found, "the entry")) if found else None


def author() -> str:
    """Return the name of the user running this process, as far as the environment tells."""
    return os.environ.get("USER") or os.environ.get("USERNAME") or ""


def _sentence(remark: Remark, what: str) -> str:
    verb = "confirmed" if remark.stance is Stance.CONFIRM else "refuted"
    by = f" by {remark.by}" if remark.by else ""
    note = f": {remark.note}" if remark.note else ""
    return f"{what} was {verb}{by} on {remark.at[:10]}{note}"


def _distance(a: bytes, b: bytes) -> int:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()
