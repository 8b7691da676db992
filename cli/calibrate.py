"""``hashmatch calibrate``: which thresholds your own benign pictures allow."""

from __future__ import annotations

from collections import Counter

import click

from hashmatch.cli.matching_options import profile_option
from hashmatch.cli.options import json_option, pass_home
from hashmatch.cli.output import print_json, print_table, say
from hashmatch.home import Home
from hashmatch.indexes.snapshot import Snapshot
from hashmatch.matching.calibrate import CONFIDENCE, Calibration, calibrate
from hashmatch.matching.profiles import get_profile
from hashmatch.matching.search import Searcher
from hashmatch.scan import walk


@click.command("calibrate")
@click.argument("folders", metavar="DIR...", nargs=-1, required=True)
@click.option("--list", "list_name", required=True, help="The list to calibrate.")
@profile_option("How the pictures are looked at; take the one you match with.")
@json_option
@pass_home
def calibrate_command(
    home: Home, folders: tuple[str, ...], list_name: str, profile: str, as_json: bool
) -> None:
    """Measure how near your own benign pictures come to a list, and propose thresholds.

    DIR holds ordinary pictures that are certainly not on the list, such as a sample of your
    traffic. Nothing of them is kept but counts of distances. The more pictures, the smaller the
    share of mistakes that can be vouched for: nothing near in 3,000 pictures means at most 1 in
    1,000, with 95 % confidence.

    \b
    Example:
      hashmatch calibrate sample-of-uploads --list ncmec --profile thorough
    """
    searcher = Searcher(Snapshot.open(home.snapshots))
    paths = (found.path for found in walk(folders) if found.refused is None)
    measured, used = calibrate(searcher, list_name, paths, profile=get_profile(profile))
    if as_json:
        print_json(
            {
                "list": list_name,
                "profile": profile,
                "snapshot": searcher.snapshot.id,
                "files": dict(used),
                "types": [found.to_json() for found in measured.types.values()],
            }
        )
        return
    _print(list_name, measured, used)


def _print(list_name: str, measured: Calibration, used: Counter[str]) -> None:
    others = ", ".join(f"{count} {reason}" for reason, count in used.items() if reason != "used")
    say(f"{used['used']:,} pictures used" + (f"; not used: {others}" if others else ""))
    for found in measured.types.values():
        print_table(
            f"{found.hash_type} values of {list_name}: distances of {found.pictures:,} pictures "
            f"({found.poor:,} of too low quality)",
            ["threshold", "mistaken", f"share at most ({CONFIDENCE:.0%} sure)"],
            [
                [
                    f"{distance} bits" + (" (now)" if distance == found.max_distance else ""),
                    found.mistaken(distance),
                    f"{found.bound(distance):.2e}",
                ]
                for distance in sorted({found.max_distance, *found.nearest, found.reach})
            ],
        )
        for shape in found.to_json()["proposals"]:
            proposed = shape["max_distance"]
            say(
                f"  to mistake at most {shape['share']:g} of such pictures: "
                + ("more pictures are needed" if proposed is None else f"{proposed} bits or less")
                + (" (further was not looked)" if proposed == found.reach else "")
            )
