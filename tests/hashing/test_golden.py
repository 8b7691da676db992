"""The golden values, and that a changed result is noticed."""

from __future__ import annotations

import pytest

from hashmatch import hashing
from hashmatch.hashing import golden, golden_values


def test_every_type_gives_its_golden_values(simd_level: int) -> None:
    assert hashing.check_golden() == []
    assert set(golden_values.VALUES) == {*hashing.computable(), "md5", "sha1", "sha256"}


def test_a_changed_result_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = golden.golden_hashes()
    changed["phash"]["waves"] = ("0" * 16, 100)
    monkeypatch.setattr(golden, "golden_hashes", lambda: changed)
    assert hashing.check_golden() == ["phash"]
