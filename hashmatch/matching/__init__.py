"""Query variants, index search, tiers and verdict: the Matcher."""

from hashmatch.matching.matcher import Matcher
from hashmatch.matching.profiles import DEFAULT_PROFILE, profile_names

__all__ = ["DEFAULT_PROFILE", "Matcher", "profile_names"]
