"""The flood guard of the running service: counted over all processes, never at a match's cost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hashmatch as hm
from hashmatch.home import Home
from hashmatch.service.keys import Role, add_key

Photograph = Callable[[str], Path]
LIMIT = 3
CURATOR = "hashmatch.service.curator"


@pytest.fixture
def keyed(known_home: Home, tmp_path: Path) -> tuple[Home, str]:
    shutil.copytree(known_home.path, tmp_path / "home")
    home = Home(tmp_path / "home")
    return home, add_key(home, "all", [Role.MATCH, Role.EXPLAIN, Role.OBSERVE], rate=1e6)[1]


@pytest.fixture
def served(keyed: tuple[Home, str], serve: Any) -> Iterator[Any]:
    with serve(keyed[0].path, "--workers", "2", "--flood-limit", str(LIMIT)) as running:
        yield running


@pytest.fixture
def ask(served: Any, keyed: tuple[Home, str], photograph: Photograph) -> Callable[[int], Any]:
    """Return a function that asks about a near copy, each time on a connection of its own."""
    value = int(hm.hash_file(photograph("coffee.png"))["pdq"].hex, 16)

    def near(number: int) -> Any:
        document = {"hashes": {"pdq": {"hex": f"{value ^ (3 << 2 * number):064x}"}}}
        with served.client(keyed[1]) as client:
            return client.post("/v1/match/hashes", json=document).json()

    return near


def metrics(served: Any, key: str) -> str:
    with served.client(key) as client:
        return str(client.get("/metrics").text)


def test_an_entry_that_matches_too_much_is_suspended_in_every_process_until_it_is_confirmed(
    served: Any, keyed: tuple[Home, str], ask: Callable[[int], Any], photograph: Photograph
) -> None:
    home, key = keyed
    for number in range(LIMIT):
        assert [ask(number)["verdict"] for _ in range(3)] == ["match"] * 3, "the same upload"
    answers = [ask(LIMIT + number) for number in range(8)]
    assert {(a["verdict"], a["reason"]) for a in answers} == {("partial", "entry_suspended")}
    entry = answers[0]["hits"][0]["entry_id"]
    assert answers[0]["hits"][0]["effect"] == "suspended"
    with served.client(key) as client:
        picture = client.post("/v1/match", content=photograph("coffee.png").read_bytes()).json()
        other = client.post("/v1/match", content=photograph("astronaut.png").read_bytes()).json()
    assert (picture["verdict"], other["verdict"]) == ("partial", "match")
    text = metrics(served, key)
    assert "hashmatch_flood_guard_events_total 1.0" in text
    assert "hashmatch_flood_guard_failures_total 0.0" in text
    (event,) = served.wait_for("entry_suspended")
    assert (event["list"], event["count"]) == ("photos", LIMIT + 1)
    assert entry not in json.dumps(event)

    def feedback(*arguments: str) -> str:
        command = [sys.executable, "-m", "hashmatch", "--home", str(home.path), "feedback"]
        run = subprocess.run([*command, *arguments], capture_output=True, check=True, text=True)
        return run.stdout

    suspended = json.loads(feedback("ls", "--json"))["suspended"]
    assert [(s["entry_id"], s["uploads"]) for s in suspended] == [(entry, LIMIT + 1)]
    feedback("confirm", "photos", entry)
    assert {ask(number)["verdict"] for number in range(20, 26)} == {"match"}


def test_a_dead_curator_costs_no_match_and_lifts_no_suspension(
    served: Any, keyed: tuple[Home, str], ask: Callable[[int], Any]
) -> None:
    (curator,) = served.running(CURATOR)
    os.kill(curator, signal.SIGSTOP)
    assert [ask(number)["verdict"] for number in range(2 * LIMIT)] == ["match"] * 2 * LIMIT
    assert "hashmatch_flood_guard_failures_total 6.0" in metrics(served, keyed[1])
    os.kill(curator, signal.SIGKILL)
    served.wait_for("died")
    numbers = iter(range(10, 110))
    while ask(next(numbers))["verdict"] == "match":  # from the new curator on, they count again
        time.sleep(0.5)
    os.kill(served.running(CURATOR)[0], signal.SIGSTOP)
    assert ask(0)["reason"] == "entry_suspended"


def test_nothing_is_counted_unless_a_limit_is_given(
    serve: Any, keyed: tuple[Home, str], photograph: Photograph
) -> None:
    data = photograph("coffee.png").read_bytes()
    with serve(keyed[0].path, "--workers", "1") as served:
        with served.client(keyed[1]) as client:
            assert client.post("/v1/match", content=data).json()["verdict"] == "match"
        assert not (keyed[0].path / "guard").exists()
