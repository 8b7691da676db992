"""Changed tiles given to the matcher's own code, and what it says about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from bench import quality_transforms
from bench.quality_corpus import Tile
from hashmatch import hash_types, hashing, media
from hashmatch.hash_types import HashKind
from hashmatch.indexes.snapshot import Snapshot
from hashmatch.matching.examine import CANONICAL, Probe, examine
from hashmatch.matching.plan import Plan
from hashmatch.matching.profiles import get_profile
from hashmatch.matching.search import Searcher
from hashmatch.types import Hit, Orientation, Tier

OPINION = "thorough + dhash16"
OPINION_EVERY = 12
TYPES = ("pdq", "dhash16")
PERCEPTUAL = tuple(
    name
    for name in hash_types.names()
    if hash_types.get(name).kind is HashKind.PERCEPTUAL and name in hashing.computable()
)


@dataclass(slots=True)
class Found:
    """What the matcher said about one changed tile, by column.

    Parameters
    ----------
    source : str
        The photograph the tile is of.
    group, name : str
        The change.
    good : bool
        Whether the changed picture's own PDQ quality is 50 or more.
    right : dict
        By column: whether the tile's own entry was found.
    wrong : dict
        By column and tier: which lists' entries of other photographs were found, and how often.
    """

    source: str
    group: str
    name: str
    good: bool
    right: dict[str, bool] = field(default_factory=dict)
    wrong: dict[tuple[str, str, str], int] = field(default_factory=dict)


class Measurer:
    """Gives changed tiles to the matcher's code, in a process of its own.

    Parameters
    ----------
    root : Path
        The folder of snapshots.
    snapshots : mapping
        Snapshot ids of the list of PDQ alone (``pdq``) and of the one with dhash16 (``both``).
    """

    def __init__(self, root: Path, snapshots: Mapping[str, str]) -> None:
        self.pdq = Searcher(Snapshot.open(root, snapshots["pdq"]))
        self.both = Searcher(Snapshot.open(root, snapshots["both"]))
        self.changes = quality_transforms.transforms()

    def measure(self, number: int, tile: Tile) -> list[Found]:
        """Return what is found of one tile, whose entry has the given number."""
        picture = Image.fromarray(tile.pixels)
        return [self._one(number, tile, picture, change) for change in self.changes]

    def _one(
        self, number: int, tile: Tile, picture: Image.Image, change: quality_transforms.Transform
    ) -> Found:
        profile = get_profile("thorough")
        data = change.apply(picture)
        with_opinion = number % OPINION_EVERY == 0  # the dearest part: a sample of tiles will do
        types = TYPES if with_opinion else ("pdq",)
        seen = examine(data, Plan((), tuple(types), profile, media.DEFAULT_LIMITS))
        own = seen.hashes["pdq"].quality or 0
        found = Found(tile.source, change.group, change.name, own >= 50)
        plain = [p for p in seen.probes if _upright(p)]
        turned = [p for p in seen.probes if p.variant == CANONICAL]
        answers = {
            "plain": self.pdq.search(_of(plain, "pdq")),
            "orientations": self.pdq.search(_of(turned, "pdq")),
            "thorough": self.pdq.search(_of(seen.probes, "pdq"), also_possible=True),
        }
        if with_opinion:
            answers[OPINION] = self.both.search(seen.probes, also_possible=True)
        answers["thorough, strong"] = [h for h in answers["thorough"] if h.tier is Tier.STRONG]
        for column, hits in answers.items():
            found.right[column] = any(_is_entry(hit, number) for hit in hits)
            for hit in hits:
                if hit.entry_id.split("/")[1] != tile.source:
                    key = (column, hit.tier.value, hit.list_name)
                    found.wrong[key] = found.wrong.get(key, 0) + 1
        return found


def _upright(probe: Probe) -> bool:
    return probe.variant == CANONICAL and probe.orientation is Orientation.ORIGINAL


def _of(probes: Sequence[Probe], name: str) -> list[Probe]:
    return [probe for probe in probes if probe.value.hash_type == name]


def _is_entry(hit: Hit, number: int) -> bool:
    return hit.list_name == "photographs" and hit.entry_id.split("/")[0] == str(number)


_measurer: Measurer | None = None


def start(root: Path, snapshots: Mapping[str, str]) -> None:
    """Make this process ready to measure; see :class:`Measurer`."""
    global _measurer
    _measurer = Measurer(root, snapshots)


def measure(job: tuple[int, Tile]) -> list[Found]:
    """Return what is found of one tile, whose entry has the number beside it."""
    assert _measurer is not None
    return _measurer.measure(*job)


def type_recall(tile: Tile) -> dict[tuple[str, str, str], tuple[str, bool]]:
    """Say for every hash type whether each change stays within its default threshold.

    Both sides must pass the type's quality gate, as in matching.
    """
    picture = Image.fromarray(tile.pixels)
    known = hashing.compute(tile.pixels, PERCEPTUAL)
    rows = {}
    for change in quality_transforms.transforms():
        pixels = media.decode(change.apply(picture)).frames[0].pixels
        turned = change.group == quality_transforms.ORIENTATIONS
        values = (
            hashing.compute_orientations(pixels, PERCEPTUAL)
            if turned
            else {name: (value,) for name, value in hashing.compute(pixels, PERCEPTUAL).items()}
        )
        for name in PERCEPTUAL:
            rule = hash_types.get(name)
            if (known[name].quality or 0) < rule.min_quality:
                continue  # such an entry would not be indexed
            rows[name, change.group, change.name] = (
                tile.source,
                any(
                    (value.quality or 0) >= rule.min_quality
                    and _distance(value.bytes, known[name].bytes) <= rule.max_distance
                    for value in values[name]
                ),
            )
    return rows


def _distance(a: bytes, b: bytes) -> int:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()
