"""Category schemes: what a code means, under the scheme that gives it its meaning.

A code is data. It is stored as it came, with the name of the scheme it was imported under; the
label is looked up here or in a map the user supplies. Only schemes whose codes are published are
built in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from hashmatch.errors import ListFormatError
from hashmatch.lists import settings_file
from hashmatch.types import Polarity


@dataclass(frozen=True, slots=True)
class Scheme:
    """A set of category codes.

    Parameters
    ----------
    name : str
    labels : mapping of str to str
        What each code means.
    harmless : frozenset of str
        Codes that do not say an entry is unlawful, which a known-bad list should not match.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    harmless: frozenset[str] = frozenset()

    @classmethod
    def load(cls, path: str) -> Self:
        """Read a scheme from a JSON or TOML file: ``name``, and ``labels`` by code.

        Raises
        ------
        ListFormatError
            If the file cannot be read or is no scheme.
        """
        found = settings_file.read(path)
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
        frozenset({"0", "4"}),
    ),
    # the codes are published; what they stand for is not, so they have no labels here
    "ncmec": Scheme("ncmec", dict.fromkeys(("A1", "A2", "B1", "B2"), "")),
    "threatexchange": Scheme(
        "threatexchange",
        {
            "POSITIVE_CLASS": "fits the collaboration",
            "NEGATIVE_CLASS": "gives false positives, or is test data",
            "INVESTIGATION_SEED": "to be verified",
        },
        frozenset({"NEGATIVE_CLASS"}),
    ),
}


def get(name: str | None) -> Scheme | None:
    """Return a built-in scheme, ``None`` if there is none of the name."""
    return None if name is None else _BUILT_IN.get(name)


def names() -> tuple[str, ...]:
    """Return the names of the built-in schemes."""
    return tuple(_BUILT_IN)


def labels_of(name: str | None, supplied: Mapping[str, str]) -> dict[str, str]:
    """Return what the codes of a scheme mean: what was supplied over what is built in."""
    known = get(name)
    return {**(known.labels if known else {}), **supplied}


def warnings(
    polarity: Polarity,
    scheme: str | None,
    supplied: Mapping[str, str],
    held: Collection[str],
    counts: Mapping[str, int],
) -> Iterator[str]:
    """Say what a person should know about the category codes of a list.

    Parameters
    ----------
    polarity : Polarity
    scheme : str or None
        The scheme the codes were imported under.
    supplied : mapping of str to str
        Labels the user supplied.
    held : collection of str
        Codes whose entries are not matched.
    counts : mapping of str to int
        Entries by code.
    """
    if not counts:
        return
    if scheme is None:
        yield (
            f"{sum(counts.values()):,} entries have a category code, but no scheme was said; "
            "nothing is dropped, but the codes need mapping: import again with --scheme"
        )
        return
    labels = labels_of(scheme, supplied)
    unknown = sum(count for code, count in counts.items() if code not in labels)
    if unknown:
        yield (
            f"{unknown:,} entries have category codes that scheme {scheme!r} has no label for; "
            "nothing is dropped, but they need mapping: supply labels with --scheme-map"
        )
    known = get(scheme)
    if polarity is Polarity.KNOWN_BAD and known is not None:
        for code in sorted(known.harmless - set(held)):
            if code in counts:
                yield (
                    f"{counts[code]:,} entries of category {code} ({labels[code]}) will match; if "
                    f"they shall not, import again with --hold-category {code}"
                )
