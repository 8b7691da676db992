"""The golden values: hash type to picture to (hex, quality).

They change only where a change of results is meant, and then with a line in the changelog.
"""

from __future__ import annotations

VALUES: dict[str, dict[str, tuple[str, int | None]]] = {
    "ahash": {
        "blocks": ("0054ff5500ffff00", 17),
        "small": ("000b172f7cbc7067", 100),
        "waves": ("01031f3e7c797366", 98),
    },
    "colorhash": {
        "blocks": ("00e000000000", None),
        "small": ("001001000048", None),
        "waves": ("001001000040", None),
    },
    "dhash": {
        "blocks": ("b5b5b5b5b5b5b5b5", 19),
        "small": ("d99a66def071e6cf", 98),
        "waves": ("dbb66dd8b061cecc", 95),
    },
    "dhash16": {
        "blocks": ("e663e663e663e663e663e663e663e663e663e663e663e663e663e663e663e663", 27),
        "small": ("79e779e7679ee79e9e799e79fbecf9a4e724e7249e939e53fa24f82cf4b9e4d9", 96),
        "waves": ("f3cff3cfcf3cef3c3cf3bef2fbc8fb92ef4cee49bdb3bd0ffa6ce8f9edb3f9e4", 96),
    },
    "md5": {"bytes": ("97ab7d414a0df5138afc887ee74a0aff", None)},
    "pdq": {
        "blocks": ("7c1e7c1ef01ef01ea07ca0fc00fe01fc07f817f85ff0fff0ffe0ff80fc000000", 100),
        "small": ("1ea1e2912d5cca32b299c68e6d41926c39b56d9392be39714d6635cdd2a31d6e", 100),
        "waves": ("6598a9555aae34b16d5f9d0c3b53c6ac3949d33660e8736298c5c9496c62bbce", 100),
    },
    "phash": {
        "blocks": ("8000030f1f9fbfbf", 50),
        "small": ("843b62593387be6c", 96),
        "waves": ("8339234951e39f76", 100),
    },
    "phash16": {
        "blocks": ("80d50000001f01ff03ff87ff8ffc9ff89fe01fc01f803f013e033e07be0fbc1f", 98),
        "small": ("845b3b5e62a559de3359874ebea564dbcd549b26455ab8a331594a4e32314eca", 96),
        "waves": ("831d39ee239b494911cca3678b837665494e18b1e56e1859fd9346b4bbad555a", 99),
    },
    "sha1": {"bytes": ("a95b7b1b4576c981b236d7dbfc57c0baeeaf04ec", None)},
    "sha256": {"bytes": ("f8b0585eb91f58c007a5634362c9f90d8543822c113f702523bc7b73408a9392", None)},
    "whash": {
        "blocks": ("0055ff55007fff40", 17),
        "small": ("010b172f7cbc7267", 100),
        "waves": ("01031f3e7c797366", 100),
    },
}
