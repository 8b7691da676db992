"""Which hash types exist, how long their values are, and their default thresholds.

A plug-in (a licensed PhotoDNA engine, say) adds its own with :func:`register`; everything else
asks :func:`get`. Which of them can be *computed* here is the business of ``hashmatch.hashing``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hashmatch.errors import HashFormatError, UnknownHashTypeError

PLUGIN_GROUP = "hashmatch.hashers"
"""The group of entry points by which plug-ins are found; ``hashmatch.hashing`` loads them."""


class HashKind(StrEnum):
    """What sort of hash a type is, which decides how it is searched."""

    PERCEPTUAL = "perceptual"
    CRYPTOGRAPHIC = "cryptographic"
    HELD = "held"
    """Kept and reported, but not matched; a plug-in may make it a perceptual one."""


@dataclass(frozen=True, slots=True)
class HashType:
    """An algorithm with its parameters.

    Parameters
    ----------
    name : str
        The name used everywhere: API, command line, lists, snapshots.
    kind : HashKind
        Perceptual types are searched within a radius, cryptographic ones for equality.
    bits : int
        Length of a value in bits.
    max_distance : int
        The default largest Hamming distance of a ``strong`` hit, in bits; 0 for equality.
    min_quality : int
        The default smallest quality (0..100) at which a value is indexed and matched.
    """

    name: str
    kind: HashKind
    bits: int
    max_distance: int = 0
    min_quality: int = 0

    @property
    def size(self) -> int:
        """Length of a value in bytes."""
        return (self.bits + 7) // 8

    def parse(self, text: str) -> bytes:
        """Read a value written in hexadecimal, in either case.

        Parameters
        ----------
        text : str
            Exactly ``2 * size`` hexadecimal digits; white space around them is ignored.

        Returns
        -------
        bytes
            The value.

        Raises
        ------
        HashFormatError
            If the length is wrong or a character is not a hexadecimal digit. The message
            does not repeat the value.
        """
        digits = text.strip()
        if len(digits) != 2 * self.size:
            raise HashFormatError(
                f"a {self.name} value has {2 * self.size} hexadecimal digits, not {len(digits)}"
            )
        try:
            value = bytes.fromhex(digits)
        except ValueError:
            value = b""
        if len(value) != self.size:  # bytes.fromhex also accepts inner spaces
            raise HashFormatError(f"a {self.name} value may hold hexadecimal digits only")
        return value


# The one home of every default threshold. PDQ: 31 and quality 50 are the authors' own
# recommendation (ThreatExchange, pdq/README.md). The 64-bit types are far less selective, so
# theirs are tight; a list can set its own.
_TYPES: dict[str, HashType] = {
    hash_type.name: hash_type
    for hash_type in (
        HashType("pdq", HashKind.PERCEPTUAL, 256, max_distance=31, min_quality=50),
        HashType("phash", HashKind.PERCEPTUAL, 64, max_distance=4, min_quality=50),
        HashType("dhash", HashKind.PERCEPTUAL, 64, max_distance=2, min_quality=50),
        HashType("ahash", HashKind.PERCEPTUAL, 64, max_distance=1, min_quality=50),
        HashType("whash", HashKind.PERCEPTUAL, 64, max_distance=1, min_quality=50),
        HashType("phash16", HashKind.PERCEPTUAL, 256, max_distance=24, min_quality=50),
        HashType("dhash16", HashKind.PERCEPTUAL, 256, max_distance=12, min_quality=50),
        HashType("md5", HashKind.CRYPTOGRAPHIC, 128),
        HashType("sha1", HashKind.CRYPTOGRAPHIC, 160),
        HashType("sha256", HashKind.CRYPTOGRAPHIC, 256),
        HashType("colorhash", HashKind.HELD, 42),
        HashType("photodna", HashKind.HELD, 1152),
    )
}


def get(name: str) -> HashType:
    """Return the hash type of this name.

    Raises
    ------
    UnknownHashTypeError
        If there is none.
    """
    try:
        return _TYPES[name]
    except KeyError:
        known = ", ".join(_TYPES)
        raise UnknownHashTypeError(
            name, f"unknown hash type {name!r}; the known ones are {known}"
        ) from None


def names() -> tuple[str, ...]:
    """Return the names of all hash types, built-in ones first."""
    return tuple(_TYPES)


def register(hash_type: HashType) -> None:
    """Add a hash type; the same definition may be added again, a different one may not.

    A type that was only held so far, such as ``photodna``, may become another kind if its values
    stay as long as they are.

    Raises
    ------
    UnknownHashTypeError
        If another hash type already has this name.
    """
    known = _TYPES.get(hash_type.name)
    becomes_more = known is not None and known.kind is HashKind.HELD
    if known is None or (becomes_more and known.bits == hash_type.bits):
        _TYPES[hash_type.name] = hash_type
    elif known != hash_type:
        raise UnknownHashTypeError(
            hash_type.name,
            f"hash type {hash_type.name!r} is already registered with other parameters",
        )
