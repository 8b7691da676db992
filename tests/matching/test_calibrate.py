"""Thresholds from a person's own benign pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from hashmatch.errors import MatcherConfigError
from hashmatch.home import Home
from hashmatch.indexes.snapshot import Snapshot
from hashmatch.matching.calibrate import TypeCalibration, calibrate, upper_bound
from hashmatch.matching.profiles import get_profile
from hashmatch.matching.search import Searcher

Opener = Callable[[str], Image.Image]


def test_the_bound_is_clopper_and_pearsons() -> None:
    # the exact ones: 1 - 0.05 ** (1 / n) for none, and tables for others
    assert upper_bound(0, 100) == pytest.approx(1 - 0.05 ** (1 / 100), rel=1e-6)
    assert upper_bound(0, 3000) == pytest.approx(3 / 3000, rel=0.01)
    assert upper_bound(1, 100) == pytest.approx(0.046560, abs=1e-5)
    assert upper_bound(10, 100) == pytest.approx(0.163720, abs=1e-4)
    assert upper_bound(5, 5) == 1
    assert upper_bound(0, 0) == 1
    with pytest.raises(ValueError, match="more hits"):
        upper_bound(2, 1)


def test_proposals_follow_from_the_distances() -> None:
    found = TypeCalibration("pdq", 10, max_distance=31, reach=77)
    found.pictures = 1000
    found.nearest.update({40: 1, 60: 4, 70: 30})
    assert [found.mistaken(d) for d in (31, 39, 40, 69, 77)] == [0, 0, 1, 5, 35]
    assert found.proposal(0.01) == 59, "5 of 1,000 are too many to be sure of 1 %"
    assert found.proposal(0.005) == 59
    assert found.proposal(0.0031) == 39
    assert found.proposal(0.001) is None, "1,000 pictures cannot vouch for 1 in 1,000"
    json.dumps(found.to_json())


def test_own_pictures_are_measured_against_one_list(
    known_home: Home, open_photograph: Opener, photograph: Callable[[str], Path], tmp_path: Path
) -> None:
    searcher = Searcher(Snapshot.open(known_home.snapshots))
    (tmp_path / "text.jpg").write_bytes(b"no picture")
    Image.new("RGB", (100, 100), "teal").save(tmp_path / "flat.png")
    open_photograph("chelsea.png").save(tmp_path / "known.jpg", quality=60)
    paths = [
        *(str(photograph(name)) for name in ("rocket.jpg", "ihc.png", "motorcycle_left.png")),
        *(str(tmp_path / name) for name in ("text.jpg", "flat.png", "known.jpg", "gone.jpg")),
    ]
    measured, used = calibrate(searcher, "photos", paths, profile=get_profile("orientations"))
    assert used == {"used": 5, "not_an_image": 1, "vanished": 1}
    pdq = measured.types["pdq"]
    assert (pdq.pictures, pdq.poor) == (4, 1)
    assert pdq.mistaken(31) == 1, "the copy of a known one"
    assert pdq.bound(31) > 0.5
    with pytest.raises(MatcherConfigError, match="no list 'none'"):
        calibrate(searcher, "none", paths, profile=get_profile("plain"))
