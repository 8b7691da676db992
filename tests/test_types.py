"""The values that travel between the rooms: what their repr hides and their JSON shows."""

from __future__ import annotations

import json

import hashmatch as hm
from hashmatch.types import RESULT_SCHEMA

VALUE = hm.HashValue("pdq", bytes(range(32)), 87)
HIT = hm.Hit(
    list_name="hotline",
    list_version=3,
    polarity=hm.Polarity.KNOWN_BAD,
    entry_id="e1",
    category=hm.Category("us", "1", "label"),
    hash_type="pdq",
    distance=12,
    max_distance=31,
    tier=hm.Tier.STRONG,
    metadata={"series": "s"},
)


def test_a_repr_never_shows_a_value_or_metadata() -> None:
    entry = hm.Entry("e1", (VALUE,), metadata={"name": "secret-name"})
    assert VALUE.hex not in repr(VALUE) + repr(entry)
    assert "secret-name" not in repr(entry)
    assert "series" not in repr(HIT)


def test_a_result_is_json_with_its_schema() -> None:
    result = hm.MatchResult(hm.Verdict.MATCH, hashes={"pdq": VALUE}, hits=(HIT,), size=5)
    shape = json.loads(json.dumps(result.to_json()))
    assert shape["schema"] == RESULT_SCHEMA
    assert shape["verdict"] == "match"
    assert shape["hashes"] == {"pdq": {"hex": VALUE.hex, "quality": 87}}
    assert shape["hits"][0]["list"] == {"name": "hotline", "version": 3, "polarity": "known-bad"}
    assert shape["hits"][0]["category"] == {"scheme": "us", "code": "1", "label": "label"}
    assert shape["hits"][0]["metadata"] == {"series": "s"}


def test_a_value_without_quality_does_not_state_one() -> None:
    assert hm.HashValue("md5", bytes(16)).to_json() == {"hex": "00" * 16}
