"""Hash values of many requests, searched together.

One search over many values costs far less than many searches. So while a search runs, the values
of further requests gather, and the next search takes them all. Nobody waits for a timer: a lone
request is searched at once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hashmatch.errors import OverloadError
from hashmatch.types import MatchResult

_AT_ONCE = 1024
Value = tuple[str, bytes, int | None]


class AnswersHashes(Protocol):
    """What the lane asks of a matcher."""

    def match_hashes(
        self,
        hash_type: str,
        values: NDArray[np.uint8],
        qualities: Sequence[int | None] | None = None,
    ) -> Sequence[MatchResult]:
        """Answer about many values of one type."""


class HashLane:
    """Gathers single hash values into searches.

    Parameters
    ----------
    matcher : Matcher
    waiting : int
        How many values may wait; more are refused at once.
    """

    def __init__(self, matcher: AnswersHashes, waiting: int = 4096) -> None:
        self._matcher = matcher
        self._limit = waiting
        self._queue: deque[tuple[Value, asyncio.Future[MatchResult]]] = deque()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="hashmatch-lane")
        self._task: asyncio.Task[None] | None = None

    async def match(self, values: Sequence[Value]) -> list[MatchResult]:
        """Answer about a few values, each a hash type, its bytes and its quality.

        Raises
        ------
        OverloadError
            If too many wait already.
        """
        if len(self._queue) + len(values) > self._limit:
            raise OverloadError("too many hash values are waiting; try again later")
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in values]
        self._queue.extend(zip(values, futures, strict=True))
        if self._task is None:
            self._task = loop.create_task(self._work())
        return [await future for future in futures]

    def close(self) -> None:
        """Search nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._queue:
                taken = [self._queue.popleft() for _ in range(min(_AT_ONCE, len(self._queue)))]
                try:
                    found = await loop.run_in_executor(
                        self._pool, self._search, [value for value, _ in taken]
                    )
                except Exception as error:  # noqa: BLE001 - each caller is told, none waits for ever
                    for _, future in taken:
                        if not future.done():
                            future.set_exception(error)
                else:
                    for (_, future), result in zip(taken, found, strict=True):
                        if not future.done():  # its caller may have given up
                            future.set_result(result)
        finally:
            self._task = None

    def _search(self, values: Sequence[Value]) -> list[MatchResult]:
        by_type: dict[str, list[int]] = defaultdict(list)
        for number, (hash_type, _, _) in enumerate(values):
            by_type[hash_type].append(number)
        found: dict[int, MatchResult] = {}
        for hash_type, numbers in by_type.items():
            joined = b"".join(values[number][1] for number in numbers)
            codes = np.frombuffer(joined, np.uint8).reshape(len(numbers), -1)
            qualities = [values[number][2] for number in numbers]
            found |= dict(
                zip(numbers, self._matcher.match_hashes(hash_type, codes, qualities), strict=True)
            )
        return [found[number] for number in range(len(values))]
