"""What a hash value came from: the algorithm, its parameters, and the versions that matter."""

from __future__ import annotations

import hashlib
import json
import ssl
from importlib.metadata import version
from typing import Any

from hashmatch import hash_types
from hashmatch.errors import UnknownHashTypeError
from hashmatch.hashing import crypto, registry
from hashmatch.version import VERSION

_LUMA = "Pillow 13's 8-bit grey (ITU-R 601) and its 8-bit Lanczos resize to {}"

# algorithm, parameters, packages whose versions could change a value
_BUILT_IN: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "pdq": (
        "PDQ, as Meta's C++ code computes it",
        {"luma": "0.299 R + 0.587 G + 0.114 B", "samples": "64 x 64", "frequencies": "16 x 16"},
        (),
    ),
    "phash": (
        "imagehash phash",
        {"hash_size": 8, "highfreq_factor": 4, "plane": _LUMA.format("32 x 32")},
        ("numpy", "scipy"),
    ),
    "dhash": ("imagehash dhash", {"hash_size": 8, "plane": _LUMA.format("9 x 8")}, ()),
    "ahash": ("imagehash average_hash", {"hash_size": 8, "plane": _LUMA.format("8 x 8")}, ()),
    "whash": (
        "imagehash whash",
        {"hash_size": 8, "mode": "haar", "plane": _LUMA.format("a power of two")},
        ("numpy", "PyWavelets"),
    ),
    "phash16": (
        "imagehash phash",
        {"hash_size": 16, "highfreq_factor": 4, "plane": _LUMA.format("64 x 64")},
        ("numpy", "scipy"),
    ),
    "dhash16": ("imagehash dhash", {"hash_size": 16, "plane": _LUMA.format("17 x 16")}, ()),
    "colorhash": ("imagehash colorhash", {"binbits": 3}, ("imagehash", "pillow", "numpy")),
}


def provenance(name: str) -> dict[str, Any]:
    """Return what values of a hash type come from, as JSON values.

    Parameters
    ----------
    name : str
        A hash type that can be computed here.

    Returns
    -------
    dict
        ``hash_type``, ``algorithm``, ``parameters``, ``versions`` of everything that could change
        a value, and ``id``, twelve hexadecimal digits over all of these: values of one id are
        comparable to the bit.

    Raises
    ------
    UnknownHashTypeError
        If the type does not exist or cannot be computed here.
    """
    hash_types.get(name)
    if name in crypto.NAMES:
        facts = _facts(name, f"{name} of the bytes", {}, ())
        facts["versions"]["openssl"] = ssl.OPENSSL_VERSION
    elif name in _BUILT_IN:
        facts = _facts(name, *_BUILT_IN[name])
    elif name in registry.names():
        hasher = registry.get(name)
        facts = _facts(name, hasher.algorithm, dict(hasher.parameters), hasher.packages)
    else:
        raise UnknownHashTypeError(name, f"{name} values cannot be computed here")
    text = json.dumps(facts, sort_keys=True)
    return facts | {"id": hashlib.sha256(text.encode()).hexdigest()[:12]}


def _facts(
    name: str, algorithm: str, parameters: dict[str, Any], packages: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "hash_type": name,
        "algorithm": algorithm,
        "parameters": parameters,
        "versions": {"hashmatch": VERSION, **{package: version(package) for package in packages}},
    }
