"""Hash types: their names, lengths, parsing and thresholds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashmatch import hash_types
from hashmatch.errors import HashFormatError, UnknownHashTypeError
from hashmatch.hash_types import HashKind, HashType

BYTES = {
    "pdq": 32, "phash": 8, "dhash": 8, "ahash": 8, "whash": 8, "phash16": 32, "dhash16": 32,
    "md5": 16, "sha1": 20, "sha256": 32, "colorhash": 6, "photodna": 144,
}  # fmt: skip


def test_every_built_in_type_is_tested_here() -> None:
    assert hash_types.names() == tuple(BYTES)


@pytest.mark.parametrize(("name", "size"), BYTES.items())
def test_sizes(name: str, size: int) -> None:
    assert hash_types.get(name).size == size


@pytest.mark.parametrize("name", BYTES)
def test_thresholds_can_be_honoured(name: str) -> None:
    known = hash_types.get(name)
    assert 0 <= known.max_distance < known.bits / 4
    assert (known.max_distance > 0) is (known.kind is HashKind.PERCEPTUAL)


@given(st.binary(min_size=32, max_size=32), st.booleans())
def test_either_case_is_read(value: bytes, upper: bool) -> None:
    text = value.hex()
    assert hash_types.get("pdq").parse(f" {text.upper() if upper else text}\n") == value


@pytest.mark.parametrize(
    "text",
    ["", "0" * 63, "0" * 65, "g" * 64, "0x" + "0" * 62, "00 " * 21 + "0", "é" * 64, "٣" * 64],
)
def test_a_malformed_value_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(HashFormatError) as refused:
        hash_types.get("pdq").parse(text)
    assert not text or text not in str(refused.value)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownHashTypeError, match=r"pdq.*photodna") as refused:
        hash_types.get("pdqq")
    assert refused.value.name == "pdqq"


def test_a_plug_in_adds_a_type_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_types, "_TYPES", dict(hash_types._TYPES))
    mine = HashType("mine", HashKind.PERCEPTUAL, 64, max_distance=3)
    hash_types.register(mine)
    hash_types.register(mine)
    assert hash_types.get("mine") is mine
    assert hash_types.names()[-1] == "mine"
    with pytest.raises(UnknownHashTypeError, match="already registered"):
        hash_types.register(HashType("mine", HashKind.PERCEPTUAL, 64, max_distance=4))
