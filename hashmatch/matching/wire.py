"""An examination as one line of JSON: what a worker answers and what a scan's journal keeps.

Probes of one picture and hash type lie together, their values joined and in base64, so that all
eight orientations of a PDQ hash take about 400 bytes. What is read back may come from a worker
that hostile bytes have taken over, or from a damaged disk, so nothing in it is believed.
"""

from __future__ import annotations

import base64
import binascii
import json
from itertools import groupby
from typing import Any

from hashmatch import hash_types
from hashmatch.errors import HashmatchError
from hashmatch.matching.examine import Examination, Probe
from hashmatch.types import HashValue, MediaInfo, Orientation, Reason

_ORIENTATIONS = tuple(Orientation)
_MEDIA = ("format", "width", "height", "frame_count", "frames_decoded", "notes")
_LONGEST_TEXT = 4096
_STAGES = ("decode", "hash")
_LONGEST_STAGE = 3600.0


class WireFormatError(HashmatchError):
    """What should be an examination is none."""


def to_wire(found: Examination, *, timed: bool = False) -> bytes:
    """Return an examination as JSON without line breaks.

    The times of its stages are left out unless asked for, so that reruns give the same bytes.
    """
    shape: dict[str, Any] = {"size": found.size}
    if timed:
        shape["seconds"] = found.seconds
    if found.reason is not None:
        shape["reason"], shape["message"] = found.reason.value, found.message
    if found.decoded:
        shape["decoded"] = True
    if found.known_good:
        shape["known_good"] = True
    if found.media is not None:
        shape["media"] = [getattr(found.media, name) for name in _MEDIA]
    shape["hashes"] = [
        [value.hash_type, _text(value.bytes), value.quality] for value in found.hashes.values()
    ]
    shape["probes"] = [
        [*key, *_group(list(probes))] for key, probes in groupby(found.probes, _group_key)
    ]
    return json.dumps(shape, separators=(",", ":")).encode()


def from_wire(line: bytes) -> Examination:
    """Read what :func:`to_wire` gave.

    Raises
    ------
    WireFormatError
        If anything about it is not as :func:`to_wire` writes it.
    """
    try:
        return _read(json.loads(line))
    except (
        ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError,
        binascii.Error, HashmatchError,
    ) as error:  # fmt: skip
        raise WireFormatError("an examination is not in the form this version writes") from error


def _read(shape: dict[str, Any]) -> Examination:
    found = Examination(size=_number(shape["size"]))
    if "reason" in shape:
        found.reason, found.message = Reason(shape["reason"]), _words(shape["message"])
    found.seconds = {
        stage: min(max(0.0, float(seconds)), _LONGEST_STAGE)
        for stage, seconds in shape.get("seconds", {}).items()
        if stage in _STAGES
    }
    found.decoded = shape.get("decoded") is True
    found.known_good = shape.get("known_good") is True
    if "media" in shape:
        name, width, height, count, decoded, notes = shape["media"]
        found.media = MediaInfo(
            _words(name),
            _number(width) or 0,
            _number(height) or 0,
            _number(count) or 0,
            _number(decoded) or 0,
            tuple(_words(note) for note in notes),
        )
    for name, text, quality in shape["hashes"]:
        (value,) = _values(name, text, [quality])
        found.hashes[name] = value
    for name, frame, variant, orientations, text, qualities in shape["probes"]:
        values = _values(name, text, qualities)
        frame, variant = _number(frame) or 0, _words(variant)
        if len(values) != len(orientations):
            raise ValueError
        found.probes += [
            Probe(value, frame, variant, _ORIENTATIONS[int(digit)])
            for value, digit in zip(values, orientations, strict=True)
        ]
    return found


def _group_key(probe: Probe) -> tuple[str, int, str]:
    return probe.value.hash_type, probe.frame, probe.variant


def _group(probes: list[Probe]) -> tuple[str, str, list[int | None]]:
    return (
        "".join(str(_ORIENTATIONS.index(probe.orientation)) for probe in probes),
        _text(b"".join(probe.value.bytes for probe in probes)),
        [probe.value.quality for probe in probes],
    )


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _values(name: str, text: str, qualities: list[int | None]) -> list[HashValue]:
    size = hash_types.get(name).size
    joined = base64.b64decode(text, validate=True)
    if len(joined) != size * len(qualities):
        raise ValueError
    return [
        HashValue(name, joined[size * n : size * (n + 1)], _quality(quality))
        for n, quality in enumerate(qualities)
    ]


def _quality(value: Any) -> int | None:
    number = _number(value)
    if number is not None and number > 100:
        raise ValueError
    return number


def _number(value: Any) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError
    return value


def _words(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise ValueError
    return value
