"""Which hash type a value's number of digits makes it, and reading it quickly."""

from __future__ import annotations

from collections.abc import Callable

from hashmatch import hash_types
from hashmatch.errors import HashFormatError, ListFormatError
from hashmatch.hash_types import HashType

# number of digits -> the one hash type that has so many
_BY_LENGTH = {32: "md5", 40: "sha1", 288: "photodna"}
_AMBIGUOUS = {
    16: "a phash, dhash, ahash or whash value; say which with --type",
    64: "a PDQ or a SHA-256 value; say which with --type pdq or --type sha256",
}


class Lengths:
    """Which hash type a value is by its number of digits.

    Parameters
    ----------
    hash_type : str or None
        The type of every value, where it is known.
    """

    def __init__(self, hash_type: str | None) -> None:
        self.hash_type = None if hash_type is None else hash_types.get(hash_type)
        self.by_length = (
            {2 * self.hash_type.size: self.hash_type}
            if self.hash_type
            else {length: hash_types.get(name) for length, name in _BY_LENGTH.items()}
        )

    def type_of(self, source: str, line: int, digits: str) -> HashType:
        """Return the type of a value.

        Raises
        ------
        ListFormatError
            If its length fits several types and none was said: the whole file is refused.
        HashFormatError
            If its length fits none: the row is.
        """
        known = self.by_length.get(len(digits))
        if known is not None:
            return known
        if not _is_hexadecimal(digits):
            raise HashFormatError("not a hash value")
        if self.hash_type is not None:
            raise HashFormatError(
                f"a {self.hash_type.name} value has {2 * self.hash_type.size} hexadecimal digits, "
                f"not {len(digits)}"
            )
        if len(digits) in _AMBIGUOUS:
            raise ListFormatError(
                source, f"{len(digits)} hexadecimal digits are {_AMBIGUOUS[len(digits)]}", line
            )
        raise HashFormatError(f"no hash type has {len(digits)} hexadecimal digits")

    def parse(self, source: str, line: int, digits: str) -> tuple[str, bytes]:
        """Return the type and the value that digits spell; raises as :meth:`type_of` does."""
        known = self.type_of(source, line, digits)
        return known.name, known.parse(digits)


def parser(name: str) -> Callable[[str], bytes]:
    """Return what :meth:`HashType.parse` of a hash type does, quicker for what is well-formed."""
    known = hash_types.get(name)
    size, fromhex = known.size, bytes.fromhex
    digits = 2 * size

    def parse(text: str) -> bytes:
        if len(text) == digits:
            try:
                value = fromhex(text)
            except ValueError:
                return known.parse(text)
            if len(value) == size:
                return value
        return known.parse(text)

    return parse


def _is_hexadecimal(digits: str) -> bool:
    return bool(digits) and all(digit in "0123456789abcdefABCDEF" for digit in digits)
