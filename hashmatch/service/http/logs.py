"""Structured logs: one JSON object a line, from a closed set of fields.

Messages of other libraries may quote what a client sent, so of theirs only the logger, the level
and the type and places of an exception are kept.
"""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import orjson

FIELDS = (
    "time", "level", "event", "worker", "request", "route", "method", "status", "reason",
    "verdict", "seconds", "queue_seconds", "size", "count", "key", "context", "snapshot",
    "logger", "exception", "places", "kind", "address", "workers", "problem", "list",
)  # fmt: skip
_OURS = "hashmatch"
_KNOWN = set(FIELDS)
_sinks: list[JsonLines] = []


class JsonLines(logging.Handler):
    """Writes log records to a file descriptor, and drops lines rather than wait.

    Parameters
    ----------
    handle : int
        A pipe, in a service: a process that may write no file hands its lines to its parent.
    worker : int or None
        Which process this is.
    dropped : callable or None
        Called for each line that could not be written at once.
    """

    def __init__(
        self, handle: int, worker: int | None = None, dropped: Callable[[], None] | None = None
    ) -> None:
        super().__init__()
        self._handle = handle
        self._worker = worker
        self._dropped = dropped

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record of a library."""
        fields: dict[str, Any] = {"event": "library"}
        if record.name == _OURS:  # our own messages name places, never content
            fields["places"] = record.getMessage()
        else:
            fields["logger"] = record.name
        if record.exc_info and record.exc_info[0] is not None:
            fields["exception"] = record.exc_info[0].__name__
            fields["places"] = places(record.exc_info[1])
        self.write(record.levelname.lower(), fields)

    def write(self, level: str, fields: Mapping[str, Any]) -> None:
        """Write one event."""
        shape = {"time": round(time.time(), 3), "level": level, "worker": self._worker, **fields}
        try:
            os.write(self._handle, orjson.dumps(shape, option=orjson.OPT_APPEND_NEWLINE))
        except OSError:  # full, or nobody reads any more
            if self._dropped is not None:
                self._dropped()


def log_event(event: str, *, level: str = "info", **fields: Any) -> None:
    """Log an event with fields of the closed set; one that is not in it is a mistake of ours."""
    if not fields.keys() <= _KNOWN:
        raise KeyError(f"not log fields: {', '.join(sorted(fields.keys() - _KNOWN))}")
    if _sinks:
        _sinks[0].write(level, {"event": event, **fields})
    else:  # the application is used outside ``hashmatch serve``
        logging.getLogger("hashmatch.service").log(
            logging.getLevelName(level.upper()), event, extra=fields
        )


def log_failure(error: Exception, request: str) -> None:
    """Log that something of ours failed: which exception and where, not what it said."""
    log_event(
        "failed",
        level="error",
        request=request,
        exception=type(error).__name__,
        places=places(error),
    )


def places(error: BaseException | None) -> str:
    """Return where an exception passed, as files and lines, without its message or any value."""
    if error is None:
        return ""
    found = traceback.extract_tb(error.__traceback__)
    return " ".join(f"{os.path.basename(f.filename)}:{f.lineno}" for f in found)  # noqa: PTH119


def log_to(handle: int, *, worker: int | None, dropped: Callable[[], None] | None = None) -> None:
    """Send every log record of this process to a file descriptor, and nowhere else."""
    sink = JsonLines(handle, worker, dropped)
    _sinks[:] = [sink]
    root = logging.getLogger()
    root.handlers[:] = [sink]
    root.setLevel(logging.INFO)
    for chatty in ("uvicorn", "uvicorn.error", "uvicorn.access", "python_multipart", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def supervisor_line(event: str, level: str = "info", **fields: Any) -> str:
    """Return a line of the process that watches the others."""
    shape = {"time": round(time.time(), 3), "level": level, "event": event, **fields}
    return json.dumps(shape, separators=(",", ":")) + "\n"
