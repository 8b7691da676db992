"""The curator process: the only one of a service that writes to the home.

It never sees an upload. It reads one JSON line from each connection, changes a list, and answers
with one line. Run by ``hashmatch serve`` as ``python -m hashmatch.service.curator``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hashmatch import curate, hash_types
from hashmatch.errors import CatalogError, HashFormatError, HashmatchError, UnknownHashTypeError
from hashmatch.home import Home
from hashmatch.service import hardening
from hashmatch.service.curator_client import LONGEST_MESSAGE
from hashmatch.service.http.logs import log_event, log_to
from hashmatch.types import Category, Entry, HashValue


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


async def serve(home: Home, socket: str) -> None:
    """Answer until the process is told to stop. Changes are made one after the other."""
    one_at_a_time = asyncio.Lock()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            question = json.loads(await reader.readline())
            async with one_at_a_time:
                told = await asyncio.to_thread(change, home, question)
            log_event("list_changed" if "done" in told else "list_not_changed")
            writer.write(json.dumps(told).encode() + b"\n")
            await writer.drain()
        except (OSError, ValueError):
            log_event("curator_client_lost", level="warning")
        finally:
            writer.close()

    Path(socket).unlink(missing_ok=True)
    server = await asyncio.start_unix_server(answer, socket, limit=LONGEST_MESSAGE)
    async with server:
        await server.serve_forever()


def main(arguments: Sequence[str]) -> None:
    """Run the curator for a home on a socket."""
    home, socket = arguments
    log_to(2, worker=None)
    hardening.no_core_dumps()
    hardening.end_with_parent()
    try:
        asyncio.run(serve(Home(Path(home)), socket))
    except KeyboardInterrupt:
        return


def _told(status: int, reason: str, message: str) -> dict[str, Any]:
    return {"error": {"status": status, "reason": reason, "message": message}}


if __name__ == "__main__":
    main(sys.argv[1:])
