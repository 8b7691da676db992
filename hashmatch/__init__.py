"""hashmatch: is this image one of the known ones?

    import hashmatch as hm

    values = hm.hash_file("picture.jpg", types=["pdq", "sha256"])
    with hm.Matcher.open("home") as matcher:
        result = matcher.match_file("picture.jpg")

What lies behind a name is loaded when it is first used, so importing the package costs little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashmatch.errors import HashmatchError
from hashmatch.on_use import loader
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

__getattr__ = loader(
    __name__,
    {
        "distance": "hashmatch.api",
        "hash_bytes": "hashmatch.api",
        "hash_file": "hashmatch.api",
        "hash_pixels": "hashmatch.api",
        "hash_many": "hashmatch.hashing",
        "Home": "hashmatch.home",
        "Matcher": "hashmatch.matching",
        "Limits": "hashmatch.media",
        "Action": "hashmatch.service.policy",
        "Decision": "hashmatch.service.policy",
        "Policy": "hashmatch.service.policy",
        "Rule": "hashmatch.service.policy",
        "UploadGate": "hashmatch.service.gate",
        "__version__": "hashmatch.version:VERSION",
    },
)

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
