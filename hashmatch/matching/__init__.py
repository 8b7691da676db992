"""Query variants, index search, tiers and verdict: the Matcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashmatch.on_use import loader

if TYPE_CHECKING:
    from hashmatch.matching.matcher import Matcher
    from hashmatch.matching.profiles import DEFAULT_PROFILE, profile_names

__getattr__ = loader(
    __name__,
    {
        "DEFAULT_PROFILE": "hashmatch.matching.profiles",
        "Matcher": "hashmatch.matching.matcher",
        "profile_names": "hashmatch.matching.profiles",
    },
)

__all__ = ["DEFAULT_PROFILE", "Matcher", "profile_names"]
