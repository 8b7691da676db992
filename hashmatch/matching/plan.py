"""What is computed of an input: hash types, profile and limits, fit to be sent to a worker."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

from hashmatch import hash_types, media
from hashmatch.hash_types import HashKind
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

    @classmethod
    def of_types(cls, types: Iterable[str], profile: Profile, limits: media.Limits) -> Self:
        """Return the plan that computes these hash types; those only held are passed over.

        Raises
        ------
        UnknownHashTypeError
            If there is no hash type of a name.
        """
        kinds = {name: hash_types.get(name).kind for name in types}
        return cls(
            tuple(name for name, kind in kinds.items() if kind is HashKind.CRYPTOGRAPHIC),
            tuple(name for name, kind in kinds.items() if kind is HashKind.PERCEPTUAL),
            profile,
            limits,
        )

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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a matcher computes of every input, whatever its lists hold.

    Parameters
    ----------
    also : tuple of str
        Hash types besides those of the lists.
    profile : Profile
    limits : Limits
    """

    also: tuple[str, ...]
    profile: Profile
    limits: media.Limits

    def plan(self, searched: Iterable[str]) -> Plan:
        """Return the plan for lists that hold these hash types."""
        return Plan.of_types((*self.also, *searched), self.profile, self.limits)
