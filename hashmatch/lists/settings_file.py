"""Settings that people write by hand, as JSON or TOML: column maps and category schemes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from hashmatch.errors import ListFormatError


def read(path: str) -> Any:
    """Return what a file says: TOML if it is named so, else JSON.

    Raises
    ------
    ListFormatError
        If it cannot be read or is neither.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        return tomllib.loads(text) if path.endswith(".toml") else json.loads(text)
    except OSError as error:
        raise ListFormatError(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ListFormatError(path, "is neither JSON nor, by its name, TOML") from error
