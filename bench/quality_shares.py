"""From what was found of each changed tile to shares with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.quality_corpus import SEED
from bench.quality_measure import OPINION, Found

COLUMNS = ("plain", "orientations", "thorough, strong", "thorough", OPINION)


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


def recall(results: Sequence[Found]) -> dict[str, dict[str, dict[str, float]]]:
    """Return recall with its interval, by group of changes and column."""
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


def by_change(results: Sequence[Found]) -> dict[str, dict[str, float]]:
    """Return recall by change and column."""
    table: dict[str, dict[str, list[bool]]] = {}
    for found in results:
        row = table.setdefault(found.name, {column: [] for column in COLUMNS})
        for column, right in found.right.items():
            row[column].append(right)
    return {
        name: {column: float(np.mean(outcomes)) for column, outcomes in row.items()}
        for name, row in table.items()
    }


def false(
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


def types(
    by_type: Sequence[Mapping[tuple[str, str, str], tuple[str, bool]]],
) -> dict[str, dict[str, dict[str, float]]]:
    """Return recall with its interval, by hash type and group of changes."""
    groups: dict[str, dict[str, list[tuple[str, str, bool]]]] = {}
    for rows in by_type:
        for (name, group, change), (source, found) in rows.items():
            groups.setdefault(name, {}).setdefault(group, []).append((source, change, found))
    return {
        name: {group: bootstrap(outcomes) for group, outcomes in by_group.items()}
        for name, by_group in groups.items()
    }
