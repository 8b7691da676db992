"""Pools whose function is one of this folder's payloads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashmatch.sandbox import Pool


@pytest.fixture(scope="session")
def payload_path() -> Iterator[None]:
    """Let workers import ``sandbox_payloads``."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    yield
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="module")
def pool(payload_path: None) -> Iterator[Pool]:
    with Pool("sandbox_payloads:run", "sandbox_payloads:prepare", "prepared", workers=2) as opened:
        yield opened
