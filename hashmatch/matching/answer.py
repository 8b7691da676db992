"""From what was found in an input to its result: search, weigh, decide, and never fail aloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hashmatch.matching.examine import Examination, Probe
from hashmatch.matching.faults import log_fault
from hashmatch.matching.judge import OUR_FAILURES, Judge
from hashmatch.matching.profiles import Profile
from hashmatch.matching.search import Searcher
from hashmatch.matching.views import is_view
from hashmatch.types import HashValue, Hit, MatchResult, Reason, Verdict
from hashmatch.version import ENGINE

# what does not matter where no list asks for pictures: the bytes were read and hashed
_OF_PICTURES = (
    Reason.FRAMES_SKIPPED,
    Reason.TRUNCATED,
    Reason.NOT_AN_IMAGE,
    Reason.UNSUPPORTED_FORMAT,
    Reason.CORRUPT,
    Reason.TOO_MANY_BYTES,
    Reason.TOO_MANY_PIXELS,
    Reason.TIMEOUT,
    Reason.DECODER_CRASHED,
    *OUR_FAILURES,
)


class Answerer:
    """Gives results for inputs that were examined, against any snapshot.

    Parameters
    ----------
    profile : Profile
        Whether hits of the ``possible`` tier are looked for; noted in every result.
    judge : Judge
        Weighs hits and gives the verdict.
    """

    def __init__(self, profile: Profile, judge: Judge) -> None:
        self._profile = profile
        self._judge = judge

    def answer(self, searcher: Searcher, found: Examination) -> MatchResult:
        """Return the result of one input; a failure of the search itself is an answer, too."""
        result = partial(
            MatchResult,
            size=found.size,
            snapshot_id=searcher.snapshot.id,
            profile=self._profile.name,
            engine=ENGINE,
        )
        try:
            hits, verdict, reason, message = self._decide(searcher, found)
        except MemoryError:
            message = "not enough memory to check this input"
            return result(Verdict.ERROR, Reason.OUT_OF_MEMORY, message)
        except Exception as error:  # noqa: BLE001 - the edge: a failure is an answer, never a miss
            message = log_fault("searching for an input", error)
            return result(Verdict.ERROR, Reason.INTERNAL, message)
        return result(verdict, reason, message, found.hashes, hits, found.media)

    def answer_each(
        self,
        searcher: Searcher,
        hash_type: str,
        codes: NDArray[np.uint8],
        qualities: Sequence[int | None] | None,
    ) -> list[MatchResult]:
        """Return the results of many values of one type, in their order.

        Parameters
        ----------
        searcher : Searcher
        hash_type : str
            A hash type of its snapshot.
        codes : (N, bits / 8) uint8
        qualities : sequence of int or None
            0..100 for each value, where known.
        """
        hits, blind = searcher.search_each(hash_type, codes, qualities)
        clean = MatchResult(
            Verdict.NO_MATCH,
            snapshot_id=searcher.snapshot.id,
            profile=self._profile.name,
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
            quality = qualities[number] if qualities is not None else None
            value = HashValue(hash_type, codes[number].tobytes(), quality)
            results[number] = self._found(results[number], found, value)
        return results

    def _found(self, base: MatchResult, hits: Sequence[Hit], value: HashValue) -> MatchResult:
        weighed = self._judge.weigh(hits, {value.hash_type: value})
        verdict, reason, message = self._judge.verdict(
            weighed, base.reason, base.message, decoded=True
        )
        return replace(base, verdict=verdict, reason=reason, message=message, hits=tuple(weighed))

    def _decide(
        self, searcher: Searcher, found: Examination
    ) -> tuple[tuple[Hit, ...], Verdict, Reason | None, str | None]:
        hits = searcher.search(found.probes, also_possible=self._profile.possible)
        hits = self._judge.weigh(hits, found.hashes)
        reason, message = found.reason, found.message
        if not searcher.perceptual and found.hashes and reason in _OF_PICTURES:
            # the lists asked about bytes only, and those were checked
            reason = message = None
        if reason is None and (blind := _unsearched(searcher, found.probes)):
            reason = Reason.LOW_QUALITY
            message = (
                f"too little detail for a {', '.join(blind)} search; only exact copies were "
                "looked for"
            )
        verdict = self._judge.verdict(hits, reason, message, decoded=found.decoded)
        return (tuple(hits), *verdict)


def _unsearched(searcher: Searcher, probes: Sequence[Probe]) -> list[str]:
    """Return the hash types in which some frame had no picture good enough to search for."""
    if all(map(searcher.fully_searchable, probes)):  # as nearly always
        return []
    searched: dict[tuple[str, int], bool] = {}
    for probe in probes:
        if is_view(probe.variant):  # a guess about the picture, not the picture
            continue
        key = (probe.value.hash_type, probe.frame)
        searched[key] = searched.get(key, False) or searcher.fully_searchable(probe)
    return sorted({hash_type for (hash_type, _), good in searched.items() if not good})
