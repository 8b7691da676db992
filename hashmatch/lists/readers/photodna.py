"""PhotoDNA values as lists spell them. They are kept and reported, never computed or matched."""

from __future__ import annotations

import base64
import binascii

from hashmatch.errors import HashFormatError

SIZE = 144


def parse(text: str) -> bytes:
    """Read a value spelt as 192 base64 characters, 288 hexadecimal digits or 144 decimals.

    Raises
    ------
    HashFormatError
        If it is none of them. The message does not repeat the value.
    """
    digits = text.strip()
    value = b""
    try:
        if len(digits) == 2 * SIZE:
            value = bytes.fromhex(digits)
        elif "," in digits:
            value = bytes(int(number) for number in digits.split(","))
        else:
            value = base64.b64decode(digits, validate=True)
    except (ValueError, binascii.Error):
        value = b""
    if len(value) != SIZE:
        raise HashFormatError(
            "a photodna value is 144 bytes in base64, hexadecimal or decimals with commas"
        )
    return value
