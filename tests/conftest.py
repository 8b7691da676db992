"""Pictures and lists that several rooms' tests share. Every picture is made or ships in a wheel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
import skimage
import sklearn
from PIL import Image

from hashmatch.home import Home
from hashmatch.types import Polarity

PHOTOGRAPHS = {
    path.name: path
    for folder in (
        Path(skimage.__file__).parent / "data",
        Path(sklearn.__file__).parent / "datasets" / "images",
    )
    for path in sorted(folder.iterdir())
    if path.suffix in (".png", ".jpg")
}


@pytest.fixture(scope="session")
def photograph() -> Callable[[str], Path]:
    """Return the path of an ordinary photograph by its name, such as ``chelsea.png``."""
    return PHOTOGRAPHS.__getitem__


@pytest.fixture(scope="session")
def open_photograph() -> Callable[[str], Image.Image]:
    """Return an ordinary photograph by its name, opened, as RGB."""

    def load(name: str) -> Image.Image:
        with Image.open(PHOTOGRAPHS[name]) as opened:
            return opened.convert("RGB")

    return load


class ImportText(Protocol):
    """Imports a text of hash values, one a line, as a list of a home."""

    def __call__(
        self,
        home: Home,
        name: str,
        text: str,
        hash_type: str | None = None,
        polarity: Polarity = Polarity.KNOWN_BAD,
    ) -> None: ...


@pytest.fixture(scope="session")
def import_text() -> ImportText:
    """Return a function that imports a list, which is not published yet."""
    from hashmatch.lists import readers
    from hashmatch.lists.catalog import Catalog

    def bring(
        home: Home,
        name: str,
        text: str,
        hash_type: str | None = None,
        polarity: Polarity = Polarity.KNOWN_BAD,
    ) -> None:
        home.ensure()
        source = home.path / f"{name}.txt"
        source.write_text(text)
        reading = readers.read([source], hash_type=hash_type)
        with Catalog.open(home.catalog) as catalog:
            catalog.import_list(
                name, reading, source_files=[source], format=reading.format, polarity=polarity
            )

    return bring


@pytest.fixture(scope="session")
def known_home(tmp_path_factory: pytest.TempPathFactory, import_text: ImportText) -> Home:
    """Return a home whose live snapshot knows three photographs, read by tests only.

    ``photos`` is a known-bad list of PDQ values, ``files`` a known-bad one of MD5 values, and
    ``system`` a known-good one of SHA-1 values.
    """
    from hashmatch import api
    from hashmatch.publish import publish

    home = Home(tmp_path_factory.mktemp("known") / "home")
    lists = {
        "photos": ("pdq", Polarity.KNOWN_BAD, ("astronaut.png", "chelsea.png", "coffee.png")),
        "files": ("md5", Polarity.KNOWN_BAD, ("rocket.jpg",)),
        "system": ("sha1", Polarity.KNOWN_GOOD, ("brick.png", "chelsea.png")),
    }
    for name, (hash_type, polarity, pictures) in lists.items():
        values = [api.hash_file(PHOTOGRAPHS[p], [hash_type])[hash_type].hex for p in pictures]
        import_text(home, name, "".join(f"{value}\n" for value in values), hash_type, polarity)
    publish(home)
    return home
