"""Public names come when they are asked for, and a worker process loads only what it runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import hashmatch
from hashmatch import hashing, matching, sandbox, scan
from hashmatch.on_use import loader


@pytest.mark.parametrize("package", [hashmatch, hashing, matching, sandbox, scan])
def test_every_public_name_is_there_and_no_other(package: object) -> None:
    for name in package.__all__:  # type: ignore[attr-defined]
        assert getattr(package, name) is not None
        # a submodule of the same name would take its place once it was imported
        assert not isinstance(getattr(package, name), type(sys)) or name == "registry"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_a_name_may_be_another_one_where_it_is_from() -> None:
    load = loader(__name__, {"joined": "os.path:join"})
    assert load("joined")("a", "b") == "a/b"
    assert globals()["joined"] is load("joined")


def test_a_worker_imports_only_what_it_runs() -> None:
    code = (
        "import sys, hashmatch.sandbox.worker, hashmatch.scan.examiner as e; e.prepare('pdq');"
        "print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True)
    loaded = set(ran.stdout.decode().split())
    assert "hashmatch.scan.archives" in loaded
    for needless in (
        "asyncio", "ssl", "sqlite3", "faiss", "hashmatch.sandbox.pool",
        "hashmatch.matching.matcher", "hashmatch.indexes", "hashmatch.lists",
    ):  # fmt: skip
        assert needless not in loaded
