"""The Matcher: the one object that answers whether an input is one of the known ones."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types, hashing, media
from hashmatch.errors import MatcherConfigError
from hashmatch.hash_types import HashKind
from hashmatch.home import Home
from hashmatch.indexes.contract import as_codes
from hashmatch.indexes.snapshot import Snapshot
from hashmatch.matching.answer import Answerer
from hashmatch.matching.examine import Bytes, Examination, Probe
from hashmatch.matching.feedback import Feedback
from hashmatch.matching.flood import FloodGuard
from hashmatch.matching.follow import OnReload
from hashmatch.matching.in_use import InUse
from hashmatch.matching.isolated import DEFAULT_TIMEOUT
from hashmatch.matching.judge import Judge
from hashmatch.matching.ordered import ordered_map
from hashmatch.matching.plan import Plan, Wanted
from hashmatch.matching.profiles import DEFAULT_PROFILE, get_profile
from hashmatch.matching.source import FilePath, examine_file
from hashmatch.types import HashValue, MatchResult, Polarity, Reason


class Matcher:
    """Answers whether inputs are known, from one snapshot at a time.

    Safe to share between threads. Open one with :meth:`open`.

    Parameters
    ----------
    root : Path
        The folder of snapshots.
    snapshot_id : str or None
        The snapshot to use for ever, or ``None`` for the live one.
    profile : str
        Which variants of a picture are searched for: ``plain`` or ``orientations``.
    limits : hashmatch.media.Limits
        What is refused before it is decoded.
    also_compute : sequence of str
        Hash types to compute and report besides those the snapshot can search.
    possible : bool or None
        Whether hits of the ``possible`` tier are wanted; by default with ``thorough`` only.
    flood_guard : FloodGuard or None
        Counts matches and suspends entries that suddenly match a lot; for upload hooks.
    isolation : str
        ``inline`` decodes in this process, ``workers`` in locked-down processes of its own
        (``docs/security.md``).
    workers : int or None
        How many inputs the worker processes check at a time; by default one per processor.
    timeout : float
        Seconds a worker process may take for one input, and as many more as reading a large
        one from a slow disk takes. Nothing bounds the time inline.

    Raises
    ------
    SandboxError
        If worker processes are asked for and cannot be started here.
    """

    def __init__(
        self,
        root: Path,
        snapshot_id: str | None = None,
        *,
        profile: str = DEFAULT_PROFILE,
        limits: media.Limits = media.DEFAULT_LIMITS,
        also_compute: Sequence[str] = (),
        possible: bool | None = None,
        flood_guard: FloodGuard | None = None,
        isolation: str = "inline",
        workers: int | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        self.profile = get_profile(profile, possible=possible)
        self.limits = limits
        wanted = Wanted(tuple(also_compute), self.profile, limits)
        self._in_use = InUse(root, snapshot_id, wanted, isolation, workers, timeout)
        # a home keeps its feedback beside its snapshots
        self._answerer = Answerer(self.profile, Judge(Feedback(root.parent), flood_guard))
        self._pool: ThreadPoolExecutor | None = None

    @classmethod
    def open(
        cls,
        source: str | os.PathLike[str] | None = None,
        *,
        profile: str = DEFAULT_PROFILE,
        limits: media.Limits = media.DEFAULT_LIMITS,
        also_compute: Sequence[str] = (),
        possible: bool | None = None,
        flood_guard: FloodGuard | None = None,
        isolation: str = "inline",
        workers: int | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Self:
        """Open the live snapshot of a home, or one snapshot.

        Parameters
        ----------
        source : path or None
            A home folder, or a single snapshot's folder; by default the user's home
            (``HASHMATCH_HOME``).
        profile, limits, also_compute, possible, flood_guard, isolation, workers, timeout
            See the class.

        Raises
        ------
        SnapshotError
            If there is no snapshot, or it is damaged. No snapshot never means no match.
        MatcherConfigError
            If the profile or the isolation does not exist.
        SandboxError
            If worker processes cannot be started here.
        """
        if source is not None and (Path(source) / "manifest.json").is_file():
            folder = Path(source).absolute()
            root, snapshot_id = folder.parent, folder.name
        else:
            root, snapshot_id = Home.find(source).snapshots, None
        return cls(
            root,
            snapshot_id,
            profile=profile,
            limits=limits,
            also_compute=also_compute,
            possible=possible,
            flood_guard=flood_guard,
            isolation=isolation,
            workers=workers,
            timeout=timeout,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End threads and worker processes; the snapshot is unmapped after its last answer."""
        self._in_use.close()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def reload(self) -> bool:
        """Take up the snapshot that is live now; answers under way finish on the one they have.

        Returns
        -------
        bool
            Whether another snapshot was taken up.

        Raises
        ------
        SnapshotError
            If it cannot be opened; the matcher then goes on with the one it has.
        """
        return self._in_use.reload()

    def follow(self, interval: float = 1.0, on_reload: OnReload | None = None) -> None:
        """Take up every new snapshot by itself, until the matcher is closed.

        A thread looks for one; it is checked and in memory before it answers its first query.

        Parameters
        ----------
        interval : float
            Seconds between two looks.
        on_reload : callable or None
            Called on that thread after each attempt, with what it failed with or ``None``. After
            a failure the matcher goes on with the snapshot it has.

        Raises
        ------
        MatcherConfigError
            If the matcher was opened on one snapshot for ever, or follows already.
        """
        self._in_use.follow(interval, on_reload)

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in use."""
        return self._in_use.searcher.snapshot

    def plan(self) -> Plan:
        """Return what is computed of an input, for the snapshot in use."""
        return self._in_use.plan(self._in_use.searcher)

    def match_bytes(self, data: Bytes, *, stages: dict[str, float] | None = None) -> MatchResult:
        """Answer about media held in memory. Nothing of it is kept or written anywhere.

        Parameters
        ----------
        data : bytes-like
            The input as it was received.
        stages : dict or None
            Takes the seconds each stage took: ``decode``, ``hash``, ``search`` and ``total``.
        """
        begin = time.perf_counter()
        searcher = self._in_use.searcher
        found = self._in_use.isolation.examine_bytes(data, self._in_use.plan(searcher))
        found.size = len(data)
        examined = time.perf_counter()
        result = self._answerer.answer(searcher, found)
        if stages is not None:
            end = time.perf_counter()
            stages |= found.seconds | {"search": end - examined, "total": end - begin}
        return result

    def match_file(self, path: FilePath, *, follow_symlinks: bool = True) -> MatchResult:
        """Answer about a file, which is opened read-only.

        One that is larger than the limits allow is not decoded, but exact copies are found.

        Parameters
        ----------
        path : path
            The file; a name that is not UTF-8 may be given as bytes.
        follow_symlinks : bool
            Whether a symbolic link is followed or answered as ``unscannable``.
        """
        searcher = self._in_use.searcher
        plan = self._in_use.plan(searcher)
        found = examine_file(
            path,
            partial(self._in_use.isolation.examine_descriptor, plan=plan),
            follow_symlinks=follow_symlinks,
        )
        return self._answerer.answer(searcher, found)

    def judge(self, found: Examination) -> MatchResult:
        """Search for what was found in an input earlier, and answer.

        Parameters
        ----------
        found : Examination
            From :func:`hashmatch.matching.examine.examine`, a worker or a scan's journal.
        """
        return self._answerer.answer(self._in_use.searcher, found)

    @property
    def holds_known_good(self) -> bool:
        """Whether the snapshot holds a known-good list with cryptographic hashes to look up."""
        searcher = self._in_use.searcher
        good = any(listed.polarity is Polarity.KNOWN_GOOD for listed in searcher.lists)
        return good and bool(searcher.cryptographic)

    def known_good(self, hashes: Mapping[str, HashValue]) -> bool:
        """Say whether an input's bytes are on a known-good list and on no known-bad one."""
        hits = self._in_use.searcher.search([Probe(value) for value in hashes.values()])
        return bool(hits) and all(hit.polarity is Polarity.KNOWN_GOOD for hit in hits)

    def match_hash(
        self, hash_type: str, value: str | bytes, *, quality: int | None = None
    ) -> MatchResult:
        """Answer about a hash value computed elsewhere; no media is needed.

        Parameters
        ----------
        hash_type : str
            Its hash type.
        value : str or bytes
            Hexadecimal text or the value itself.
        quality : int or None
            0..100 where known; a perceptual value below the lists' gate is not searched.

        Raises
        ------
        HashFormatError
            If the value does not fit the type.
        MatcherConfigError
            If the snapshot holds no list with this hash type, so nothing could be answered.
        """
        searcher = self._in_use.searcher
        known = searcher.holds(hash_type)
        raw = known.parse(value if isinstance(value, str) else value.hex())
        probe = Probe(HashValue(hash_type, raw, quality))
        found = Examination([probe], {hash_type: probe.value}, decoded=True)
        return self._answerer.answer(searcher, found)

    def match_hashes(
        self,
        hash_type: str,
        values: NDArray[np.uint8],
        qualities: Sequence[int | None] | None = None,
    ) -> list[MatchResult]:
        """Answer about many hash values of one type, in their order, with one search.

        Values without a hit share one result, which like all of these holds no ``hashes``: the
        caller has them. Only exact and strong hits are looked for, whatever the profile.

        Parameters
        ----------
        hash_type : str
            A hash type the snapshot can search.
        values : (N, bits / 8) uint8
        qualities : sequence of int or None
            0..100 for each value, where known.

        Raises
        ------
        IndexArgumentError
            If dtype or shape of the values are others.
        MatcherConfigError
            If the snapshot holds no list with this hash type.
        """
        searcher = self._in_use.searcher
        known = searcher.holds(hash_type)
        codes = as_codes(values, known.bits, "values")
        return self._answerer.answer_each(searcher, hash_type, codes, qualities)

    def hashable(self) -> tuple[str, ...]:
        """Return the hash types that :meth:`hash_bytes` can compute."""
        kinds = {name: hash_types.get(name).kind for name in hash_types.names()}
        perceptual = (n for n in hashing.computable() if kinds[n] is HashKind.PERCEPTUAL)
        return (*perceptual, *(n for n, kind in kinds.items() if kind is HashKind.CRYPTOGRAPHIC))

    @property
    def workers_lost(self) -> int:
        """How many worker processes died or had to be stopped so far; 0 inline."""
        return self._in_use.isolation.lost

    def hash_bytes(
        self, data: Bytes, types: Sequence[str]
    ) -> tuple[dict[str, HashValue], Reason | None, str | None]:
        """Compute hash values of media as matching would, and search for nothing.

        Returns
        -------
        hashes : dict
            Those of ``types`` that could be computed.
        reason, message : Reason and str, or None
            Why the others could not.

        Raises
        ------
        MatcherConfigError
            If a type is not one of :meth:`hashable`.
        """
        hashable = self.hashable()
        if unknown := [name for name in types if name not in hashable]:
            raise MatcherConfigError(
                f"cannot compute {', '.join(unknown)} here; choose of {', '.join(hashable)}"
            )
        plan = Plan.of_types(types, get_profile("plain"), self.limits)
        found = self._in_use.isolation.examine_bytes(data, plan)
        return found.hashes, found.reason, found.message

    def match_many(
        self, items: Iterable[Bytes | FilePath], *, threads: int | None = None
    ) -> Iterator[MatchResult]:
        """Answer about many inputs on a thread pool, in their order.

        Parameters
        ----------
        items : iterable
            Paths as ``str`` or path objects, or media as bytes-like objects.
        threads : int or None
            How many at a time; by default one per processor. Only so many inputs are in memory.
        """
        return ordered_map(self._match_one, items, threads or os.cpu_count() or 1)

    async def amatch_bytes(self, data: Bytes) -> MatchResult:
        """Answer as :meth:`match_bytes` does, without blocking the event loop."""
        return await asyncio.get_running_loop().run_in_executor(
            self._executor(), self.match_bytes, data
        )

    async def amatch_file(self, path: FilePath) -> MatchResult:
        """Answer as :meth:`match_file` does, without blocking the event loop."""
        return await asyncio.get_running_loop().run_in_executor(
            self._executor(), self.match_file, path
        )

    def _executor(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="hashmatch")
        return self._pool

    def _match_one(self, item: Bytes | FilePath) -> MatchResult:
        if isinstance(item, str | os.PathLike):
            return self.match_file(item)
        return self.match_bytes(item)
