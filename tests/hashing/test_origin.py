"""What a value says about where it came from."""

from __future__ import annotations

import json

import pytest

from hashmatch import hashing
from hashmatch.errors import UnknownHashTypeError
from hashmatch.hashing import origin
from hashmatch.hashing.crypto import NAMES


def test_every_type_that_is_computed_names_its_origin() -> None:
    ids = set()
    for name in (*hashing.computable(), *NAMES):
        about = hashing.provenance(name)
        assert about["hash_type"] == name
        assert about["algorithm"]
        assert about["versions"]["hashmatch"]
        assert json.loads(json.dumps(about)) == about
        assert len(about["id"]) == 12
        ids.add(about["id"])
    assert len(ids) == len(hashing.computable()) + len(NAMES)


def test_another_library_version_gives_another_id(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: hashing.provenance(name)["id"] for name in ("phash", "dhash")}
    versions = {"scipy": "99.0", "numpy": "99.0"}
    monkeypatch.setattr(origin, "version", lambda package: versions[package])
    assert hashing.provenance("phash")["id"] != before["phash"]
    assert hashing.provenance("dhash")["id"] == before["dhash"], "scipy has no part in it"


@pytest.mark.parametrize("name", ["photodna", "nonsense"])
def test_a_type_that_is_not_computed_has_none(name: str) -> None:
    with pytest.raises(UnknownHashTypeError):
        hashing.provenance(name)
