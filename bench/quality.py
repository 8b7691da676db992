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
from pathlib import Path
from typing import Any

from bench import quality_cost, quality_report, quality_shares, quality_transforms
from bench.harness import Figure, report
from bench.plots import Plot
from bench.quality_corpus import SEED, Tile, load, made
from bench.quality_lists import Entry, write_lists
from bench.quality_measure import TYPES, measure, start, type_recall
from hashmatch import hashing

FIGURES = (
    "match.photometric", "match.orientations", "match.borders", "match.crops", "match.rotations",
    "match.text", "match.published", "match.false-strong", "match.false-possible",
    "match.cost-orientations", "match.cost-strong", "match.cost-thorough",
)  # fmt: skip


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
        with ProcessPoolExecutor(processes, initializer=start, initargs=(root, snapshots)) as pool:
            results = [found for many in pool.map(measure, jobs, chunksize=2) for found in many]
            by_type = list(pool.map(type_recall, [tile for _, tile in jobs[::12]]))
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
        "recall": quality_shares.recall(results),
        "by change": quality_shares.by_change(results),
        "false": quality_shares.false(results, others),
        "types": quality_shares.types(by_type),
    }


def _good(values: Mapping[str, Any]) -> bool:
    return (values["pdq"].quality or 0) >= 50


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
        figures = quality_report.as_figures(found)
        told, drawn = quality_report.notes(found), quality_report.plots(found)
        more = {"by change": found["by change"]}
        if not asked.json:
            quality_report.print_tables(found)
            print()
    if not asked.no_cost:
        rows = asked.rows or (1_000_000 if asked.quick else 10_000_000)
        costs, about = quality_cost.run(rows, asked.keep)
        figures, told = [*figures, *costs], told | about
    report("Recall, false matches and cost of matching", figures, told, asked.json, drawn, more)


if __name__ == "__main__":
    main()
