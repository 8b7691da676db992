"""One input turned into everything that is searched for it: its hash values and their origin."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hashmatch import hashing, media
from hashmatch.errors import MediaError
from hashmatch.matching import views
from hashmatch.matching.faults import log_fault
from hashmatch.matching.plan import Plan
from hashmatch.matching.profiles import Profile
from hashmatch.types import HashValue, MediaInfo, Orientation, Reason

CANONICAL = "canonical"

Bytes = bytes | bytearray | memoryview
KnownGood = Callable[[Mapping[str, HashValue]], bool]
"""Says of an input's cryptographic hashes whether it need not be decoded."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One hash value to search for, and how it was derived from the input."""

    value: HashValue
    frame: int = 0
    variant: str = CANONICAL
    orientation: Orientation = Orientation.ORIGINAL


@dataclass(slots=True)
class Examination:
    """What one input gave.

    Parameters
    ----------
    probes : list of Probe
        Everything to search for.
    hashes : dict
        The values reported for the input: cryptographic ones of its bytes, perceptual ones of
        its first picture as shown.
    media : MediaInfo or None
        ``None`` if nothing was decoded.
    reason, message : Reason and str, or None
        Why the pictures could not be checked in full.
    decoded : bool
        Whether there was a picture to look at, in part or in full.
    size : int or None
        Length of the input in bytes, where it could be read.
    known_good : bool
        Whether it was not decoded because its bytes are on a known-good list.
    seconds : dict
        How long the stages took: ``decode`` and ``hash``.
    """

    probes: list[Probe] = field(default_factory=list)
    hashes: dict[str, HashValue] = field(default_factory=dict)
    media: MediaInfo | None = None
    reason: Reason | None = None
    message: str | None = None
    decoded: bool = False
    size: int | None = None
    known_good: bool = False
    seconds: dict[str, float] = field(default_factory=dict, compare=False)


def examine(
    data: Bytes,
    plan: Plan,
    *,
    known_good: KnownGood | None = None,
    undecoded: tuple[Reason, str] | None = None,
) -> Examination:
    """Hash one input in every way the plan asks for.

    Cryptographic hashes come first, so whatever decoding runs into cannot lose an exact match.

    Parameters
    ----------
    data : bytes-like
        The input as it was received.
    plan : Plan
        What to compute.
    known_good : callable or None
        Asked before decoding; where it says yes, nothing is decoded.
    undecoded : (Reason, str) or None
        Decode nothing, and give this reason: decoding this input stopped a worker before.
    """
    found = Examination(size=len(data))
    if not len(data):
        found.reason, found.message = Reason.EMPTY, "the input holds no bytes"
        return found
    begin = time.perf_counter()
    if plan.cryptographic:
        _take_exact(found, hashing.crypto_hashes(data, list(plan.cryptographic)))
    found.seconds["hash"] = time.perf_counter() - begin
    if undecoded is not None:
        found.reason, found.message = undecoded
        return found
    if not plan.perceptual:
        return found
    if known_good is not None and found.hashes and known_good(found.hashes):
        found.known_good = True
        return found
    begin = time.perf_counter()
    try:
        _take_pictures(found, data, plan)
    except MediaError as error:
        found.reason, found.message = error.reason, str(error)
    except MemoryError:
        found.reason = Reason.OUT_OF_MEMORY
        found.message = "not enough memory to check this input"
    except Exception as error:  # noqa: BLE001 - the edge: a failure is an answer, never a miss
        found.reason = Reason.INTERNAL
        found.message = log_fault("checking an input", error)
    return found


def exact_only(
    hashes: dict[str, HashValue], size: int, reason: Reason, message: str
) -> Examination:
    """Return the examination of an input of which only the bytes were hashed."""
    found = Examination(reason=reason, message=message, size=size)
    _take_exact(found, hashes)
    return found


def _take_exact(found: Examination, hashes: dict[str, HashValue]) -> None:
    found.hashes = hashes
    found.probes = [Probe(value) for value in hashes.values()]


def _take_pictures(found: Examination, data: Bytes, plan: Plan) -> None:
    begin = time.perf_counter()
    try:
        decoded = media.decode(data, plan.limits)
    except MediaError as error:
        salvaged = media.salvage(data, error.reason, plan.limits)
        if salvaged is None:
            raise
        decoded = salvaged
        found.reason, found.message = error.reason, str(error)
    finally:
        found.seconds["decode"] = time.perf_counter() - begin
    begin = time.perf_counter()
    found.decoded = True
    found.media = decoded.info
    cut_short = found.reason is not None
    if not decoded.complete and not cut_short:
        found.reason = decoded.incomplete_reason
        skipped = decoded.info.frame_count - decoded.info.frames_decoded
        found.message = f"{skipped} of {decoded.info.frame_count} frames were not checked"
    for frame in decoded.frames:
        probes = list(_frame_probes(frame, plan.perceptual, plan.profile))
        if cut_short:
            probes += [
                Probe(value, frame.index, variant, orientation)
                for variant, orientation, value in views.continued(frame.pixels, plan.perceptual)
            ]
        if not found.hashes.keys() & set(plan.perceptual):
            found.hashes |= {
                probe.value.hash_type: probe.value
                for probe in probes
                if probe.orientation is Orientation.ORIGINAL and probe.variant == CANONICAL
            }
        found.probes += probes
    found.seconds["hash"] += time.perf_counter() - begin


def _frame_probes(frame: media.Frame, types: Sequence[str], profile: Profile) -> Iterator[Probe]:
    """Give the probes of one frame, the canonical picture's own first."""
    pictures = [(CANONICAL, frame.pixels)]
    if profile.composites:
        pictures += frame.variants
    for variant, pixels in pictures:
        if profile.orientations:
            for values in hashing.compute_orientations(pixels, types).values():
                for orientation, value in zip(Orientation, values, strict=True):
                    yield Probe(value, frame.index, variant, orientation)
        else:
            for value in hashing.compute(pixels, types).values():
                yield Probe(value, frame.index, variant)
    if profile.views:
        for variant, orientation, value in views.looked_at(frame.pixels, types):
            yield Probe(value, frame.index, variant, orientation)
