"""Named ways of asking: which variants of a picture are searched for."""

from __future__ import annotations

from dataclasses import dataclass

from hashmatch.errors import MatcherConfigError


@dataclass(frozen=True, slots=True)
class Profile:
    """Which variants of a picture are searched for.

    Parameters
    ----------
    name : str
        What the caller chooses it by.
    orientations : bool
        Search all eight orientations instead of the picture as it is shown.
    composites : bool
        Search further composites of a picture with transparency.
    """

    name: str
    orientations: bool
    composites: bool


DEFAULT_PROFILE = "orientations"
_PROFILES = {
    profile.name: profile
    for profile in (
        Profile("plain", orientations=False, composites=False),
        Profile("orientations", orientations=True, composites=True),
    )
}


def profile_names() -> tuple[str, ...]:
    """Return the names a caller can choose from."""
    return tuple(_PROFILES)


def get_profile(name: str) -> Profile:
    """Return the profile of this name.

    Raises
    ------
    MatcherConfigError
        If there is none.
    """
    try:
        return _PROFILES[name]
    except KeyError:
        raise MatcherConfigError(
            f"unknown profile {name!r}; choose one of {', '.join(_PROFILES)}"
        ) from None
