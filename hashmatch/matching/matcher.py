"""The Matcher: the one object that answers whether an input is one of the known ones."""

from __future__ import annotations

import asyncio
import logging
import os
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hashmatch import hash_types, media
from hashmatch.errors import MatcherConfigError, MediaError
from hashmatch.hash_types import HashKind
from hashmatch.home import Home
from hashmatch.indexes.contract import as_codes
from hashmatch.indexes.snapshot import Snapshot, current_id
from hashmatch.matching.examine import Examination, Probe, examine
from hashmatch.matching.follow import Follower, OnReload
from hashmatch.matching.ordered import ordered_map
from hashmatch.matching.profiles import DEFAULT_PROFILE, get_profile
from hashmatch.matching.search import Searcher
from hashmatch.types import HashValue, MatchResult, Polarity, Reason, Verdict
from hashmatch.version import ENGINE

log = logging.getLogger("hashmatch")

Bytes = bytes | bytearray | memoryview
FilePath = str | bytes | os.PathLike[Any]


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
    """

    def __init__(
        self,
        root: Path,
        snapshot_id: str | None = None,
        *,
        profile: str = DEFAULT_PROFILE,
        limits: media.Limits = media.DEFAULT_LIMITS,
        also_compute: Sequence[str] = (),
    ) -> None:
        self._root = root
        self._pinned = snapshot_id
        self.profile = get_profile(profile)
        self.limits = limits
        self._also = {name: hash_types.get(name).kind for name in also_compute}
        self._searcher = self._load()
        self._pool: ThreadPoolExecutor | None = None
        self._follower: Follower | None = None

    @classmethod
    def open(
        cls,
        source: str | os.PathLike[str] | None = None,
        *,
        profile: str = DEFAULT_PROFILE,
        limits: media.Limits = media.DEFAULT_LIMITS,
        also_compute: Sequence[str] = (),
    ) -> Self:
        """Open the live snapshot of a home, or one snapshot.

        Parameters
        ----------
        source : path or None
            A home folder, or a single snapshot's folder; by default the user's home
            (``HASHMATCH_HOME``).
        profile, limits, also_compute
            See the class.

        Raises
        ------
        SnapshotError
            If there is no snapshot, or it is damaged. No snapshot never means no match.
        MatcherConfigError
            If the profile does not exist.
        """
        if source is not None and (Path(source) / "manifest.json").is_file():
            folder = Path(source).absolute()
            root, snapshot_id = folder.parent, folder.name
        else:
            root, snapshot_id = Home.find(source).snapshots, None
        return cls(root, snapshot_id, profile=profile, limits=limits, also_compute=also_compute)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of threads. The snapshot is unmapped when the last answer using it is done."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None
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
        before = self._searcher.snapshot.id
        self._searcher = self._load()
        return self._searcher.snapshot.id != before

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
        if self._pinned is not None or self._follower is not None:
            raise MatcherConfigError("this matcher cannot follow: it is pinned, or does already")
        self._follower = Follower(
            lambda: current_id(self._root),
            lambda: self._searcher.snapshot.id,
            self._take_up,
            interval,
            on_reload,
        )

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in use."""
        return self._searcher.snapshot

    def match_bytes(self, data: Bytes, *, stages: dict[str, float] | None = None) -> MatchResult:
        """Answer about media held in memory. Nothing of it is kept or written anywhere.

        Parameters
        ----------
        data : bytes-like
            The input as it was received.
        stages : dict or None
            Takes the seconds each stage took: ``decode``, ``hash``, ``search`` and ``total``.
        """
        searcher = self._searcher
        times: dict[str, float] = {} if stages is None else stages
        begin = time.perf_counter()
        try:
            result = self._answer(searcher, data, times)
        except MemoryError:
            result = _failed(Reason.OUT_OF_MEMORY, "not enough memory to check this input")
        except Exception as error:  # noqa: BLE001 - the edge: a failure is an answer, never a miss
            # the message of a foreign exception may quote the input, so only places are logged
            frames = traceback.extract_tb(error.__traceback__)
            places = ", ".join(f"{f.filename}:{f.lineno} in {f.name}" for f in frames)
            log.error("checking an input failed with %s at %s", type(error).__name__, places)
            result = _failed(Reason.INTERNAL, f"hashmatch failed with {type(error).__name__}")
        times["total"] = time.perf_counter() - begin
        return replace(
            result,
            size=len(data),
            snapshot_id=searcher.snapshot.id,
            profile=self.profile.name,
            engine=ENGINE,
        )

    def match_file(self, path: FilePath, *, follow_symlinks: bool = True) -> MatchResult:
        """Answer about a file, which is opened read-only.

        Parameters
        ----------
        path : path
            The file; a name that is not UTF-8 may be given as bytes.
        follow_symlinks : bool
            Whether a symbolic link is followed or answered as ``unscannable``.
        """
        try:
            data = media.read_bytes(path, self.limits, follow_symlinks=follow_symlinks)
        except MediaError as error:
            return MatchResult(
                Verdict.UNSCANNABLE,
                error.reason,
                str(error),
                snapshot_id=self._searcher.snapshot.id,
                profile=self.profile.name,
                engine=ENGINE,
            )
        return self.match_bytes(data)

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
        searcher = self._searcher
        known = hash_types.get(hash_type)
        if hash_type not in searcher.snapshot.hash_types:
            raise MatcherConfigError(
                f"snapshot {searcher.snapshot.id} holds no {hash_type} values, so they cannot be "
                f"checked; it holds {', '.join(searcher.snapshot.hash_types)}"
            )
        raw = known.parse(value if isinstance(value, str) else value.hex())
        probe = Probe(HashValue(hash_type, raw, quality))
        found = Examination([probe], {hash_type: probe.value}, decoded=True)
        return replace(
            _decide(searcher, found),
            snapshot_id=searcher.snapshot.id,
            profile=self.profile.name,
            engine=ENGINE,
        )

    def match_hashes(
        self,
        hash_type: str,
        values: NDArray[np.uint8],
        qualities: Sequence[int | None] | None = None,
    ) -> list[MatchResult]:
        """Answer about many hash values of one type, in their order, with one search.

        Values without a hit share one result, which like all of these holds no ``hashes``: the
        caller has them.

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
        searcher = self._searcher
        known = hash_types.get(hash_type)
        if hash_type not in searcher.snapshot.hash_types:
            raise MatcherConfigError(
                f"snapshot {searcher.snapshot.id} holds no {hash_type} values, so they cannot be "
                f"checked; it holds {', '.join(searcher.snapshot.hash_types)}"
            )
        codes = as_codes(values, known.bits, "values")
        hits, blind = searcher.search_each(hash_type, codes, qualities)
        clean = MatchResult(
            Verdict.NO_MATCH,
            snapshot_id=searcher.snapshot.id,
            profile=self.profile.name,
            engine=ENGINE,
        )
        unsearched = replace(
            clean,
            verdict=Verdict.PARTIAL,
            reason=Reason.LOW_QUALITY,
            message=f"too little detail for a {hash_type} search",
        )
        results = [clean] * len(codes)
        for number in blind:
            results[number] = unsearched
        for number, found in hits.items():
            bad = any(hit.polarity is Polarity.KNOWN_BAD for hit in found)
            base = results[number]
            verdict = Verdict.MATCH if bad else base.verdict
            results[number] = replace(base, verdict=verdict, hits=tuple(found))
        return results

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
        """
        kinds = {name: hash_types.get(name).kind for name in types}
        cryptographic = [n for n, kind in kinds.items() if kind is HashKind.CRYPTOGRAPHIC]
        perceptual = [n for n, kind in kinds.items() if kind is HashKind.PERCEPTUAL]
        found = examine(data, cryptographic, perceptual, get_profile("plain"), self.limits)
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

    def _take_up(self) -> None:
        """Take up the live snapshot once it is checked and in memory."""
        searcher = self._load()
        searcher.snapshot.load()
        self._searcher = searcher

    def _load(self) -> Searcher:
        return Searcher(Snapshot.open(self._root, self._pinned))

    def _match_one(self, item: Bytes | FilePath) -> MatchResult:
        if isinstance(item, str | os.PathLike):
            return self.match_file(item)
        return self.match_bytes(item)

    def _answer(self, searcher: Searcher, data: Bytes, times: dict[str, float]) -> MatchResult:
        if not len(data):
            return MatchResult(Verdict.UNSCANNABLE, Reason.EMPTY, "the input holds no bytes")
        cryptographic = self._types(HashKind.CRYPTOGRAPHIC, searcher.cryptographic)
        perceptual = self._types(HashKind.PERCEPTUAL, searcher.perceptual)
        found = examine(data, cryptographic, perceptual, self.profile, self.limits)
        if not searcher.perceptual:  # the lists asked about bytes only, and those were checked
            found.reason = found.message = None
            found.decoded = True
        times |= found.seconds
        begin = time.perf_counter()
        result = _decide(searcher, found)
        times["search"] = time.perf_counter() - begin
        return result

    def _types(self, kind: HashKind, searched: Sequence[str]) -> list[str]:
        also = [name for name, its_kind in self._also.items() if its_kind is kind]
        return list(dict.fromkeys([*also, *searched]))


def _decide(searcher: Searcher, found: Examination) -> MatchResult:
    """Search for what was found in an input and turn it into a verdict."""
    hits = searcher.search(found.probes)
    reason, message = found.reason, found.message
    if reason is None and (blind := _unsearched(searcher, found.probes)):
        reason = Reason.LOW_QUALITY
        message = (
            f"too little detail for a {', '.join(blind)} search; only exact copies were looked for"
        )
    if any(hit.polarity is Polarity.KNOWN_BAD for hit in hits):
        verdict = Verdict.MATCH
    elif reason is None:
        verdict = Verdict.NO_MATCH
    else:
        verdict = Verdict.PARTIAL if found.decoded else Verdict.UNSCANNABLE
    return MatchResult(verdict, reason, message, found.hashes, tuple(hits), found.media)


def _unsearched(searcher: Searcher, probes: Sequence[Probe]) -> list[str]:
    """Return the hash types in which some frame had no picture good enough to search for."""
    searched: dict[tuple[str, int], bool] = {}
    for probe in probes:
        key = (probe.value.hash_type, probe.frame)
        searched[key] = searched.get(key, False) or searcher.fully_searchable(probe)
    return sorted({hash_type for (hash_type, _), good in searched.items() if not good})


def _failed(reason: Reason, message: str) -> MatchResult:
    return MatchResult(Verdict.ERROR, reason, message)
