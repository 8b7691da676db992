"""How many altered copies are found, how many unrelated pictures are mistaken, and what it costs.

Photographs held out from tuning (``bench/quality_corpus.py``) are put on a list, changed in the
ways of ``bench/quality_transforms.py``, and given to the matcher's own code as files. Printed are

* recall by group of changes, for the rule ``plain`` (what Meta's rule gives), for ``thorough``
  with its strong tier alone, and with its possible tier, for a list of PDQ values alone and for
  one that has a dhash16 value beside each;
* false matches per pair of unrelated pictures, apart for photographs, drawn and made pictures;
* recall of every hash type by itself;
* the cost of each profile, end to end on a JPEG of 1600 pixels with a list of 10 million.

Confidence intervals of recall are by bootstrap over photographs, because tiles of one photograph
are related; those of rates are Wilson's, or three over the number of pairs where none was found.

Usage: python -m bench.quality [--json] [--quick] [--part held_out|tuning] [--no-cost] [--rows N]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench import quality_cost, quality_transforms
from bench.harness import Figure, report
from bench.plots import Plot, Series
from bench.quality_corpus import SEED, Tile, load, made
from bench.quality_lists import Entry, write_lists
from hashmatch import hash_types, hashing, media
from hashmatch.hash_types import HashKind
from hashmatch.indexes.snapshot import Snapshot
from hashmatch.matching.examine import CANONICAL, Probe, examine
from hashmatch.matching.plan import Plan
from hashmatch.matching.profiles import get_profile
from hashmatch.matching.search import Searcher
from hashmatch.types import Hit, Orientation, Tier

FIGURES = (
    "match.photometric", "match.orientations", "match.borders", "match.crops", "match.rotations",
    "match.text", "match.published", "match.false-strong", "match.false-possible",
    "match.cost-orientations", "match.cost-strong", "match.cost-thorough",
)  # fmt: skip
GOALS = {
    quality_transforms.PHOTOMETRIC: 0.98,
    quality_transforms.ORIENTATIONS: 0.99,
    quality_transforms.BORDERS: 0.90,
    quality_transforms.CROPS: 0.80,
    quality_transforms.ROTATIONS: 0.80,
    quality_transforms.TEXT: 0.85,
}
OPINION = "thorough + dhash16"
OPINION_EVERY = 12
COLUMNS = ("plain", "orientations", "thorough, strong", "thorough", OPINION)
TYPES = ("pdq", "dhash16")
MOST_FALSE = {"strong": 0.0, "possible": 1e-5}
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


def _start(root: Path, snapshots: Mapping[str, str]) -> None:
    global _measurer
    _measurer = Measurer(root, snapshots)


def _measure(job: tuple[int, Tile]) -> list[Found]:
    assert _measurer is not None
    return _measurer.measure(*job)


def _type_recall(tile: Tile) -> dict[tuple[str, str, str], tuple[str, bool]]:
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


def bootstrap(outcomes: Sequence[tuple[str, str, bool]], rounds: int = 1000) -> dict[str, float]:
    """Return the mean over changes of a group's recall, with its 95 % interval.

    Parameters
    ----------
    outcomes : sequence of (photograph, change, found)
    rounds : int
        How often photographs are drawn anew, with replacement.
    """
    photographs = sorted({source for source, _, _ in outcomes})
    changes = sorted({change for _, change, _ in outcomes})
    right = np.zeros((len(photographs), len(changes)))
    count = np.zeros_like(right)
    row = {source: i for i, source in enumerate(photographs)}
    column = {change: i for i, change in enumerate(changes)}
    for source, change, found in outcomes:
        right[row[source], column[change]] += found
        count[row[source], column[change]] += 1
    rng = np.random.default_rng(SEED)
    means = []
    for _ in range(rounds):
        drawn = rng.integers(0, len(photographs), len(photographs))
        totals = count[drawn].sum(0)
        means.append(float((right[drawn].sum(0) / np.maximum(totals, 1)).mean()))
    low, high = np.quantile(means, [0.025, 0.975])
    mean = float((right.sum(0) / count.sum(0)).mean())
    return {"recall": mean, "low": float(low), "high": float(high), "n": len(outcomes)}


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate; three over the trials where nothing was hit."""
    if not trials:
        return 0.0, 1.0
    if not hits:
        return 0.0, 3 / trials
    z, share = 1.96, hits / trials
    middle = share + z * z / (2 * trials)
    spread = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return float((middle - spread) / scale), float((middle + spread) / scale)


def run(part: str, quick: bool, processes: int) -> dict[str, Any]:
    """Measure recall and false matches and return the figures."""
    corpus = load()
    tiles: Sequence[Tile] = getattr(corpus, part)
    photographs = [
        (tile, values) for tile in tiles if _good(values := hashing.compute(tile.pixels, TYPES))
    ]
    drawn = [
        (tile, values)
        for tile in corpus.drawn
        if _good(values := hashing.compute(tile.pixels, TYPES))
    ]
    synthetic = [hashing.compute(tile.pixels, TYPES) for tile in made(500)]
    lists: dict[str, list[Entry]] = {
        "photographs": [(f"{i}/{t.source}", v) for i, (t, v) in enumerate(photographs)],
        "drawn": [(f"{i}/{t.source}", v) for i, (t, v) in enumerate(drawn)],
        "made": [(f"{i}/made", v) for i, v in enumerate(synthetic)],
    }
    jobs = [(i, tile) for i, (tile, _) in enumerate(photographs)][:: 8 if quick else 1]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        snapshots = {
            "pdq": write_lists(root, lists, ["pdq"]),
            "both": write_lists(root, lists, ["pdq", "dhash16"]),
        }
        with ProcessPoolExecutor(processes, initializer=_start, initargs=(root, snapshots)) as pool:
            results = [found for many in pool.map(_measure, jobs, chunksize=2) for found in many]
            by_type = list(pool.map(_type_recall, [tile for _, tile in jobs[::12]]))
    sources: dict[str, int] = defaultdict(int)
    for tile, _ in photographs:
        sources[tile.source] += 1
    others = {
        "photographs": {source: len(photographs) - n for source, n in sources.items()},
        "drawn": dict.fromkeys(sources, len(drawn)),
        "made": dict.fromkeys(sources, len(synthetic)),
    }
    return {
        "part": part,
        "seed": SEED,
        "photographs": len(sources),
        "tiles": len(photographs),
        "tiles measured": len(jobs),
        "changes": len(quality_transforms.transforms()),
        "recall": _recall(results),
        "by change": _by_change(results),
        "false": _false(results, others),
        "types": _types(by_type),
    }


def _good(values: Mapping[str, Any]) -> bool:
    return (values["pdq"].quality or 0) >= 50


def _recall(results: Sequence[Found]) -> dict[str, dict[str, dict[str, float]]]:
    groups = dict.fromkeys(found.group for found in results)
    return {
        group: {
            column: bootstrap(
                [
                    (f.source, f.name, f.right[column])
                    for f in results
                    if f.group == group and column in f.right
                ]
            )
            for column in COLUMNS
        }
        for group in groups
    }


def _by_change(results: Sequence[Found]) -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, list[bool]]] = {}
    for found in results:
        row = table.setdefault(found.name, {column: [] for column in COLUMNS})
        for column, right in found.right.items():
            row[column].append(right)
    return {
        name: {column: float(np.mean(outcomes)) for column, outcomes in row.items()}
        for name, row in table.items()
    }


def _false(
    results: Sequence[Found], others: Mapping[str, Mapping[str, int]]
) -> list[dict[str, Any]]:
    """Count false matches per pair of a changed picture and an unrelated entry, both good."""
    rows = []
    for scope, chosen in (
        ("pictures as they are, JPEG q75", [f for f in results if f.name == "jpeg 75"]),
        ("all changed pictures", list(results)),
    ):
        good = [found for found in chosen if found.good]
        for name, count in others.items():
            for column, tier in (
                ("plain", "strong"),
                ("thorough", "strong"),
                ("thorough", "possible"),
                (OPINION, "possible"),
            ):
                chosen = [found for found in good if column in found.right]
                pairs = sum(count[found.source] for found in chosen)
                hits = sum(found.wrong.get((column, tier, name), 0) for found in chosen)
                low, high = wilson(hits, pairs)
                rows.append(
                    {
                        "scope": scope,
                        "entries": name,
                        "column": column,
                        "tier": tier,
                        "pairs": pairs,
                        "false": hits,
                        "rate": hits / pairs if pairs else 0.0,
                        "low": low,
                        "high": high,
                    }
                )
    return rows


def _types(
    by_type: Sequence[Mapping[tuple[str, str, str], tuple[str, bool]]],
) -> dict[str, dict[str, dict[str, float]]]:
    groups: dict[str, dict[str, list[tuple[str, str, bool]]]] = {}
    for rows in by_type:
        for (name, group, change), (source, found) in rows.items():
            groups.setdefault(name, {}).setdefault(group, []).append((source, change, found))
    return {
        name: {group: bootstrap(outcomes) for group, outcomes in by_group.items()}
        for name, by_group in groups.items()
    }


def _print(figures: Mapping[str, Any]) -> None:
    print(
        f"\nrecall on the {figures['part']} part: {figures['tiles measured']} of "
        f"{figures['tiles']} tiles of {figures['photographs']} photographs, "
        f"{figures['changes']} changes, seed {figures['seed']}; "
        "[95 % by bootstrap over photographs]"
    )
    print(f"{'group':<40}" + "".join(f"{column:>26}" for column in COLUMNS) + "  goal")
    for group, row in figures["recall"].items():
        cells = "".join(
            f"{row[c]['recall']:>10.3f} [{row[c]['low']:.3f}, {row[c]['high']:.3f}]"
            for c in COLUMNS
        )
        goal = GOALS.get(group)
        value = row["thorough"]["recall"]
        mark = "" if goal is None else "  reached" if value >= goal else "  MISSED"
        print(f"{group:<40}{cells}  {'-' if goal is None else f'>= {goal:g}'}{mark}")
    print(f"\n{'change':<40}" + "".join(f"{column:>20}" for column in COLUMNS))
    for name, row in figures["by change"].items():
        print(f"{name:<40}" + "".join(f"{row[column]:>20.3f}" for column in COLUMNS))
    print("\nfalse matches per pair of unrelated pictures, quality >= 50 [95 %]")
    for row in figures["false"]:
        limit = MOST_FALSE[row["tier"]]
        held_to = row["entries"] == "photographs" and row["column"] == "thorough"
        mark = "" if not held_to else "  reached" if row["rate"] <= limit else "  MISSED"
        print(
            f"{row['scope']:<32} {row['entries']:<12} {row['column']:<19} {row['tier']:<9}"
            f"{row['false']:>4} of {row['pairs']:>10,} = {row['rate']:.1e} "
            f"[{row['low']:.1e}, {row['high']:.1e}]"
            + (f"  goal <= {limit:g}{mark}" if held_to else "")
        )
    print("\nrecall of each hash type by itself, at its default threshold and quality gate")
    groups = list(next(iter(figures["types"].values())))
    for name, by_group in figures["types"].items():
        known = hash_types.get(name)
        print(f"{name} (<= {known.max_distance} of {known.bits}, quality >= {known.min_quality})")
        for group in groups:
            row = by_group[group]
            print(
                f"  {group:<40} {row['recall']:.3f} [{row['low']:.3f}, {row['high']:.3f}] "
                f"n {row['n']}"
            )


def as_figures(found: Mapping[str, Any]) -> list[Figure]:
    """Return the promised figures of a run: recall of ``thorough``, and false matches."""
    promised = {
        quality_transforms.PHOTOMETRIC: "photometric",
        quality_transforms.ORIENTATIONS: "orientations",
        quality_transforms.BORDERS: "borders",
        quality_transforms.CROPS: "crops",
        quality_transforms.ROTATIONS: "rotations",
        quality_transforms.TEXT: "text",
        quality_transforms.PUBLISHED: "published",
    }
    figures = []
    for group, row in found["recall"].items():
        goal = GOALS.get(group)
        for column, recall in row.items():
            held_to = column == "thorough"
            name = promised[group] if held_to else f"{promised[group]}.{column}"
            figures.append(
                Figure(
                    f"recall of {column}: {group}", 100 * recall["recall"], 100 * recall["low"],
                    100 * recall["high"], 100 * goal if goal and held_to else None, unit="%",
                    name=f"match.{name}", note=f"{recall['n']:,} changed pictures",
                )
            )  # fmt: skip
    for row in found["false"]:
        strong = row["tier"] == "strong"
        held_to = (
            row["entries"] == "photographs"
            and row["column"] == "thorough"
            and row["scope"] == "all changed pictures"
        )
        value, low, high = (row["false"],) * 3 if strong else (row["rate"], row["low"], row["high"])
        words = f"{row['entries']}, {row['column']}, {row['scope']}"
        figures.append(
            Figure(
                f"false matches at {row['tier']}, {row['pairs']:,} pairs: {words}",
                value, low, high, MOST_FALSE[row["tier"]] if held_to else None, below=True,
                unit="failures" if strong else "rate",
                name=f"match.false-{row['tier']}" + ("" if held_to else f".{words}"),
            )
        )  # fmt: skip
    for name, by_group in found["types"].items():
        for group, recall in by_group.items():
            figures.append(
                Figure(
                    f"recall of {name} by itself: {group}", 100 * recall["recall"],
                    100 * recall["low"], 100 * recall["high"], None, unit="%",
                    name=f"match.{promised[group]}.{name}",
                )
            )  # fmt: skip
    return figures


def plots(found: Mapping[str, Any]) -> list[Plot]:
    """Return recall by group of changes for every profile, and by hash type."""

    def bars(label: str, by_group: Mapping[str, Mapping[str, float]]) -> Series:
        values = {
            key: tuple(100 * row[key] for row in by_group.values())
            for key in ("recall", "low", "high")
        }
        return Series(label, tuple(by_group), values["recall"], values["low"], values["high"])

    profiles = [
        bars(column, {group: row[column] for group, row in found["recall"].items()})
        for column in COLUMNS
    ]
    types = [bars(name, by_group) for name, by_group in found["types"].items()]
    return [
        Plot("recall-profiles", "Recall by change and profile (95 % by bootstrap)", "recall (%)",
             "", "bars", tuple(profiles)),
        Plot("recall-types", "Recall of each hash type by itself, at its default threshold",
             "recall (%)", "", "bars", tuple(types)),
    ]  # fmt: skip


def notes(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a reader has to know."""
    return {
        "pictures": f"{found['tiles measured']} of {found['tiles']} tiles of "
        f"{found['photographs']} photographs, {found['part'].replace('_', '-')} part, "
        f"{found['changes']} changes each",
        "intervals": "95 %, recall by bootstrap over photographs, rates by Wilson",
        "columns": f"plain is what Meta's rule finds; {OPINION} is over every "
        f"{OPINION_EVERY}th tile",
        "seed": found["seed"],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="every eighth tile, 1 M rows")
    parser.add_argument("--part", choices=("held_out", "tuning"), default="held_out")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--no-cost", action="store_true", help="leave out the cost")
    parser.add_argument("--only-cost", action="store_true", help="leave out all but the cost")
    parser.add_argument("--rows", type=int, help="size of the list the cost is measured with")
    parser.add_argument("--keep", type=Path, help="folder that list is kept in between runs")
    asked = parser.parse_args()
    figures: list[Figure] = []
    told: dict[str, Any] = {}
    drawn: list[Plot] = []
    more: dict[str, Any] = {}
    if not asked.only_cost:
        found = run(asked.part, asked.quick, asked.processes)
        figures, told, drawn = as_figures(found), notes(found), plots(found)
        more = {"by change": found["by change"]}
        if not asked.json:
            _print(found)
            print()
    if not asked.no_cost:
        rows = asked.rows or (1_000_000 if asked.quick else 10_000_000)
        costs, about = quality_cost.run(rows, asked.keep)
        figures, told = [*figures, *costs], told | about
    report("Recall, false matches and cost of matching", figures, told, asked.json, drawn, more)


if __name__ == "__main__":
    main()
