"""What each profile costs against ``plain``: bytes to answer, on one JPEG and one large list."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from PIL import Image

from bench.corpus import photographs, rgb
from bench.harness import Figure, cost, interleave
from bench.quality_corpus import SEED
from bench.quality_lists import write_random
from bench.quality_transforms import encode
from hashmatch import Matcher

LONG_SIDE = 1600


def run(rows: int, kept: Path | None = None) -> tuple[list[Figure], dict[str, str]]:
    """Return the cost of the profiles with a list of so many random values, and notes.

    The list is written into ``kept``, if that is given, and left there for the next run.
    """
    picture = rgb(photographs()["china.jpg"])
    height = round(LONG_SIDE * picture.height / picture.width)
    data = encode(picture.resize((LONG_SIDE, height), Image.Resampling.BICUBIC))
    with tempfile.TemporaryDirectory() as folder:
        root = (kept or Path(folder)) / str(rows)
        if not (root / "CURRENT").exists():
            root.mkdir(parents=True)
            write_random(root, rows, SEED)
        matchers = {
            "plain": Matcher(root, profile="plain"),
            "orientations": Matcher(root, profile="orientations"),
            "thorough, strong tier only": Matcher(root, profile="thorough", possible=False),
            "thorough": Matcher(root, profile="thorough"),
        }
        times = interleave(
            {name: partial(matcher.match_bytes, data) for name, matcher in matchers.items()}
        )
        figures = [
            cost(f"cost of {profile} against plain, {rows:,} hashes", times[profile],
                 times["plain"], goal, name=f"match.cost-{name}")
            for profile, name, goal in (
                ("orientations", "orientations", 1.2),
                ("thorough, strong tier only", "strong", 2.0),
                ("thorough", "thorough", 6.0),
            )
        ]  # fmt: skip
        searched = matchers["plain"].snapshot.base_index("pdq")
        notes = {
            "picture of the cost": f"JPEG {LONG_SIDE} x {height}, {len(data):,} bytes, no match",
            "list of the cost": f"{rows:,} random PDQ values, index {searched.kind}",
            "plain": f"{times['plain'].median * 1e3:.1f} ms end to end",
        }
        for matcher in matchers.values():
            matcher.close()
    return figures, notes
