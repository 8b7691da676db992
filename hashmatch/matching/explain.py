"""A result in sentences, for the person who has to decide what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_VERDICTS = {
    "match": "This input matches known material.",
    "no_match": "This input was checked in full and matches nothing.",
    "partial": "Nothing counted as a match, but this input is not cleared.",
    "unscannable": "This input could not be checked.",
    "error": "hashmatch failed on this input; it was not checked.",
}
_TIERS = {
    "exact": "The bytes are the same as those of a known file.",
    "strong": "The picture is a near copy of a known one.",
    "possible": "The picture may be an altered copy of a known one: a person should compare them.",
}
_ORIENTATIONS = {
    "rotate90": "turned a quarter counter-clockwise",
    "rotate180": "turned upside down",
    "rotate270": "turned a quarter clockwise",
    "flip_x": "mirrored left to right",
    "flip_y": "mirrored top to bottom",
    "transpose": "mirrored along its falling diagonal",
    "transverse": "mirrored along its rising diagonal",
}
_VIEWS = (
    (r"resampled", "blurred like a larger picture"),
    (r"continued", "with its last readable rows continued over what is missing"),
    (r"extended-(left|right|top|bottom)-([\d.]+)", "continued beyond its {0} edge by {1:%}"),
    (r"extended-([\d.]+)", "continued beyond all its edges by {0:%}, as if it had been cropped"),
    (r"turned([+-][\d.]+)", "turned by {0} degrees"),
    (r"straightened([+-][\d.]+)", "turned by {0} degrees and continued beyond its edges"),
    (r"mirrored-([\d.]+)", "mirrored and continued beyond its edges by {0:%}"),
    (r"trimmed-\d+-extended-([\d.]+)", "without its border, continued by {0:%}"),
    (r"trimmed-\d+", "without its border"),
    (r"part-\d+", "reduced to the part between straight edges, without bars or a surrounding page"),
    (r"alpha_dropped", "with its transparency ignored"),
    (r"on_black", "shown over black"),
)
_EFFECTS = {
    "downgraded": "It counts as possible only",
    "vetoed": "It does not count",
    "suspended": "It does not count for now",
    "uncorroborated": "It does not count",
}


def explain(result: Mapping[str, Any]) -> list[str]:
    """Return what a result means and how it came about, one line each.

    Parameters
    ----------
    result : mapping
        The documented JSON shape of a result (``MatchResult.to_json()``).
    """
    lines = [_VERDICTS[result["verdict"]]]
    if result["tier"]:
        lines.append(_TIERS[result["tier"]])
    if result["reason"]:
        lines.append(f"Not everything is settled ({result['reason']}): {result['message']}.")
    for number, hit in enumerate(result["hits"], 1):
        lines += ["", f"Hit {number}: {_entry(hit)}", *(f"  {line}" for line in _hit(hit))]
    facts = [f"snapshot {result['snapshot']}", f"profile {result['profile']}", result["engine"]]
    return [*lines, "", f"Checked with {', '.join(facts)}."]


def _entry(hit: Mapping[str, Any]) -> str:
    where = hit["list"]
    words = f"entry {hit['entry_id']} of {where['polarity']} list {where['name']}"
    words += f", version {where['version']}"
    category = hit["category"]
    if category:
        label = f" ({category['label']})" if category.get("label") else ""
        words += f", category {category['scheme']}:{category['code']}{label}"
    return words


def _hit(hit: Mapping[str, Any]) -> list[str]:
    kind, tier = hit["hash_type"], hit["tier"]
    if tier == "exact":
        lines = [f"The {kind} of the file is equal to the entry's."]
    else:
        source = {
            "list": "the list's threshold",
            "category": "the threshold of the entry's category",
            "possible": "the second radius",
        }[hit["threshold_source"]]
        lines = [
            f"{kind}: {hit['distance']} bits apart; {source} is {hit['max_distance']}. "
            f"A {tier} hit.",
            _quality(hit),
        ]
        if seen := _seen_as(hit):
            lines.append(f"Found by looking at the picture {seen}.")
    if hit["frame"]:
        lines.append(f"In frame {hit['frame']}, counted from 0.")
    if hit["corroboration"]:
        lines.append(f"Believed because: {hit['corroboration']}.")
    if hit["effect"] != "counted":
        lines.append(f"{_EFFECTS[hit['effect']]}: {hit['effect_reason']}.")
    elif hit["effect_reason"]:
        lines.append(f"{hit['effect_reason'].capitalize()}.")
    if hit["list"]["polarity"] == "known-good":
        lines.append("An entry of a known-good list never makes a match.")
    return lines


def _quality(hit: Mapping[str, Any]) -> str:
    own, theirs = (
        "unknown" if hit[side] is None else hit[side] for side in ("query_quality", "entry_quality")
    )
    return f"Quality: {own} of the input, {theirs} of the entry; the gate is {hit['min_quality']}."


def _seen_as(hit: Mapping[str, Any]) -> str:
    """Say how the picture was looked at when the hit was found; nothing if just as it is."""
    words = [_ORIENTATIONS[hit["orientation"]]] if hit["orientation"] in _ORIENTATIONS else []
    if hit["variant"].startswith("mirrored"):
        words = []
    for pattern, sentence in _VIEWS:
        found = re.fullmatch(pattern, hit["variant"])
        if found:
            values = [float(v) if "%" in sentence and v[0].isdigit() else v for v in found.groups()]
            words.append(re.sub(r"\d+\.\d+%", _short, sentence.format(*values)))
            break
    return " and ".join(words)


def _short(percent: re.Match[str]) -> str:
    return f"{float(percent[0][:-1]):g} %"
