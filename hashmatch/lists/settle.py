"""Which entries of an import are new, changed, unchanged or double, and which old ones go.

Entries are compared by identity and content digest alone, one share of the identities at a time,
so the memory this needs does not grow with the list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hashmatch.lists.identity import Keys

SHARE = 1 << 19
"""Entries compared at a time."""

DUPLICATE = "duplicate"
CONFLICTING = "entries with conflicting records"
SUPERSEDED = "superseded by a newer record"

_Numbers = NDArray[np.uint64]
_Marks = NDArray[np.bool_]
_OLDEST = np.iinfo(np.int64).min


@dataclass(slots=True)
class Run:
    """The entries of one block as settling sees them.

    Parameters
    ----------
    new : bool
        Whether the block is of this import, not of the version before it.
    alive : (n,) bool
        Which entries live; settling clears the others.
    load : callable
        Returns identities, content digests, and stamps where the source has them, (n,) each.
    """

    new: bool
    alive: _Marks
    load: Callable[[], tuple[Keys, _Numbers, NDArray[np.int64] | None]]


@dataclass(slots=True)
class Tombstones:
    """Identities that were deleted at the source, and when."""

    keys: Keys
    stamps: NDArray[np.int64]


@dataclass(slots=True)
class _Share:
    """Entries of one share of the identities, from all blocks."""

    high: _Numbers
    low: _Numbers
    content: _Numbers
    stamp: NDArray[np.int64]
    new: _Marks
    block: NDArray[np.int32]
    row: NDArray[np.int32]

    def sorted_by(self, *by: NDArray[Any]) -> _Share:
        """Return the entries sorted by the given arrays, of which the last one counts most."""
        return self.pick(np.lexsort(by))

    def pick(self, rows: NDArray[np.intp] | _Marks) -> _Share:
        return _Share(*(getattr(self, name)[rows] for name in self.__slots__))


def settle(runs: Sequence[Run], tombstones: Tombstones | None, *, full: bool) -> Counter[str]:
    """Clear what does not live on in ``alive`` of every run and count what happened.

    Parameters
    ----------
    runs : sequence of Run
        The blocks of the version before, then those of the import in their order.
    tombstones : Tombstones or None
        Deletions; not ``None`` makes the newest record of an identity win, be it entry or
        deletion. Otherwise records of one identity but different content are all kept.
    full : bool
        Whether entries the import does not mention are removed.

    Returns
    -------
    Counter
        ``added``, ``changed``, ``removed``, ``unchanged``, :data:`DUPLICATE`, :data:`CONFLICTING`,
        :data:`SUPERSEDED`.
    """
    counts: Counter[str] = Counter()
    if not runs:
        return counts
    shares = max(1, -(-sum(len(run.alive) for run in runs) // SHARE))
    for number in range(shares):
        share = _gather(runs, tombstones, number, shares)
        judge = _compare if tombstones is None else _newest
        dead = judge(share, counts, full)
        for block in np.unique(dead.block):
            if block >= 0:
                runs[block].alive[dead.row[dead.block == block]] = False
    return counts


def _gather(runs: Sequence[Run], tombstones: Tombstones | None, number: int, shares: int) -> _Share:
    pieces = []
    for index, run in enumerate(runs):
        keys, contents, stamps = run.load()
        high = keys["high"].astype(np.uint64)
        rows = np.flatnonzero(run.alive & (high % np.uint64(shares) == number))
        pieces.append(
            _Share(
                high[rows],
                keys["low"][rows].astype(np.uint64),
                contents[rows],
                np.full(len(rows), _OLDEST) if stamps is None else stamps[rows],
                np.full(len(rows), run.new),
                np.full(len(rows), index, np.int32),
                rows.astype(np.int32),
            )
        )
    if tombstones is not None:
        high = tombstones.keys["high"].astype(np.uint64)
        rows = np.flatnonzero(high % np.uint64(shares) == number)
        low = tombstones.keys["low"][rows].astype(np.uint64)
        nothing = np.zeros(len(rows), np.int32)
        pieces.append(
            _Share(
                high[rows], low, low * 0, tombstones.stamps[rows], nothing > 0, nothing - 1, nothing
            )
        )
    return _Share(
        *(np.concatenate([getattr(p, name) for p in pieces]) for name in _Share.__slots__)
    )


def _starts(*columns: _Numbers) -> _Marks:
    """Mark where sorted rows differ from the row before."""
    starts = np.ones(len(columns[0]), bool)
    starts[1:] = False
    for column in columns:
        starts[1:] |= column[1:] != column[:-1]
    return starts


def _tally(groups: NDArray[np.intp], marks: _Marks) -> NDArray[np.intp]:
    """Count the marks of each group."""
    total = int(groups[-1]) + 1 if len(groups) else 0
    return np.bincount(groups[marks], minlength=total)


def _compare(share: _Share, counts: Counter[str], full: bool) -> _Share:
    """Settle records without stamps and return the dead."""
    order = np.argsort(share.high)
    sorted_high = share.high[order]
    shared = np.zeros(len(order), bool)
    shared[1:] = sorted_high[1:] == sorted_high[:-1]
    shared[:-1] |= shared[1:]

    # most identities occur once: new ones are added, old ones were not mentioned
    lone = order[~shared]
    lone_old = lone[~share.new[lone]]
    counts["added"] += len(lone) - len(lone_old)
    counts["removed" if full else "unchanged"] += len(lone_old)
    dead = [share.pick(lone_old)] if full else []

    rest = share.pick(order[shared])
    rest = rest.sorted_by(rest.new, rest.content, rest.low, rest.high)
    first_of_entry = _starts(rest.high, rest.low)
    first_of_content = first_of_entry | _starts(rest.content)
    entry = np.cumsum(first_of_entry) - 1
    content = np.cumsum(first_of_content) - 1
    had = _tally(content, ~rest.new)[content] > 0
    comes = _tally(content, rest.new)[content] > 0

    kept = rest.new & ~had & first_of_content
    counts["unchanged"] += int((~rest.new & comes).sum())
    counts[DUPLICATE] += int((rest.new & ~kept).sum()) - int((~rest.new & comes).sum())
    unmentioned = ~rest.new & ~comes
    arriving, leaving = _tally(entry, kept), _tally(entry, unmentioned)
    if not full:  # an entry that the changes do not touch stays
        stays = unmentioned & (arriving[entry] == 0)
        counts["unchanged"] += int(stays.sum())
        unmentioned &= ~stays
        leaving = _tally(entry, unmentioned)
    changed = np.minimum(arriving, leaving)
    counts["changed"] += int(changed.sum())
    counts["added"] += int((arriving - changed).sum())
    counts["removed"] += int((leaving - changed).sum())
    gone = unmentioned | (rest.new & ~kept)
    counts[CONFLICTING] += int((_tally(entry, ~gone) > 1).sum())
    dead.append(rest.pick(gone))
    return _Share(
        *(np.concatenate([getattr(part, name) for part in dead]) for name in _Share.__slots__)
    )


def _newest(share: _Share, counts: Counter[str], full: bool) -> _Share:
    """Settle records with stamps, of which the newest of each identity wins; return the dead."""
    deletion = share.block < 0
    # at equal stamps an entry outweighs a deletion, and the later of two entries the earlier
    rows = share.sorted_by(share.new, ~deletion, share.stamp, share.low, share.high)
    if not len(rows.high):
        return rows
    starts = _starts(rows.high, rows.low)
    group = np.cumsum(starts) - 1
    deletion = rows.block < 0
    old, new = ~rows.new & ~deletion, rows.new
    winner = np.append(starts[1:], True)
    had, came = _tally(group, old) > 0, _tally(group, new) > 0
    won_by_new = new[winner]
    won_by_old = old[winner]
    lost = deletion[winner]
    # the same record again: the one already stored stays
    last_old = np.full(len(had), np.uint64(0))
    last_old[group[old]] = rows.content[old]
    same = won_by_new & had & (rows.content[winner] == last_old)

    unmentioned = won_by_old & ~came
    counts["removed"] += int((lost & had).sum()) + (int(unmentioned.sum()) if full else 0)
    counts["unchanged"] += int((same | (won_by_old & came)).sum())
    counts["unchanged"] += 0 if full else int(unmentioned.sum())
    counts["changed"] += int((won_by_new & had & ~same).sum())
    counts["added"] += int((won_by_new & ~had).sum())
    stays_old = same | won_by_old
    if full:
        stays_old &= ~unmentioned
    alive = (old & stays_old[group]) | (new & winner & ~stays_old[group])
    doubles = new & ~alive & ~(winner & same[group])
    counts[SUPERSEDED] += int(doubles.sum())
    return rows.pick(~alive & ~deletion)
