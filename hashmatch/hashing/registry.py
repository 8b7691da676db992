"""Hashers from elsewhere: a licensed PhotoDNA engine, say, in a package of its own.

A plug-in is a package that declares an entry point in the group ``hashmatch.hashers``, which
names a :class:`Hasher` or a function without arguments that makes one::

    [project.entry-points."hashmatch.hashers"]
    photodna = "acme_photodna:hasher"

Plug-ins are loaded when ``hashmatch.hashing`` is. One that cannot be loaded does not stop the
rest: it is logged, :func:`problems` tells, and asking for its type raises.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types
from hashmatch.errors import HasherError
from hashmatch.hash_types import HashKind, HashType
from hashmatch.hashing.pixels import Picture
from hashmatch.types import HashValue

GROUP = hash_types.PLUGIN_GROUP

_log = logging.getLogger("hashmatch.hashing")


@dataclass(frozen=True, slots=True)
class Hasher:
    """Something that computes a hash type of pixels.

    Parameters
    ----------
    hash_type : HashType
        What it computes, with the default thresholds for matching. A type that hashmatch only
        holds, such as ``photodna``, may be given as a perceptual one of the same length.
    compute : callable
        Called with contiguous, read-only (H, W) or (H, W, 3) uint8 pixels, perhaps on several
        threads at once; returns the value's bytes and its quality, 0..100.
    algorithm : str
        What is computed, for people.
    parameters : mapping
        What its results depend on.
    packages : tuple of str
        Installed packages whose versions could change its results.
    """

    hash_type: HashType
    compute: Callable[[NDArray[np.uint8]], tuple[bytes, int]]
    algorithm: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    packages: tuple[str, ...] = ()


# every type known so far is computed by hashmatch itself, but for this one
_BUILT_IN = frozenset(hash_types.names()) - {"photodna"}

_hashers: dict[str, Hasher] = {}
_loaded: set[str] = set()
_problems: dict[str, str] = {}


def register(hasher: Hasher) -> None:
    """Add a hasher, for this process.

    Raises
    ------
    HasherError
        If its type is cryptographic, or computed by hashmatch itself or another hasher.
    UnknownHashTypeError
        If another hash type has its name.
    """
    name = hasher.hash_type.name
    if hasher.hash_type.kind is HashKind.CRYPTOGRAPHIC:
        raise HasherError(f"{name}: a hasher of pixels cannot compute a cryptographic hash type")
    if name in _BUILT_IN or name in _hashers:
        raise HasherError(
            f"hash type {name!r} is computed already; give the plug-in's another name"
        )
    hash_types.register(hasher.hash_type)
    _hashers[name] = hasher


def names() -> tuple[str, ...]:
    """Return the names of the hash types that plug-ins compute."""
    return tuple(_hashers)


def get(name: str) -> Hasher:
    """Return the hasher of a type among :func:`names`."""
    return _hashers[name]


def problems() -> dict[str, str]:
    """Return the plug-ins that could not be loaded, and why."""
    return dict(_problems)


def compute(name: str, picture: Picture) -> HashValue:
    """Return the value a plug-in computes.

    Raises
    ------
    HasherError
        If it returns something else than bytes of the type's length and a quality.
    """
    pixels = np.ascontiguousarray(picture.pixels).view()
    pixels.flags.writeable = False
    known = _hashers[name].hash_type
    value, quality = _hashers[name].compute(pixels)
    if not isinstance(value, bytes) or len(value) != known.size:
        raise HasherError(
            f"the plug-in for {name} did not return {known.size} bytes; report it there"
        )
    if not isinstance(quality, int) or not 0 <= quality <= 100:
        raise HasherError(
            f"the plug-in for {name} did not return a quality 0..100; report it there"
        )
    return HashValue(name, value, quality)


def load_plugins() -> None:
    """Load every installed plug-in that is not loaded yet."""
    for entry in entry_points(group=GROUP):
        if entry.name in _loaded:
            continue
        _loaded.add(entry.name)
        try:
            found = entry.load()
            register(found if isinstance(found, Hasher) else found())
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            _problems[entry.name] = f"{type(error).__name__}: {error}"
            _log.error("the plug-in %s cannot be loaded: %s", entry.name, _problems[entry.name])
