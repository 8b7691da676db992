"""The regression suite: sizes, inputs made once, and what is noted beside each time.

    pytest bench --benchmark-enable [--size small|medium|large]

``python -m bench.regression`` runs it in several passes and keeps one result file.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # bench/ is a folder of the checkout, not an installed package
    sys.path.append(str(ROOT))

from bench.harness import machine  # noqa: E402 - the line above is what makes it importable

faiss.omp_set_num_threads(1)  # threads are asked for where they are what is measured


@dataclass(frozen=True, slots=True)
class Size:
    """How large the inputs are.

    Parameters
    ----------
    rows : tuple of int
        Hashes an index holds.
    sides : tuple of (height, width)
        Pictures.
    listed : int
        Entries of an imported list.
    """

    rows: tuple[int, ...]
    sides: tuple[tuple[int, int], ...]
    listed: int


SIZES = {
    "small": Size((10_000, 100_000), ((480, 640),), 5_000),
    "medium": Size((100_000, 1_000_000), ((480, 640), (1004, 1600)), 50_000),
    "large": Size((1_000_000, 10_000_000), ((1004, 1600), (3024, 4032)), 500_000),
}
_YARD = b"\x5a" * (1 << 18)
_YARD_CODES = np.random.default_rng(0).integers(0, 256, 1 << 21, np.uint8)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--size`` and ``--plant``."""
    parser.addoption("--size", choices=list(SIZES), default="small", help="sizes of bench inputs")
    parser.addoption("--plant", metavar="MODULE:KERNEL=FACTOR", help="slow one kernel down")


def pytest_configure(config: pytest.Config) -> None:
    """Slow down the kernel that ``--plant`` names, so that it can be seen whether it is seen."""
    if planted := config.getoption("--plant", None):
        where, factor = planted.split("=")
        module, kernel = where.split(":")
        found = importlib.import_module(module)
        setattr(found, kernel, slowed(getattr(found, kernel), float(factor)))


def slowed(kernel: Callable[..., Any], factor: float) -> Callable[..., Any]:
    """Return a kernel that takes ``factor`` times as long, by idling after its work."""

    def slow(*given: Any, **named: Any) -> Any:
        begin = time.process_time()
        result = kernel(*given, **named)
        end = begin + factor * (time.process_time() - begin)
        while time.process_time() < end:
            pass
        return result

    return slow


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a benchmark that takes ``rows``, ``few_rows`` or ``side`` at each size."""
    size = SIZES[metafunc.config.getoption("--size")]
    if "rows" in metafunc.fixturenames:
        metafunc.parametrize("rows", size.rows)
    if "few_rows" in metafunc.fixturenames:
        metafunc.parametrize("few_rows", size.rows[:1])
    if "side" in metafunc.fixturenames:
        metafunc.parametrize("side", size.sides, ids=lambda s: f"{s[1]}x{s[0]}")


def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, Any]
) -> None:
    """Put the facts that figures depend on, SIMD level included, into the JSON."""
    machine_info["hashmatch"] = machine() | {"size": config.getoption("--size")}


@pytest.fixture(scope="session")
def listed(request: pytest.FixtureRequest) -> int:
    """Return how many entries an imported list has."""
    return SIZES[request.config.getoption("--size")].listed


Measure = Callable[..., Any]


@pytest.fixture
def measure(benchmark: Any) -> Measure:
    """Return a function that times a call and notes its memory, with a yardstick beside it.

    Keywords are noted as facts; ``per`` says how many things one call does.
    """

    def run(call: Callable[[], Any], *, per: int = 1, **facts: Any) -> Any:
        before = yardstick()
        result = benchmark(call)
        if benchmark.enabled:
            benchmark.extra_info |= {
                "yardstick": min(before, yardstick()), "per_call": per, **memory(call), **facts,
            }  # fmt: skip
        return result

    return run


def yardstick() -> float:
    """Return the seconds of a fixed piece of work: hashing in cache, counting bits in memory."""
    least = float("inf")
    for _ in range(5):
        begin = time.process_time()
        hashlib.sha256(_YARD).digest()
        np.bitwise_count(_YARD_CODES).sum()
        least = min(least, time.process_time() - begin)
    return least


def memory(call: Callable[[], Any]) -> dict[str, int]:
    """Return what one call allocates through Python at most, and how far the process grew."""
    before = _resident()
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"peak_bytes": peak, "resident_growth_bytes": max(0, _resident_peak() - before)}


def _resident() -> int:
    """Return the process's resident bytes and start a new peak; 0 where the system cannot say."""
    with contextlib.suppress(OSError):  # not Linux, or not allowed
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS")


def _resident_peak() -> int:
    return _status("VmHWM")


def _status(key: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith(key)), 0)
