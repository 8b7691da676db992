"""Category schemes: what a code means, under the scheme that gives it its meaning.

A code is data. It is stored as it came, with the name of the scheme it was imported under; the
label is looked up here or in a map the user supplies. Only schemes whose codes are published are
built in.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from hashmatch.errors import ListFormatError


@dataclass(frozen=True, slots=True)
class Scheme:
    """A set of category codes.

    Parameters
    ----------
    name : str
    labels : mapping of str to str
        What each code means.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str) -> Self:
        """Read a scheme from a JSON or TOML file: ``name``, and ``labels`` by code.

        Raises
        ------
        ListFormatError
            If the file cannot be read or is no scheme.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
            found = tomllib.loads(text) if path.endswith(".toml") else json.loads(text)
        except OSError as error:
            raise ListFormatError(path, f"cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise ListFormatError(path, "is neither JSON nor, by its name, TOML") from error
        labels = found.get("labels") if isinstance(found, dict) else None
        if not isinstance(labels, dict) or not isinstance(found.get("name"), str):
            raise ListFormatError(path, "a scheme has a 'name' and 'labels' that map codes to text")
        return cls(found["name"], {str(code): str(label) for code, label in labels.items()})


# Project VIC as its current tag set words it. 0 is also read as "uncategorized" in older sets.
_BUILT_IN = {
    "us": Scheme(
        "us",
        {
            "0": "Non-Pertinent",
            "1": "Child Abuse Material (CAM)",
            "2": "Child Exploitive (Non-CAM) / Age Difficult",
            "3": "CGI/Animation, Child Exploitive",
            "4": "Comparison Images",
        },
    ),
    # the codes are published; what they stand for is not, so they have no labels here
    "ncmec": Scheme("ncmec", {}),
    "threatexchange": Scheme("threatexchange", {}),
}


def get(name: str | None) -> Scheme | None:
    """Return a built-in scheme, ``None`` if there is none of the name."""
    return None if name is None else _BUILT_IN.get(name)


def names() -> tuple[str, ...]:
    """Return the names of the built-in schemes."""
    return tuple(_BUILT_IN)
