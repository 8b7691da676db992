"""One input turned into everything that is searched for it: its hash values and their origin."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hashmatch import hashing, media
from hashmatch.errors import MediaError
from hashmatch.matching.profiles import Profile
from hashmatch.types import HashValue, MediaInfo, Orientation, Reason

CANONICAL = "canonical"


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
    seconds : dict
        How long decoding and hashing took, by stage: ``decode`` and ``hash``.
    """

    probes: list[Probe] = field(default_factory=list)
    hashes: dict[str, HashValue] = field(default_factory=dict)
    media: MediaInfo | None = None
    reason: Reason | None = None
    message: str | None = None
    decoded: bool = False
    seconds: dict[str, float] = field(default_factory=dict)


def examine(
    data: bytes | bytearray | memoryview,
    cryptographic: Sequence[str],
    perceptual: Sequence[str],
    profile: Profile,
    limits: media.Limits,
) -> Examination:
    """Hash one input in every way the profile asks for.

    Parameters
    ----------
    data : bytes-like
        The input as it was received.
    cryptographic, perceptual : sequences of str
        Hash types to compute. Without perceptual ones nothing is decoded.
    profile : Profile
        Which variants of each picture to derive.
    limits : Limits
        What the decoder refuses.
    """
    found = Examination()
    begin = time.perf_counter()
    if cryptographic:
        found.hashes = hashing.crypto_hashes(data, cryptographic)
        found.probes = [Probe(value) for value in found.hashes.values()]
    found.seconds["hash"] = time.perf_counter() - begin
    if not perceptual:
        return found
    begin = time.perf_counter()
    try:
        decoded = media.decode(data, limits)
    except MediaError as error:
        found.reason, found.message = error.reason, str(error)
        return found
    finally:
        found.seconds["decode"] = time.perf_counter() - begin
    begin = time.perf_counter()
    found.decoded = True
    found.media = decoded.info
    if not decoded.complete:
        found.reason = decoded.incomplete_reason
        skipped = decoded.info.frame_count - decoded.info.frames_decoded
        found.message = f"{skipped} of {decoded.info.frame_count} frames were not checked"
    for frame in decoded.frames:
        probes = list(_frame_probes(frame, perceptual, profile))
        if not found.hashes.keys() & set(perceptual):
            found.hashes |= {
                probe.value.hash_type: probe.value
                for probe in probes
                if probe.orientation is Orientation.ORIGINAL and probe.variant == CANONICAL
            }
        found.probes += probes
    found.seconds["hash"] += time.perf_counter() - begin
    return found


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
