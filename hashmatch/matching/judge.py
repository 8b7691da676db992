"""From hits to the verdict: what contradicts a hit, what holds it back, and what that leaves.

No hit is ever dropped. One that does not count stays in the result with its ``effect`` and the
reason, so that everybody can see what was decided and by whom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hashmatch import hash_types
from hashmatch.hash_types import HashKind
from hashmatch.matching import tiers
from hashmatch.matching.feedback import Feedback, Stance
from hashmatch.matching.flood import FloodGuard
from hashmatch.types import Effect, HashValue, Hit, Polarity, Reason, Tier, Verdict

OUR_FAILURES = (Reason.OUT_OF_MEMORY, Reason.INTERNAL)
_HELD_BACK = {
    Effect.SUSPENDED: (
        Reason.ENTRY_SUSPENDED,
        "an entry this input matches is suspended and waits for review",
    ),
    Effect.UNCORROBORATED: (
        Reason.UNCORROBORATED,
        "only a hash type too coarse to decide alone points at an entry; look at it",
    ),
}


class Judge:
    """Weighs hits against known-good entries, feedback and the flood guard.

    Parameters
    ----------
    feedback : Feedback
        What people said about entries and matches.
    guard : FloodGuard or None
        Counts matches and suspends entries; ``None`` where inputs are no stream of uploads.
    """

    def __init__(self, feedback: Feedback, guard: FloodGuard | None = None) -> None:
        self.feedback = feedback
        self.guard = guard

    def weigh(self, hits: Sequence[Hit], hashes: Mapping[str, HashValue]) -> list[Hit]:
        """Return the hits with their effects, best first.

        Parameters
        ----------
        hits : sequence of Hit
            Best first.
        hashes : mapping
            The input's hashes by type.

        Raises
        ------
        FeedbackError
            If feedback or the guard's state cannot be read.
        """
        if not hits:
            return []
        self.feedback.refresh()
        weighed = [self._weigh(hit, hits, hashes) for hit in hits]
        order = list(Tier)
        return sorted(weighed, key=lambda hit: order.index(hit.tier))

    def verdict(
        self, hits: Sequence[Hit], reason: Reason | None, message: str | None, *, decoded: bool
    ) -> tuple[Verdict, Reason | None, str | None]:
        """Return the verdict, and why it is not a plain one.

        Parameters
        ----------
        hits : sequence of Hit
            As :meth:`weigh` gave them.
        reason, message : Reason and str, or None
            Why the input could not be checked in full.
        decoded : bool
            Whether there was a picture to look at, in part or in full.
        """
        if any(hit.counts for hit in hits):
            return Verdict.MATCH, reason, message
        effects = {hit.effect for hit in hits}
        for effect, (why, words) in _HELD_BACK.items():
            if effect in effects:
                return Verdict.PARTIAL, why, words
        if reason is None:
            return Verdict.NO_MATCH, None, None
        if reason in OUR_FAILURES:
            return Verdict.ERROR, reason, message
        return (Verdict.PARTIAL if decoded else Verdict.UNSCANNABLE), reason, message

    def _weigh(self, hit: Hit, hits: Sequence[Hit], hashes: Mapping[str, HashValue]) -> Hit:
        if hit.polarity is not Polarity.KNOWN_BAD:
            return hit
        opinion = self.feedback.opinion(hit, hashes)
        if opinion is not None and opinion.stance is Stance.REFUTE:
            return replace(hit, effect=Effect.VETOED, effect_reason=opinion.reason)
        if opinion is not None:  # confirmed: nothing below outweighs a person's word
            return replace(hit, effect_reason=opinion.reason)
        if hit.hash_type in tiers.WEAK and not _seconded(hit, hits):
            words = f"{hit.hash_type} is too coarse to decide alone, and no other type agrees"
            return replace(hit, effect=Effect.UNCORROBORATED, effect_reason=words)
        hit = _contradicted(hit, hits)
        if self.guard is None or not hit.counts or hit.tier is Tier.EXACT:
            return hit
        suspension = self.guard.note(hit.list_name, hit.entry_id, _upload(hashes))
        if suspension is None:
            return hit
        return replace(hit, effect=Effect.SUSPENDED, effect_reason=suspension.reason)


def _seconded(hit: Hit, hits: Sequence[Hit]) -> bool:
    """Say whether a type that may decide alone found the same entry."""
    return any(
        other.hash_type not in tiers.WEAK
        and (other.list_name, other.entry_id) == (hit.list_name, hit.entry_id)
        for other in hits
    )


def _contradicted(hit: Hit, hits: Sequence[Hit]) -> Hit:
    """Downgrade a strong hit, or veto a possible one, that a known-good entry contradicts.

    The known-good entry has the very bytes of the input, or is nearer in the same hash type and
    frame. A known-bad entry of the same bytes or the very same hash value is contradicted by
    nothing.
    """
    if hit.tier is Tier.EXACT or not hit.distance:
        return hit
    for good in hits:
        same = (good.hash_type, good.frame) == (hit.hash_type, hit.frame)
        nearer = good.tier is Tier.STRONG and same and good.distance < hit.distance
        if good.polarity is Polarity.KNOWN_GOOD and (good.tier is Tier.EXACT or nearer):
            how = (
                "has the same bytes" if good.tier is Tier.EXACT else f"is {good.distance} bits off"
            )
            words = f"known-good entry {good.entry_id} of list {good.list_name} {how}"
            if hit.tier is Tier.STRONG:
                return replace(
                    hit, tier=Tier.POSSIBLE, effect=Effect.DOWNGRADED, effect_reason=words
                )
            return replace(hit, effect=Effect.VETOED, effect_reason=words)
    return hit


def _upload(hashes: Mapping[str, HashValue]) -> bytes:
    """Return what tells uploads apart: a perceptual value where there is one."""
    first = sorted(
        hashes.values(), key=lambda v: hash_types.get(v.hash_type).kind is not HashKind.PERCEPTUAL
    )
    return first[0].bytes if first else b""
