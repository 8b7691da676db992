"""The curator process: the only one of a service that writes to the home.

It never sees an upload. It reads JSON lines, each of which changes a list or counts a match for
the flood guard, and answers each with one line. Run by ``hashmatch serve`` as
``python -m hashmatch.service.curator``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hashmatch import curate, hash_types
from hashmatch.errors import (
    CatalogError,
    FeedbackError,
    HashFormatError,
    HashmatchError,
    UnknownHashTypeError,
)
from hashmatch.home import Home
from hashmatch.matching.flood import FloodGuard, Suspension
from hashmatch.service import hardening
from hashmatch.service.curator_client import LONGEST_MESSAGE
from hashmatch.service.http.logs import log_event, log_to
from hashmatch.types import Category, Entry, HashValue

_FORGET_SECONDS = 600.0


def change(home: Home, question: dict[str, Any]) -> dict[str, Any]:
    """Carry out one change and return its answer."""
    try:
        if question["do"] == "add":
            entries = [entry_of(each) for each in question["entries"]]
            curate.add_entries(home, question["list"], entries)
            done = len(entries)
        else:
            done = curate.remove_entries(home, question["list"], question["ids"])
    except (HashFormatError, UnknownHashTypeError) as error:
        return _told(422, "bad_hash", str(error))
    except CatalogError as error:
        return _told(404, "list_not_changed", str(error))
    except HashmatchError as error:
        return _told(409, "list_not_changed", str(error))
    except Exception as error:  # noqa: BLE001 - the edge: the caller is told, the process lives on
        log_event("curator_failed", level="error", exception=type(error).__name__)
        return _told(500, "internal", "the list could not be changed")
    return {"done": done}


class Counter:
    """Counts matches for the flood guards of the other processes.

    Parameters
    ----------
    home : Home
    limit : int
        How many distinct uploads an entry may match within an hour.
    """

    def __init__(self, home: Home, limit: int) -> None:
        self._new = 0
        self._guard = FloodGuard(home.path, limit=limit, alert=self._suspended)

    def note(self, question: dict[str, Any]) -> dict[str, Any]:
        """Count one match and tell whether its entry is suspended, and since just now."""
        before = self._new
        upload = bytes.fromhex(question["upload"])
        try:
            found = self._guard.note(question["list"], question["entry_id"], upload)
        except FeedbackError as error:
            return _told(500, "uncounted", str(error))
        return {"suspension": found.to_json() if found else None, "new": self._new > before}

    async def forget(self) -> None:
        """Remove old counts, now and then for ever: what is kept about uploads is kept briefly."""
        while True:
            try:
                self._guard.forget()
            except FeedbackError as error:
                log_event("curator_failed", level="error", exception=type(error).__name__)
            await asyncio.sleep(_FORGET_SECONDS)

    def _suspended(self, found: Suspension) -> None:
        self._new += 1
        log_event("entry_suspended", level="warning", list=found.list_name, count=found.uploads)


def entry_of(described: dict[str, Any]) -> Entry:
    """Return an entry from its JSON shape.

    Raises
    ------
    HashFormatError, UnknownHashTypeError
        If a value does not fit its type.
    """
    category = described.get("category")
    return Entry(
        entry_id=described["entry_id"],
        hashes=tuple(
            HashValue(name, hash_types.get(name).parse(value["hex"]), value.get("quality"))
            for name, value in described["hashes"].items()
        ),
        category=Category(**category) if category else None,
        metadata=described.get("metadata") or {},
    )


async def serve(home: Home, socket: str, limit: int) -> None:
    """Answer until the process is told to stop. Changes are made one after the other."""
    one_at_a_time = asyncio.Lock()
    counter = Counter(home, limit)

    async def told(question: dict[str, Any]) -> dict[str, Any]:
        if question["do"] == "note":  # a few microseconds, and no change waits before it
            return counter.note(question)
        async with one_at_a_time:
            outcome = await asyncio.to_thread(change, home, question)
        log_event("list_changed" if "done" in outcome else "list_not_changed")
        return outcome

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await told(json.loads(line))).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            log_event("curator_client_lost", level="warning")
        finally:
            writer.close()

    Path(socket).unlink(missing_ok=True)
    server = await asyncio.start_unix_server(answer, socket, limit=LONGEST_MESSAGE)
    async with server, asyncio.TaskGroup() as tasks:
        tasks.create_task(counter.forget())
        await server.serve_forever()


def main(arguments: Sequence[str]) -> None:
    """Run the curator for a home on a socket, with a limit for its flood guard."""
    home, socket, limit = arguments
    log_to(2, worker=None)
    hardening.no_core_dumps()
    hardening.end_with_parent()
    try:
        asyncio.run(serve(Home(Path(home)), socket, int(limit)))
    except KeyboardInterrupt:
        return


def _told(status: int, reason: str, message: str) -> dict[str, Any]:
    return {"error": {"status": status, "reason": reason, "message": message}}


if __name__ == "__main__":
    main(sys.argv[1:])
