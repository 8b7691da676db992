"""A thread pool's map that keeps order and never runs far ahead of its reader."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """Yield ``function(item)`` for each item, in order, computed on ``threads`` threads.

    At most ``2 * threads`` items are taken ahead of the one being yielded, so an endless or
    expensive iterable is read only as fast as the results are.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="hashmatch") as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # the reader stopped early: do not start what nobody waits for
            for future in waiting:
                future.cancel()
