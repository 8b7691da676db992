"""The frozen values that travel between the rooms.

Nothing here computes: a value is made once, checked when it is made, and read by everyone.
``to_json`` methods give the one documented JSON shape (``docs/formats.md``) used alike by the
Python API, the command line, reports and the HTTP service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

RESULT_SCHEMA = "hashmatch.result/1"
UNKNOWN_QUALITY = 255
"""What stands for ``None`` where qualities are kept as arrays of uint8."""


class Verdict(StrEnum):
    """The answer about one input. Only ``NO_MATCH`` means checked in full and clean."""

    MATCH = "match"
    NO_MATCH = "no_match"
    PARTIAL = "partial"
    UNSCANNABLE = "unscannable"
    ERROR = "error"


class Reason(StrEnum):
    """Why a verdict is ``partial``, ``unscannable`` or ``error``."""

    # partial: nothing found, but not everything could be checked
    LOW_QUALITY = "low_quality"
    ENTRY_SUSPENDED = "entry_suspended"
    UNCORROBORATED = "uncorroborated"
    FRAMES_SKIPPED = "frames_skipped"
    TRUNCATED = "truncated"
    # unscannable: refused or undecodable
    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    CORRUPT = "corrupt"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    SPECIAL_FILE = "special_file"
    SYMLINK = "symlink"
    DIRECTORY = "directory"
    # unscannable: the input could not be read
    VANISHED = "vanished"
    PERMISSION_DENIED = "permission_denied"
    READ_FAILED = "read_failed"
    CHANGED = "changed"
    # unscannable: the decoder was stopped, in a process of its own
    TIMEOUT = "timeout"
    DECODER_CRASHED = "decoder_crashed"
    # unscannable or partial: an archive that could not be gone through in full
    ARCHIVE_DAMAGED = "archive_damaged"
    ARCHIVE_ENCRYPTED = "archive_encrypted"
    ARCHIVE_LIMIT = "archive_limit"
    ARCHIVE_UNSUPPORTED = "archive_unsupported"
    # unscannable: a hash without a file, of a type that no list holds
    NOT_SEARCHABLE = "not_searchable"
    # unscannable: left undecoded as known good by a scan whose lists no longer hold
    NOT_DECODED = "not_decoded"
    # error: our own failure
    OUT_OF_MEMORY = "out_of_memory"
    INTERNAL = "internal"


class Tier(StrEnum):
    """How a hit was established."""

    EXACT = "exact"
    """The same bytes, by a cryptographic hash."""
    STRONG = "strong"
    """Within the list's threshold, both qualities above its gate."""
    POSSIBLE = "possible"
    """Further off, or of lower quality, but corroborated; for a person to look at."""


class Effect(StrEnum):
    """What became of a hit when the verdict was formed."""

    COUNTED = "counted"
    DOWNGRADED = "downgraded"
    """Counted, but only as ``possible``: a known-good entry contradicts it."""
    VETOED = "vetoed"
    """Not counted: somebody found out that it is wrong."""
    UNCORROBORATED = "uncorroborated"
    """Not counted: a hash type too coarse to decide alone, and no other one agrees."""
    SUSPENDED = "suspended"
    """Not counted until somebody has looked at the entry, which suddenly matches a lot."""


class Polarity(StrEnum):
    """What being on a list means."""

    KNOWN_BAD = "known-bad"
    KNOWN_GOOD = "known-good"


class Orientation(StrEnum):
    """One of the eight dihedral variants of a picture, in the order kernels return them."""

    ORIGINAL = "original"
    ROTATE90 = "rotate90"
    ROTATE180 = "rotate180"
    ROTATE270 = "rotate270"
    FLIP_X = "flip_x"
    FLIP_Y = "flip_y"
    TRANSPOSE = "transpose"
    TRANSVERSE = "transverse"


@dataclass(frozen=True, slots=True)
class HashValue:
    """The bytes of one hash type.

    Parameters
    ----------
    hash_type : str
        Name of the hash type.
    bytes : bytes
        The value.
    quality : int or None
        0..100 for perceptual types, ``None`` where quality has no meaning or is unknown.
    """

    hash_type: str
    bytes: bytes = field(repr=False)
    quality: int | None = None

    @property
    def hex(self) -> str:
        """The value in lower-case hexadecimal."""
        return self.bytes.hex()

    def to_json(self) -> dict[str, Any]:
        """Return ``{"hex": ..., "quality": ...}``, quality only where it has a meaning."""
        shape: dict[str, Any] = {"hex": self.hex}
        if self.quality is not None:
            shape["quality"] = self.quality
        return shape


@dataclass(frozen=True, slots=True)
class Category:
    """A category code under the scheme that gives it its meaning.

    A code alone says nothing: ``1`` in one country's scheme is not ``1`` in another's.
    """

    scheme: str
    code: str
    label: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the scheme, code and label."""
        return {"scheme": self.scheme, "code": self.code, "label": self.label}


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a hash list.

    Parameters
    ----------
    entry_id : str
        Identifies the entry inside its list and survives re-imports.
    hashes : tuple of HashValue
        Every value the record carries, matchable or only held.
    category : Category or None
        What the source says the entry is.
    metadata : mapping
        Whatever else the source gave (series, contributor, file name ...), as JSON values.
    """

    entry_id: str
    hashes: tuple[HashValue, ...]
    category: Category | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry matched by one hash of the input, with everything that explains it.

    Parameters
    ----------
    list_name, list_version, polarity, entry_id, category, metadata
        The entry and the list it is on.
    hash_type, distance, max_distance, min_quality, threshold_source : str and int
        How near it is, and what applied: the largest distance and the smallest quality, and
        whether they are those of the ``list``, of the entry's ``category``, or of the
        ``possible`` tier.
    tier : Tier
        How the hit was established.
    orientation, frame, variant
        Which view of the input it was found by.
    query_quality, entry_quality : int or None
        Quality of both sides; ``None`` where unknown or without meaning.
    corroboration : str or None
        What speaks for a ``possible`` hit, in words.
    effect, effect_reason : Effect and str or None
        What became of the hit when the verdict was formed, and why.
    """

    list_name: str
    list_version: int
    polarity: Polarity
    entry_id: str
    category: Category | None
    hash_type: str
    distance: int
    max_distance: int
    tier: Tier
    orientation: Orientation = Orientation.ORIGINAL
    frame: int = 0
    variant: str = "canonical"
    query_quality: int | None = None
    entry_quality: int | None = None
    min_quality: int | None = None
    threshold_source: str = "list"
    corroboration: str | None = None
    effect: Effect = Effect.COUNTED
    effect_reason: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def counts(self) -> bool:
        """Whether the hit makes the verdict ``match``."""
        counted = self.effect in (Effect.COUNTED, Effect.DOWNGRADED)
        return counted and self.polarity is Polarity.KNOWN_BAD

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON shape of a hit."""
        return {
            "list": {
                "name": self.list_name,
                "version": self.list_version,
                "polarity": self.polarity.value,
            },
            "entry_id": self.entry_id,
            "category": self.category.to_json() if self.category else None,
            "hash_type": self.hash_type,
            "tier": self.tier.value,
            "distance": self.distance,
            "max_distance": self.max_distance,
            "orientation": self.orientation.value,
            "frame": self.frame,
            "variant": self.variant,
            "query_quality": self.query_quality,
            "entry_quality": self.entry_quality,
            "min_quality": self.min_quality,
            "threshold_source": self.threshold_source,
            "corroboration": self.corroboration,
            "effect": self.effect.value,
            "effect_reason": self.effect_reason,
            "metadata": dict(self.metadata),
        }


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the decoder learnt about an input, without any of its pixels.

    Parameters
    ----------
    format : str
        Container format by its magic bytes: ``JPEG``, ``PNG`` ...
    width, height : int
        Size in pixels as shown, after the EXIF orientation.
    frame_count : int
        Frames or pages the container holds.
    frames_decoded : int
        Frames or pages that were decoded; fewer than ``frame_count`` past the frame limit.
    notes : tuple of str
        What was unusual, such as ``exif_unreadable`` or ``trailing_data``.
    """

    format: str
    width: int
    height: int
    frame_count: int = 1
    frames_decoded: int = 1
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON shape of media facts."""
        return {
            "format": self.format,
            "width": self.width,
            "height": self.height,
            "frame_count": self.frame_count,
            "frames_decoded": self.frames_decoded,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class MatchResult:
    """The whole answer about one input.

    Parameters
    ----------
    verdict : Verdict
        The one answer.
    reason : Reason or None
        Set for ``partial``, ``unscannable`` and ``error``; also kept beside a ``match`` that
        could not be checked in full.
    message : str or None
        The reason in a sentence, with the remedy where there is one.
    hashes : mapping of str to HashValue
        Every hash computed for the (first) picture, by hash type.
    hits : tuple of Hit
        Best first: by tier, then relative distance, then list and entry.
    media : MediaInfo or None
        What the decoder learnt; ``None`` when the input never reached it.
    size : int or None
        Length of the input in bytes, where it could be read.
    snapshot_id, profile, engine : str
        What was searched, how, and by which version of hashmatch.
    """

    verdict: Verdict
    reason: Reason | None = None
    message: str | None = None
    hashes: Mapping[str, HashValue] = field(default_factory=dict)
    hits: tuple[Hit, ...] = ()
    media: MediaInfo | None = None
    size: int | None = None
    snapshot_id: str = ""
    profile: str = ""
    engine: str = ""

    @property
    def tier(self) -> Tier | None:
        """How the verdict ``match`` was established: the best tier that counted."""
        tiers = [hit.tier for hit in self.hits if hit.counts]
        return min(tiers, key=list(Tier).index) if tiers else None

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON shape of a result; it holds no times, so reruns agree."""
        return {
            "schema": RESULT_SCHEMA,
            "verdict": self.verdict.value,
            "tier": self.tier.value if self.tier else None,
            "reason": self.reason.value if self.reason else None,
            "message": self.message,
            "hits": [hit.to_json() for hit in self.hits],
            "hashes": {name: value.to_json() for name, value in self.hashes.items()},
            "media": self.media.to_json() if self.media else None,
            "size": self.size,
            "snapshot": self.snapshot_id,
            "profile": self.profile,
            "engine": self.engine,
        }
