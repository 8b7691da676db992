"""What the columns of a table mean: recognised by their names, or said in a column map."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from hashmatch import hash_types
from hashmatch.errors import ListFormatError
from hashmatch.lists import settings_file

ID, CATEGORY, HASH, HASH_TYPE, QUALITY, IGNORE = (
    "id", "category", "hash", "hash_type", "quality", "ignore",
)  # fmt: skip
METADATA = "meta:"
"""Prefix of a field that goes into the metadata under the name that follows."""

_SPECIAL = (ID, CATEGORY, HASH, HASH_TYPE, QUALITY, IGNORE)
_RECOGNISED = {
    "md5": "md5", "md5hash": "md5", "md5sum": "md5",
    "sha1": "sha1", "sha1hash": "sha1", "sha1sum": "sha1",
    "sha256": "sha256", "sha256hash": "sha256", "sha256sum": "sha256",
    "pdq": "pdq", "pdqhash": "pdq", "photodna": "photodna", "pdna": "photodna",
    "phash": "phash", "dhash": "dhash", "ahash": "ahash", "whash": "whash",
    "phash16": "phash16", "dhash16": "dhash16",
    "hash": HASH, "hashvalue": HASH, "value": HASH,
    "hashtype": HASH_TYPE, "algorithm": HASH_TYPE, "hashalgorithm": HASH_TYPE,
    "id": ID, "entryid": ID, "imageid": ID,
    "category": CATEGORY, "quality": QUALITY, "pdqquality": QUALITY,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """How to read a table.

    Parameters
    ----------
    columns : mapping of str to str
        Column name (or number from 1) to field: a hash type, ``id``, ``category``, ``hash`` (a
        value of the type in ``hash_type``, or told by its length), ``quality``, ``meta:NAME``, or
        ``ignore``. Columns not named keep the meaning their name suggests, else become metadata.
    delimiter : str or None
        The character between cells; recognised if ``None``.
    header : bool
        Whether the first row names the columns; without it they are called ``1``, ``2`` ...
    values : mapping of str to mapping
        By field, what a cell's text stands for, such as ``{"category": {"A": "1"}}``.
    fixed : mapping of str to str
        By field, what every row has, such as ``{"category": "1"}``.
    encoding : str or None
        The encoding, where it is neither UTF-8 nor told by a byte-order mark.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    delimiter: str | None = None
    header: bool = True
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None

    def __post_init__(self) -> None:
        for known in (*self.columns.values(), *self.values, *self.fixed):
            check_field(known)
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ListFormatError("column map", "a delimiter is one character")

    @classmethod
    def load(cls, path: str) -> Self:
        """Read a column map from a JSON or TOML file.

        Raises
        ------
        ListFormatError
            If it cannot be read or says something a column map has no place for.
        """
        found = settings_file.read(path)
        if not isinstance(found, dict):
            raise ListFormatError(path, "a column map is an object with names and values")
        known = {"columns", "delimiter", "header", "values", "fixed", "encoding"}
        if unknown := sorted(set(found) - known):
            raise ListFormatError(
                path, f"a column map has no {unknown[0]!r}; it has {', '.join(sorted(known))}"
            )
        for name in ("columns", "values", "fixed"):
            if not isinstance(found.get(name, {}), dict):
                raise ListFormatError(path, f"{name!r} must be an object")
        return cls(**found)

    def field_of(self, column: str, number: int) -> str:
        """Return the field of a column: as said, as its name suggests, else metadata."""
        folded = {name.strip().lower(): said for name, said in self.columns.items()}
        name = column.strip()
        said = folded.get(name.lower()) or folded.get(str(number))
        return said or recognised(name) or METADATA + (name or str(number))


def recognised(column: str) -> str | None:
    """Return the field a column's name suggests, if it does."""
    return _RECOGNISED.get(re.sub(r"[^a-z0-9]", "", column.lower()))


def check_field(name: str) -> None:
    """Refuse what is no field of an entry."""
    if name in _SPECIAL or name in hash_types.names():
        return
    if isinstance(name, str) and name.startswith(METADATA) and len(name) > len(METADATA):
        return
    raise ListFormatError(
        "column map",
        f"{name!r} is no field; fields are {', '.join(_SPECIAL)}, meta:NAME and the hash types",
    )


NAMES_OF_HASHES = frozenset(hash_types.names()) | {HASH}
"""Fields that hold a hash value."""
