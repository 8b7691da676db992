"""The pictures that matching is tuned and measured on: tiles of ordinary photographs.

The photographs of the scikit-image and scikit-learn wheels are few, so tiles of those in some
of Debian's wallpaper packages are added. They are fetched into ``.corpus/`` once, by apt, and
never committed. Every photograph belongs as a whole, with all its tiles, either to the tuning
part or to the held-out part, so nothing is measured on a picture it was tuned on.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.corpus import photographs, synthetic

Pixels = NDArray[np.uint8]
FOLDER = Path(os.environ.get("HASHMATCH_CORPUS", ".corpus"))
SEED = 20240607
PACKAGES = (
    "gnome-backgrounds",
    "mate-backgrounds",
    "ukui-wallpapers",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "plasma-workspace-wallpapers",
)
HELD_OUT_SHARE = 0.68
# wallpapers that are photographs; the other ones are drawn or rendered and serve as a harder
# set of unrelated pictures: large flat areas, regular patterns
PHOTOGRAPHS = frozenset(
    [
        "Aqua",
        "Blinds",
        "Dune",
        "FreshFlower",
        "Garden",
        "GreenMeadow",
        "LadyBird",
        "RainDrops",
        "Storm",
        "TwoWings",
        "Wood",
        "YellowFlower",
        "Bridge_by_Sander_Klootwijk",
        "Dragonfly_by_Bolly",
        "Kleiber_by_Lukas_Baubkus",
        "Picture_0B_by_freespace",
        "Picture_1A_by_freespace",
        "Wine_by_Jakkub_Mede",
        "aitzgorri_by_Aitzol_Berasategi",
        "free_by_Peter_Nerlich",
        "friends_by_Aitzol_Berasategi",
        "greentock_by_Peter_Nerlich",
        "life_by_Aitzol_Berasategi",
        "picosdeeuropa_by_Aitzol_Berasategi",
        "seeding_by_Clements_Engelhardt",
        "sunset_by_Aitzol_Berasategi",
        "BytheWater",
        "ColdRipple",
        "ColorfulCups",
        "DarkestHour",
        "EveningGlow",
        "FallenLeaf",
        "Grey",
        "Kite",
        "OneStandsOut",
        "Path",
        "summer_1am",
    ]
)
# in the wheels, but drawn, a scan of text, or a second view of another one
NOT_PHOTOGRAPHS = frozenset(
    [
        "chessboard_GRAY.png",
        "chessboard_RGB.png",
        "color.png",
        "horse.png",
        "logo.png",
        "microaneurysms.png",
        "motorcycle_right.png",
        "page.png",
        "phantom.png",
        "text.png",
    ]
)


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of the corpus.

    Parameters
    ----------
    source : str
        The photograph it was cut from; tiles of one photograph are related.
    name : str
        The tile within it.
    pixels : (H, W, 3) uint8
    """

    source: str
    name: str
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class Corpus:
    """The tiles by part.

    Parameters
    ----------
    tuning, held_out : tuple of Tile
        Tiles of photographs; the two share no photograph.
    drawn : tuple of Tile
        Tiles of drawn and rendered wallpapers, never used for tuning.
    """

    tuning: tuple[Tile, ...]
    held_out: tuple[Tile, ...]
    drawn: tuple[Tile, ...]


def load() -> Corpus:
    """Return the corpus, fetching and cutting what is not there yet.

    Raises
    ------
    SystemExit
        If the wallpaper packages are not there and apt cannot fetch them.
    """
    photographed = {name: path for name, path in photographs().items() if _wanted(name)}
    drawn: dict[str, Path] = {}
    for path in _wallpapers():
        name = path.stem if "contents" not in path.parts else path.parents[2].name
        chosen = photographed if name in PHOTOGRAPHS else drawn
        if name not in chosen or path.stat().st_size > chosen[name].stat().st_size:
            chosen[name] = path
    held_out = {name for name in photographed if _share(name) < HELD_OUT_SHARE}
    return Corpus(
        tuning=_tiles({n: p for n, p in photographed.items() if n not in held_out}),
        held_out=_tiles({n: photographed[n] for n in held_out}),
        drawn=_tiles(drawn),
    )


def made(count: int) -> tuple[Tile, ...]:
    """Return pictures with a photograph's spectrum, each from its own seed."""
    return tuple(Tile(f"made-{k}", "whole", synthetic(SEED + k, 480, 640)) for k in range(count))


def _wanted(name: str) -> bool:
    return name not in NOT_PHOTOGRAPHS


def _share(name: str) -> float:
    """Return a number in 0..1 that depends on the name and the seed alone."""
    digest = hashlib.sha256(f"{SEED} {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def fetch() -> Path:
    """Fetch the wallpaper packages that are not there yet; return the folder they lie in."""
    folder = FOLDER / "backgrounds"
    for package in PACKAGES:
        if not (folder / package).is_dir():
            _fetch(package, folder / package)
    return folder


def _wallpapers() -> list[Path]:
    """Return the wallpaper files, without previews and the dark or upright twins of others."""
    folder = fetch()
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in (".jpg", ".png", ".webp")
        and path.is_file()
        and not path.is_symlink()
        and path.stem != "screenshot"
        and path.parent.name != "images_dark"
        and not path.stem.endswith("-d")
    )


def _fetch(package: str, target: Path) -> None:
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise SystemExit(
            f"the corpus needs Debian's package {package}; unpack its .deb into {target}"
        )
    folder = target.parent / "debs"
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["apt-get", "download", package], cwd=folder, capture_output=True, text=True, check=False
    )
    found = sorted(folder.glob(f"{package}_*.deb"))
    if done.returncode or not found:
        raise SystemExit(f"apt-get download {package} failed (run apt-get update?): {done.stderr}")
    partly = target.with_suffix(".partly")
    subprocess.run(["dpkg-deb", "-x", str(found[-1]), str(partly)], check=True)
    partly.rename(target)


def _tiles(sources: dict[str, Path]) -> tuple[Tile, ...]:
    """Cut every source and drop tiles that look like an earlier one, in any orientation."""
    kept: list[Tile] = []
    looks: list[NDArray[np.float32]] = []
    for name in sorted(sources):
        for tile in _cut(name, sources[name]):
            look = _look(tile.pixels)
            if look is None:
                continue
            turned = [np.rot90(m, k) for m in (look, look[:, ::-1]) for k in range(4)]
            views = np.stack([view.ravel() for view in turned])
            if looks and float((views @ np.stack(looks).T).max()) > 0.9:
                continue
            kept.append(tile)
            looks.append(look.ravel())
    return tuple(kept)


def _cut(name: str, path: Path) -> list[Tile]:
    """Cut one picture: as a whole and, as far as it is large enough, in 4, 9 and 16 parts."""
    rng = np.random.default_rng(int(_share(name) * 2**32))
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as opened:
        opened.draft("RGB", (2048, 2048))
        picture = opened.convert("RGB")
    picture.thumbnail((2560, 2560), Image.Resampling.LANCZOS, reducing_gap=3)
    cuts = [("whole", 1)] + [("quarter", 2)] * (min(picture.size) >= 800)
    cuts += [("ninth", 3)] * (min(picture.size) >= 1000)
    cuts += [("sixteenth", 4)] * (min(picture.size) >= 1300)
    tiles = []
    for kind, parts in cuts:
        width, height = picture.width // parts, picture.height // parts
        for row in range(parts):
            for column in range(parts):
                # a little off the sides, so that sizes and aspect ratios vary
                off = (rng.uniform(0, 0.2 if parts > 1 else 0, 2) * (width, height)).astype(int)
                left, top = column * width, row * height
                box = (left, top, left + width - off[0], top + height - off[1])
                side = int(rng.integers(420, 801))
                tile = picture.crop(box)
                tile.thumbnail((side, side), Image.Resampling.LANCZOS)
                tiles.append(Tile(name, f"{kind}-{row}-{column}", np.asarray(tile)))
    return tiles


def _look(pixels: Pixels) -> NDArray[np.float32] | None:
    """Return a small grey view of unit length and zero mean; ``None`` if there is no contrast."""
    grey = Image.fromarray(pixels).convert("L").resize((32, 32), Image.Resampling.BOX)
    view = np.asarray(grey, np.float32)
    view = view - view.mean()
    length = float(np.linalg.norm(view))
    return None if length < 32 else (view / length).astype(np.float32)
