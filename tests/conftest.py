"""Pictures and lists that several rooms' tests share. Every picture is made or ships in a wheel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import skimage
import sklearn
from PIL import Image

from hashmatch.home import Home

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


@pytest.fixture(scope="session")
def known_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home whose live snapshot knows three photographs, read by tests only.

    ``photos`` is a known-bad list of PDQ values, ``files`` a known-bad one of MD5 values, and
    ``system`` a known-good one of SHA-1 values.
    """
    from hashmatch import api
    from hashmatch.lists import readers
    from hashmatch.lists.catalog import Catalog
    from hashmatch.publish import publish
    from hashmatch.types import Polarity

    folder = tmp_path_factory.mktemp("known")
    home = Home(folder / "home")
    home.ensure()
    lists = {
        "photos": ("pdq", Polarity.KNOWN_BAD, ("astronaut.png", "chelsea.png", "coffee.png")),
        "files": ("md5", Polarity.KNOWN_BAD, ("rocket.jpg",)),
        "system": ("sha1", Polarity.KNOWN_GOOD, ("brick.png", "chelsea.png")),
    }
    with Catalog.open(home.catalog) as catalog:
        for name, (hash_type, polarity, pictures) in lists.items():
            source = folder / f"{name}.txt"
            source.write_text(
                "".join(
                    f"{api.hash_file(PHOTOGRAPHS[p], [hash_type])[hash_type].hex}\n"
                    for p in pictures
                )
            )
            reading = readers.read([source], hash_type=hash_type)
            catalog.import_list(
                name, reading, source_files=[source], format=reading.format, polarity=polarity
            )
    publish(home)
    return home
