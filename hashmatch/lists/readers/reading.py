"""A list file being read: a stream of blocks, with what could not be used counted beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hashmatch.lists.blocks import Block
from hashmatch.lists.problems import Problems
from hashmatch.types import Entry


@dataclass(slots=True)
class Deletion:
    """A record that says an entry is no more.

    Parameters
    ----------
    entry_id : str
        The entry.
    stamp : int or None
        When it was deleted, in microseconds since 1970.
    """

    entry_id: str
    stamp: int | None


@dataclass(slots=True)
class Reading:
    """One or several files being read as one list. It can be iterated once.

    Parameters
    ----------
    format : str
        The name of the format.
    files : tuple of str
        The files, in order.
    hash_type : str or None
        What values are where the file does not say.
    problems : Problems
        Rows that could not be used, complete once the iteration has ended; so are the following.
    left_out : Counter
        Rows and values left out on purpose, by reason.
    deletions : list of Deletion
        Records that take entries away.
    warnings : list of str
        What the person who imports should know.
    scheme : str or None
        The scheme of the category codes: the one said, or one that belongs to the format.
    envelope : dict
        What the files say of the list as a whole, as JSON values, to be written back on export.
    ordered : bool
        Whether records carry stamps, so that the newest of an entry counts whatever their order.
    options : mapping
        What the format was told besides.
    source : callable or None
        Gives the blocks of one file.
    """

    format: str
    files: tuple[str, ...]
    hash_type: str | None = None
    problems: Problems = field(default_factory=Problems)
    left_out: Counter[str] = field(default_factory=Counter)
    deletions: list[Deletion] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    scheme: str | None = None
    envelope: dict[str, Any] = field(default_factory=dict)
    ordered: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    source: Callable[[Reading, str], Iterator[Block]] | None = None

    def __iter__(self) -> Iterator[Block]:
        """Give the entries of all files, block by block."""
        source, self.source = self.source, None
        if source is None:
            raise RuntimeError("a reading can be iterated once")
        for path in self.files:
            yield from source(self, path)

    def entries(self) -> Iterator[Entry]:
        """Give the entries one by one."""
        for block in self:
            yield from block.entries(self.scheme)
