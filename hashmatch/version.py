"""The version of this installation, as every result and report states it."""

from __future__ import annotations

from importlib.metadata import version

VERSION = version("hashmatch")
ENGINE = f"hashmatch {VERSION}"
