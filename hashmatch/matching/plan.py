"""What is computed of an input: hash types, profile and limits, fit to be sent to a worker."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from hashmatch import media
from hashmatch.matching.profiles import Profile, get_profile


@dataclass(frozen=True, slots=True)
class Plan:
    """What is computed of an input.

    Parameters
    ----------
    cryptographic, perceptual : tuples of str
        Hash types. Without perceptual ones nothing is decoded.
    profile : Profile
        Which variants of each picture to derive.
    limits : Limits
        What the decoder refuses.
    """

    cryptographic: tuple[str, ...]
    perceptual: tuple[str, ...]
    profile: Profile
    limits: media.Limits

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            "cryptographic": list(self.cryptographic),
            "perceptual": list(self.perceptual),
            "profile": self.profile.name,
            "limits": asdict(self.limits),
        }

    @classmethod
    def from_json(cls, shape: dict[str, Any]) -> Self:
        """Read what :meth:`to_json` gave."""
        return cls(
            tuple(shape["cryptographic"]),
            tuple(shape["perceptual"]),
            get_profile(shape["profile"]),
            media.Limits(**shape["limits"]),
        )

    def to_bytes(self) -> bytes:
        """Return the plan as JSON."""
        return json.dumps(self.to_json(), separators=(",", ":")).encode()
