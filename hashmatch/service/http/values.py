"""Hash values in JSON documents: read strictly, refused without being repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types
from hashmatch.errors import HashFormatError, UnknownHashTypeError
from hashmatch.hash_types import HashType
from hashmatch.service.http import intake


def described(item: tuple[str, Any]) -> tuple[HashType, bytes, int | None]:
    """Return the type, the bytes and the quality of one member of ``hashes``."""
    name, value = item
    known = known_type(name)
    if not isinstance(value, dict):
        raise intake.invalid(f"{known.name} must be an object with the member hex")
    intake.only(value, "hex", "quality")
    return known, parsed(known, value.get("hex")), quality(value.get("quality"))


def known_type(name: Any) -> HashType:
    """Return the hash type of this name."""
    try:
        return hash_types.get(name) if isinstance(name, str) else hash_types.get("")
    except UnknownHashTypeError:
        names = ", ".join(hash_types.names())
        raise intake.invalid(f"the hash type must be one of {names}") from None


def parsed(known: HashType, text: Any) -> bytes:
    """Return the bytes of one value."""
    if not isinstance(text, str) or text != text.strip():
        raise intake.invalid(f"a {known.name} value must be hexadecimal text")
    try:
        return known.parse(text)
    except HashFormatError as error:  # names the type and the length, never the value
        raise intake.invalid(str(error)) from None


def codes(known: HashType, texts: Sequence[Any]) -> NDArray[np.uint8]:
    """Read many values at once; which one is wrong is looked for only if one is."""
    digits = 2 * known.size
    try:
        if all(len(text) == digits for text in texts):
            raw = bytes.fromhex("".join(texts))
            if len(raw) == len(texts) * known.size:
                return np.frombuffer(raw, np.uint8).reshape(len(texts), known.size)
    except (TypeError, ValueError):
        pass  # a value is no text or no hexadecimal; the slow way below says which rule it broke
    return np.frombuffer(b"".join(parsed(known, text) for text in texts), np.uint8).reshape(
        len(texts), known.size
    )


def quality(value: Any) -> int | None:
    """Return a quality, which may be missing; a whole number may be written as 100.0."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        raise intake.invalid("quality must be a whole number from 0 to 100")
    return value
