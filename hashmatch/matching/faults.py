"""A fault of our own told to the log by its places, without its message.

The message of a foreign exception may quote the input, and logs are kept.
"""

from __future__ import annotations

import logging
import traceback

log = logging.getLogger("hashmatch")


def log_fault(doing: str, error: BaseException) -> str:
    """Log where a fault came from, and return a sentence for the one who asked."""
    frames = traceback.extract_tb(error.__traceback__, limit=50)
    places = ", ".join(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
    log.error("%s failed with %s at %s", doing, type(error).__name__, places)
    return f"hashmatch failed with {type(error).__name__}"
