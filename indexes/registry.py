"""Which kinds of index exist, and how one is made by its name.

Registered by name, not discovered: a kind whose library is not loaded yet is named here by its
module, so that listing kinds loads nothing.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from hashmatch.errors import IndexArgumentError
from hashmatch.indexes.contract import Codes, Index, as_codes, as_radius


@dataclass(frozen=True, slots=True)
class Registration:
    """Where a kind is implemented.

    Parameters
    ----------
    example : str
        A name to create it by, listed by :func:`kinds`.
    pattern : str
        A regular expression for every name it answers to.
    module, name : str
        The class that implements it.
    """

    example: str
    pattern: str
    module: str
    name: str

    def load(self) -> type[Index]:
        """Return the class."""
        found: type[Index] = getattr(importlib.import_module(self.module), self.name)
        return found


_APPROXIMATE = "hashmatch.indexes.faiss_approximate"
_KINDS = (
    Registration("auto", r"auto", "hashmatch.indexes.auto", "AutoIndex"),
    Registration("mih", r"mih", "hashmatch.indexes.mih", "MihIndex"),
    Registration("scan", r"scan", "hashmatch.indexes.scan", "ScanIndex"),
    Registration("faiss:BFlat", r"faiss:BFlat", "hashmatch.indexes.faiss_flat", "FaissFlatIndex"),
    Registration("faiss:BIVF1024", r"faiss:BIVF\d+", _APPROXIMATE, "FaissIvfIndex"),
    Registration("faiss:BHNSW32", r"faiss:BHNSW\d+", _APPROXIMATE, "FaissHnswIndex"),
    Registration("faiss:BHash16", r"faiss:BHash\d+", _APPROXIMATE, "FaissHashIndex"),
    Registration("faiss:BMHash16x16", r"faiss:BMHash\d+x\d+", _APPROXIMATE, "FaissMultiHashIndex"),
)


def kinds() -> tuple[str, ...]:
    """Return a name for every kind of index; numbers in a name can be chosen."""
    return tuple(registration.example for registration in _KINDS)


def registrations() -> tuple[Registration, ...]:
    """Return every registered kind."""
    return _KINDS


def find(kind: str) -> type[Index]:
    """Return the class that implements a kind.

    Raises
    ------
    IndexArgumentError
        If there is no such kind.
    """
    for registration in _KINDS:
        if re.fullmatch(registration.pattern, kind):
            return registration.load()
    raise IndexArgumentError(f"unknown kind of index {kind!r}; there are {', '.join(kinds())}")


def create(kind: str, *, bits: int, codes: Codes, radius: int, **options: Any) -> Index:
    """Build an index over codes.

    Parameters
    ----------
    kind : str
        One of :func:`kinds`; numbers in the name of a FAISS kind can be chosen.
    bits : int
        Width of one code, a multiple of 8.
    codes : (N, bits / 8) uint8
        The codes; row ``n`` of every result is ``codes[n]``.
    radius : int
        The radius it will mostly be searched with. Exact kinds answer any other one too.
    **options
        What the kind takes besides.

    Raises
    ------
    IndexArgumentError
        If the kind is unknown or the codes do not fit.
    """
    implementation = find(kind)
    if bits <= 0 or bits % 8:
        raise IndexArgumentError(f"codes have a multiple of 8 bits, not {bits}")
    build = implementation.build
    unknown = options.keys() - inspect.signature(build).parameters.keys()
    if unknown:
        raise IndexArgumentError(f"{kind} takes no option {', '.join(sorted(unknown))}")
    radius = as_radius(radius, bits)
    made = build(kind, as_codes(codes, bits), bits=bits, radius=radius, **options)
    made.radius = radius
    return made


def restore(
    kind: str,
    arrays: Mapping[str, NDArray[Any]],
    *,
    bits: int,
    radius: int,
    parameters: Mapping[str, Any],
) -> Index:
    """Open a stored index of a kind on its arrays, which stay mapped and are not copied.

    Raises
    ------
    IndexArgumentError
        If the kind is unknown.
    """
    opened = find(kind).from_arrays(kind, arrays, bits=bits, parameters=parameters)
    opened.radius = radius
    return opened
