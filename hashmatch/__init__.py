"""hashmatch: is this image one of the known ones?

    import hashmatch as hm

    values = hm.hash_file("picture.jpg", types=["pdq", "sha256"])
    with hm.Matcher.open("home") as matcher:
        result = matcher.match_file("picture.jpg")

What lies behind a name is loaded when it is first used, so importing the package costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hashmatch.errors import HashmatchError
from hashmatch.types import (
    Category,
    Effect,
    Entry,
    HashValue,
    Hit,
    MatchResult,
    MediaInfo,
    Orientation,
    Polarity,
    Reason,
    Tier,
    Verdict,
)

if TYPE_CHECKING:
    from hashmatch.api import distance, hash_bytes, hash_file, hash_pixels
    from hashmatch.hashing import hash_many
    from hashmatch.home import Home
    from hashmatch.matching import Matcher
    from hashmatch.media import Limits
    from hashmatch.service.gate import UploadGate
    from hashmatch.service.policy import Action, Decision, Policy, Rule
    from hashmatch.version import VERSION as __version__  # noqa: N811

_LOADED_ON_USE = {
    "distance": ("hashmatch.api", "distance"),
    "hash_bytes": ("hashmatch.api", "hash_bytes"),
    "hash_file": ("hashmatch.api", "hash_file"),
    "hash_pixels": ("hashmatch.api", "hash_pixels"),
    "hash_many": ("hashmatch.hashing", "hash_many"),
    "Home": ("hashmatch.home", "Home"),
    "Matcher": ("hashmatch.matching", "Matcher"),
    "Limits": ("hashmatch.media", "Limits"),
    "Action": ("hashmatch.service.policy", "Action"),
    "Decision": ("hashmatch.service.policy", "Decision"),
    "Policy": ("hashmatch.service.policy", "Policy"),
    "Rule": ("hashmatch.service.policy", "Rule"),
    "UploadGate": ("hashmatch.service.gate", "UploadGate"),
    "__version__": ("hashmatch.version", "VERSION"),
}


def __getattr__(name: str) -> Any:
    if name not in _LOADED_ON_USE:
        raise AttributeError(f"module 'hashmatch' has no attribute {name!r}")
    module, attribute = _LOADED_ON_USE[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


__all__ = [
    "Action",
    "Category",
    "Decision",
    "Effect",
    "Entry",
    "HashValue",
    "HashmatchError",
    "Hit",
    "Home",
    "Limits",
    "MatchResult",
    "Matcher",
    "MediaInfo",
    "Orientation",
    "Polarity",
    "Policy",
    "Reason",
    "Rule",
    "Tier",
    "UploadGate",
    "Verdict",
    "__version__",
    "distance",
    "hash_bytes",
    "hash_file",
    "hash_many",
    "hash_pixels",
]
