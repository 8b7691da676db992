"""Named ways of asking: which variants of a picture are searched for."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    views : bool
        Search the views that undo a crop, a border, a caption bar or a small turn.
    possible : bool
        Report hits of the ``possible`` tier too.
    """

    name: str
    orientations: bool
    composites: bool
    views: bool = False
    possible: bool = False


DEFAULT_PROFILE = "orientations"
_PROFILES = {
    profile.name: profile
    for profile in (
        Profile("plain", orientations=False, composites=False),
        Profile("orientations", orientations=True, composites=True),
        Profile("thorough", orientations=True, composites=True, views=True, possible=True),
    )
}


def profile_names() -> tuple[str, ...]:
    """Return the names a caller can choose from."""
    return tuple(_PROFILES)


def get_profile(name: str, *, possible: bool | None = None) -> Profile:
    """Return the profile of this name.

    Parameters
    ----------
    name : str
    possible : bool or None
        Whether hits of the ``possible`` tier are wanted, if other than the profile says.

    Raises
    ------
    MatcherConfigError
        If there is none.
    """
    try:
        profile = _PROFILES[name]
    except KeyError:
        raise MatcherConfigError(
            f"unknown profile {name!r}; choose one of {', '.join(_PROFILES)}"
        ) from None
    return profile if possible is None else replace(profile, possible=possible)
