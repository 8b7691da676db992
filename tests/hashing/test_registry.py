"""Hashers from plug-ins."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hashmatch import hash_types, hashing
from hashmatch.errors import HasherError, UnknownHashTypeError
from hashmatch.hash_types import HashKind, HashType
from hashmatch.hashing import registry
from hashmatch.hashing.registry import Hasher
from hashmatch.types import Orientation

PIXELS = np.random.default_rng(2).integers(0, 256, (20, 30, 3), dtype=np.uint8)

PLUGIN = """
from hashmatch.hashing import Hasher
from hashmatch.hash_types import HashKind, HashType

def corner(pixels):
    return bytes(int(v) for v in pixels[0, 0]) + bytes(141), 70

def hasher():
    photodna = HashType("photodna", HashKind.PERCEPTUAL, 1152, max_distance=20, min_quality=1)
    return Hasher(photodna, corner, "the corner", {"corner": "top left"}, ("numpy",))
"""


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo everything a test registers."""
    for name in ("_hashers", "_loaded", "_problems"):
        monkeypatch.setattr(registry, name, type(getattr(registry, name))())
    monkeypatch.setattr(hash_types, "_TYPES", dict(hash_types._TYPES))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install two plug-ins: one that works and one that cannot be imported."""
    (tmp_path / "acme_photodna.py").write_text(PLUGIN)
    (tmp_path / "acme_broken.py").write_text("import a_library_nobody_has\n")
    folder = tmp_path / "acme-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        f"[{registry.GROUP}]\nphotodna = acme_photodna:hasher\nbroken = acme_broken:hasher\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("acme_photodna", "acme_broken"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("clean", "installed")
def test_an_installed_plugin_computes_what_was_only_held(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(UnknownHashTypeError, match="plug-in"):
        hashing.compute(PIXELS, ["photodna"])
    with caplog.at_level(logging.ERROR, logger="hashmatch"):
        registry.load_plugins()
        registry.load_plugins()
    assert hash_types.get("photodna").kind is HashKind.PERCEPTUAL
    assert "photodna" in hashing.computable()

    both = hashing.compute(PIXELS[:, ::-1], ["pdq", "photodna"])
    assert both["photodna"].bytes[:3] == PIXELS[0, -1].tobytes()
    assert both["photodna"].quality == 70
    turned = hashing.compute_orientations(PIXELS, ["photodna"])["photodna"]
    assert [value.bytes[:3] for value in turned] == [
        PIXELS[y, x].tobytes()
        for y, x in ((0, 0), (0, -1), (-1, -1), (-1, 0), (0, -1), (-1, 0), (0, 0), (-1, -1))
    ], list(Orientation)
    about = hashing.provenance("photodna")
    assert about["algorithm"] == "the corner"
    assert set(about["versions"]) == {"hashmatch", "numpy"}

    assert list(registry.problems()) == ["broken"]
    assert "a_library_nobody_has" in registry.problems()["broken"]
    assert caplog.text.count("cannot be loaded") == 1, "said once"


def hasher(name: str = "acme", value: object = b"12345678", quality: object = 60) -> Hasher:
    def compute(pixels: NDArray[np.uint8]) -> tuple[bytes, int]:
        assert pixels.flags.c_contiguous
        assert not pixels.flags.writeable
        return value, quality  # type: ignore[return-value]

    return Hasher(HashType(name, HashKind.PERCEPTUAL, 64, 4, 50), compute, "test")


@pytest.mark.usefixtures("clean")
def test_a_hasher_can_be_registered_for_one_process() -> None:
    registry.register(hasher())
    found = hashing.compute(PIXELS, ["acme", "dhash"])
    assert list(found) == ["acme", "dhash"]
    assert found["acme"].bytes == b"12345678"
    assert list(hashing.hash_many([PIXELS], ["acme"])) == [{"acme": found["acme"]}]


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("name", ["pdq", "phash", "colorhash", "md5"])
def test_what_is_computed_already_cannot_be_replaced(name: str) -> None:
    with pytest.raises(HasherError):
        registry.register(hasher(name))


@pytest.mark.usefixtures("clean")
def test_a_name_is_given_once() -> None:
    registry.register(hasher())
    with pytest.raises(HasherError, match="already"):
        registry.register(hasher())
    with pytest.raises(UnknownHashTypeError, match="already"):
        registry.register(hasher("photodna"))


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(
    ("value", "quality"),
    [(b"short", 60), ("12345678", 60), (b"12345678", 101), (b"12345678", None), (None, 60)],
)
def test_a_hasher_that_breaks_its_promise_is_an_error(value: object, quality: object) -> None:
    registry.register(hasher("acme", value, quality))
    with pytest.raises(HasherError, match="acme"):
        hashing.compute(PIXELS, ["acme"])


def test_nothing_in_this_installation_is_broken() -> None:
    assert registry.problems() == {}


def test_an_entry_point_is_what_the_documentation_says() -> None:
    assert EntryPoint("photodna", "acme_photodna:hasher", registry.GROUP).attr == "hasher"
