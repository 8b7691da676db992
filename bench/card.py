"""The quality card of every hash type: how far apart copies are, and how far strangers.

Held-out photographs are changed as in ``bench/quality_transforms.py`` and hashed from the bytes of
the changed file. For each hash type this gives the distances of same and of different pairs, the
recall at every false-match rate (the ROC), the threshold that holds a rate, and the recall of each
group of changes at one fixed rate for all types, so that types of different lengths compare. What
the whole matcher makes of it, probes, tiers and cost, is measured by ``bench.quality``.

Usage: python -m bench.card [--tiles N] [--folder DIR] [--json] [--quick]
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.harness import Figure, measured, report
from bench.plots import Plot, Series
from bench.quality_corpus import SEED, Tile, load
from bench.quality_measure import PERCEPTUAL
from bench.quality_transforms import ORIENTATIONS, transforms
from hashmatch import hash_types, hashing, media

FIGURES = ("bench.held-out",)
RATES = (1e-3, 1e-4, 1e-5)
FIXED = 1e-4
"""The false-match rate at which recalls of types and changes are compared."""
SHARE = 3
"""Every tile is changed in one of so many parts of the ways, the next tile in the next part."""

Counts = NDArray[np.int64]


@dataclass(slots=True)
class Card:
    """What is known of one hash type.

    Parameters
    ----------
    bits : int
    different : (bits + 1,) int64
        How many pairs of different photographs lie at each distance.
    same : dict
        By group of changes: how many copies lie at each distance from their original.
    """

    bits: int
    different: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    same: dict[str, Counts] = field(default_factory=dict)

    @property
    def pairs(self) -> int:
        """How many pairs of different photographs were compared."""
        return int(self.different.sum())

    def false_rate(self, distance: int) -> float:
        """Return the share of different pairs within a distance."""
        return float(self.different[: distance + 1].sum() / max(1, self.pairs))

    def known_rates(self) -> list[float]:
        """Return the rates that there are pairs enough to know."""
        return [rate for rate in RATES if rate * self.pairs >= 3]

    def threshold(self, rate: float) -> int:
        """Return the largest distance that holds a false-match rate; -1 if even 0 does not."""
        within = np.cumsum(self.different) / max(1, self.pairs)
        return int(np.searchsorted(within, rate, side="right")) - 1

    def recall(self, group: str, distance: int) -> float:
        """Return the share of a group's copies within a distance."""
        counts = self.same[group]
        return float(counts[: distance + 1].sum() / max(1, counts.sum()))

    def mean_recall(self, distance: int) -> float:
        """Return the recall of all groups, each counting the same."""
        return float(np.mean([self.recall(group, distance) for group in self.same]))


def folder_of(folder: Path) -> tuple[Tile, ...]:
    """Return the pictures of a folder and all below it, each a photograph of its own."""
    tiles = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            with Image.open(path) as opened:
                picture = opened.convert("RGB")
        except OSError:  # no picture
            continue
        picture.thumbnail((800, 800))
        tiles.append(Tile(str(path.relative_to(folder)), "whole", np.asarray(picture)))
    return tuple(tiles)


def distances_of(job: tuple[int, Tile]) -> tuple[dict[str, bytes], list[tuple[str, str, int]]]:
    """Hash a tile and copies of it, changed in a third of the ways there are.

    Returns
    -------
    dict, list
        The tile's values by type, of those whose quality passes the type's gate; and (type, group,
        distance) of every copy, in the best of eight orientations where the change turns it.
    """
    number, tile = job
    own = {
        name: value.bytes
        for name, value in hashing.compute(tile.pixels, PERCEPTUAL).items()
        if (value.quality or 0) >= hash_types.get(name).min_quality
    }
    rows = []
    picture = Image.fromarray(tile.pixels)
    for change in transforms()[number % SHARE :: SHARE]:
        pixels = media.decode(change.apply(picture)).frames[0].pixels
        if change.group == ORIENTATIONS:
            found = hashing.compute_orientations(pixels, tuple(own))
        else:
            found = {name: (value,) for name, value in hashing.compute(pixels, tuple(own)).items()}
        for name, values in found.items():
            nearest = min(_distance(value.bytes, own[name]) for value in values)
            rows.append((name, change.group, nearest))
    return own, rows


def _distance(a: bytes, b: bytes) -> int:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()


def cards(tiles: Sequence[Tile], processes: int) -> dict[str, Card]:
    """Measure every hash type over some tiles."""
    made = {name: Card(hash_types.get(name).bits) for name in PERCEPTUAL}
    known: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    with ProcessPoolExecutor(processes) as pool:
        for number, (tile, (own, rows)) in enumerate(
            zip(tiles, pool.map(distances_of, enumerate(tiles), chunksize=4), strict=True)
        ):
            if number % 50 == 0:
                print(f"card: {number} of {len(tiles)} pictures", file=sys.stderr)
            for name, value in own.items():
                known[name].append((tile.source, value))
            for name, group, distance in rows:
                card = made[name]
                counts = card.same.setdefault(group, np.zeros(card.bits + 1, np.int64))
                counts[distance] += 1
    for name, card in made.items():
        card.different = _between(known[name], card.bits)
    return made


def _between(known: Sequence[tuple[str, bytes]], bits: int) -> Counts:
    """Count the distances of all pairs of tiles of different photographs."""
    counts = np.zeros(bits + 1, np.int64)
    names = sorted({source for source, _ in known})
    sources = np.array([names.index(source) for source, _ in known])
    codes = np.frombuffer(b"".join(value for _, value in known), np.uint8).reshape(len(known), -1)
    for row in range(len(known) - 1):
        others = codes[row + 1 :][sources[row + 1 :] != sources[row]]
        apart = np.bitwise_count(others ^ codes[row]).sum(axis=1, dtype=np.int64)
        counts += np.bincount(apart, minlength=bits + 1)
    return counts


def figures(made: Mapping[str, Card], tiles: int) -> list[Figure]:
    """Return the figures: recall of each type at fixed rates and at its own threshold."""
    found = [measured("held-out pictures behind the card", [tiles], "pictures", 400, below=False,
                      name="bench.held-out")]  # fmt: skip
    for name, card in made.items():
        for rate in card.known_rates():
            at = card.threshold(rate)
            found.append(
                measured(
                    f"{name}: recall, mean of groups, at {rate:g} false matches a pair "
                    f"(distance <= {at} of {card.bits})",
                    [100 * card.mean_recall(at)], "%", below=False, name=f"card.{name}.{rate:g}",
                )
            )  # fmt: skip
        at = hash_types.get(name).max_distance
        found.append(
            measured(
                f"{name}: recall, mean of groups, at its default threshold (distance <= {at}; "
                f"{card.false_rate(at):.1e} false matches a pair)",
                [100 * card.mean_recall(at)], "%", below=False, name=f"card.{name}.default",
            )
        )  # fmt: skip
        for group in card.same:
            at = card.threshold(FIXED)
            found.append(
                measured(
                    f"{name}: recall of {group} at {FIXED:g} false matches a pair",
                    [100 * card.recall(group, at)], "%", below=False, name=f"card.{name}.{group}",
                )
            )  # fmt: skip
    return found


def plots(made: Mapping[str, Card]) -> list[Plot]:
    """Return distributions, ROC and recall by change."""
    drawn = [
        Plot("card-roc", "Recall at each false-match rate (mean of groups of changes)",
             "false matches per pair of different photographs", "recall (%)", "log-x",
             tuple(_roc(name, card) for name, card in made.items())),
        Plot("card-recall", f"Recall by change at {FIXED:g} false matches a pair", "recall (%)",
             "", "bars", tuple(
                 Series(name, tuple(card.same),
                        tuple(100 * card.recall(g, card.threshold(FIXED)) for g in card.same))
                 for name, card in made.items())),
    ]  # fmt: skip
    for name, card in made.items():
        same = np.sum(list(card.same.values()), axis=0)
        groups = [("different photographs", card.different), ("copies, all changes", same)]
        groups += [(f"copies: {group}", counts) for group, counts in card.same.items()][:1]
        x = tuple(float(bit) for bit in range(card.bits + 1))
        series = tuple(
            Series(label, x, tuple((100 * np.cumsum(counts) / max(1, counts.sum())).tolist()))
            for label, counts in groups
        )
        drawn.append(
            Plot(f"card-distances-{name}", f"{name}: share of pairs within a distance",
                 f"distance (of {card.bits} bits)", "share (%)", "steps", series)
        )  # fmt: skip
    return drawn


def _roc(name: str, card: Card) -> Series:
    points: dict[float, float] = {}
    for distance in range(card.bits + 1):
        rate = card.false_rate(distance)
        if rate > 0:
            points[rate] = 100 * card.mean_recall(distance)
    return Series(name, tuple(points), tuple(points.values()))


def thresholds(made: Mapping[str, Card]) -> list[dict[str, Any]]:
    """Return the threshold table: for every type and rate the distance and the recall."""
    return [
        {
            "type": name, "rate": rate, "distance": card.threshold(rate), "bits": card.bits,
            "pairs": card.pairs, "recall": card.mean_recall(card.threshold(rate)),
        }
        for name, card in made.items()
        for rate in card.known_rates()
    ]  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles", type=int, default=450, help="pictures at most")
    parser.add_argument("--folder", type=Path, help="your own pictures instead of the corpus")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="40 pictures")
    chosen = parser.parse_args()
    everything = folder_of(chosen.folder) if chosen.folder else load().held_out
    count = min(len(everything), 40 if chosen.quick else chosen.tiles)
    # spread evenly, so that every photograph is there
    tiles = [everything[at * len(everything) // count] for at in range(count)]
    made = cards(tiles, chosen.processes)
    pairs = min(card.pairs for card in made.values())
    notes = {
        "pictures": f"{len(tiles)} tiles of {len({t.source for t in tiles})} held-out photographs, "
        f"each changed in a third of {len(transforms())} ways; none was used to choose a threshold",
        "false matches": f"over at least {pairs:,} pairs of tiles of different photographs, "
        "upright; a rate is known only as far as there are pairs",
        "orientations": "for turned copies the best of eight orientations counts, which looks "
        "eight times as often, so their false-match rate is up to eight times the one named",
        "seed": SEED,
    }
    report("Quality card of the hash types", figures(made, len(tiles)), notes, chosen.json,
           plots(made), {"thresholds": thresholds(made)})  # fmt: skip


if __name__ == "__main__":
    main()
