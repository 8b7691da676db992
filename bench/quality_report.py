"""The shares of a run as tables for people, as promised figures, as plots and as notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench import quality_transforms
from bench.harness import Figure
from bench.plots import Plot, Series
from bench.quality_measure import OPINION, OPINION_EVERY
from bench.quality_shares import COLUMNS
from hashmatch import hash_types

GOALS = {
    quality_transforms.PHOTOMETRIC: 0.98,
    quality_transforms.ORIENTATIONS: 0.99,
    quality_transforms.BORDERS: 0.90,
    quality_transforms.CROPS: 0.80,
    quality_transforms.ROTATIONS: 0.80,
    quality_transforms.TEXT: 0.85,
}
MOST_FALSE = {"strong": 0.0, "possible": 1e-5}


def print_tables(figures: Mapping[str, Any]) -> None:
    """Print a run's shares as tables, with every goal and whether it is reached."""
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
