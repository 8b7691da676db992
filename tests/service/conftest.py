"""A matcher that answers what a test wants, and uploads that are not pictures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from hashmatch.types import (
    Category,
    Hit,
    MatchResult,
    Polarity,
    Reason,
    Tier,
    Verdict,
)


def hit(
    list_name: str = "hotline",
    *,
    category: Category | None = None,
    tier: Tier = Tier.STRONG,
    polarity: Polarity = Polarity.KNOWN_BAD,
) -> Hit:
    return Hit(
        list_name=list_name,
        list_version=3,
        polarity=polarity,
        entry_id="entry-17",
        category=category,
        hash_type="pdq",
        distance=12,
        max_distance=31,
        tier=tier,
    )


ANSWERS = {
    "clean": MatchResult(Verdict.NO_MATCH),
    "match": MatchResult(Verdict.MATCH, hits=(hit(),)),
    "partial": MatchResult(Verdict.PARTIAL, Reason.FRAMES_SKIPPED),
    "unscannable": MatchResult(Verdict.UNSCANNABLE, Reason.CORRUPT),
    "error": MatchResult(Verdict.ERROR, Reason.INTERNAL),
}


class FakeMatcher:
    """Answers by what the bytes say, and remembers how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = threading.Event()
        self.running = 0
        self.most_running = 0
        self._lock = threading.Lock()

    def match_bytes(self, data: bytes | bytearray | memoryview, /) -> MatchResult:
        with self._lock:
            self.asked += 1
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            return self._answer(bytes(data))
        finally:
            with self._lock:
                self.running -= 1

    def _answer(self, said: bytes) -> MatchResult:
        if said.startswith(b"wait"):
            self.gate.wait(10)
            return ANSWERS["clean"]
        if said.startswith(b"slow"):
            time.sleep(0.5)
            return ANSWERS["clean"]
        if said.startswith(b"raise"):
            raise RuntimeError(said.decode("latin-1"))
        return ANSWERS.get(said.split(b" ")[0].decode("latin-1"), ANSWERS["unscannable"])


@pytest.fixture
def answers() -> dict[str, MatchResult]:
    """Return one answer of each verdict; the fake matcher gives them to bytes of that name."""
    return dict(ANSWERS)


@pytest.fixture
def make_hit() -> Callable[..., Hit]:
    """Return a function that makes a hit."""
    return hit


@pytest.fixture
def matcher() -> FakeMatcher:
    return FakeMatcher()


@pytest.fixture
def multipart() -> Callable[..., tuple[bytes, str]]:
    """Return a function that makes a multipart body and its Content-Type."""

    def make(*parts: tuple[str, str | None, bytes]) -> tuple[bytes, str]:
        body = b""
        for name, filename, content in parts:
            named = f'; filename="{filename}"' if filename is not None else ""
            disposition = f'Content-Disposition: form-data; name="{name}"{named}'
            body += b"--edge\r\n" + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"
        return body + b"--edge--\r\n", "multipart/form-data; boundary=edge"

    return make
