"""How a process that may write no file has a list changed: it asks the curator process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from hashmatch.errors import HashmatchError

LONGEST_MESSAGE = 8 * 1024 * 1024


class CuratorError(HashmatchError):
    """A list was not changed.

    Attributes
    ----------
    status : int
        The HTTP status that says so.
    reason : str
        The machine-readable reason.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class CuratorClient:
    """Asks the curator over a socket in a folder private to this user.

    Parameters
    ----------
    socket : str
        Its path.
    timeout : float
        Seconds to wait for an answer.
    """

    def __init__(self, socket: str, timeout: float = 60.0) -> None:
        self._socket = socket
        self._timeout = timeout

    async def add(self, list_name: str, entries: Sequence[dict[str, Any]]) -> int:
        """Add entries to a list and return how many; durable when this returns.

        Raises
        ------
        CuratorError
        """
        return int(await self._ask({"do": "add", "list": list_name, "entries": list(entries)}))

    async def remove(self, list_name: str, entry_ids: Sequence[str]) -> int:
        """Remove entries of a list and return how many there were.

        Raises
        ------
        CuratorError
        """
        return int(await self._ask({"do": "remove", "list": list_name, "ids": list(entry_ids)}))

    async def _ask(self, question: dict[str, Any]) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                reader, writer = await asyncio.open_unix_connection(
                    self._socket, limit=LONGEST_MESSAGE
                )
                try:
                    writer.write(json.dumps(question).encode() + b"\n")
                    await writer.drain()
                    answer = json.loads(await reader.readline())
                finally:
                    writer.close()
        except (OSError, TimeoutError, ValueError) as error:
            raise CuratorError(
                503, "curator_unavailable", "the list could not be changed now; try again later"
            ) from error
        if "error" in answer:
            told = answer["error"]
            raise CuratorError(told["status"], told["reason"], told["message"])
        return answer["done"]
