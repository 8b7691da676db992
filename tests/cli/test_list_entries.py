"""``hashmatch list add`` and ``list drop`` as a user meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
MD5 = f"{77:032x}"


def test_an_entry_is_added_found_and_dropped(run: Run, tmp_path: Path) -> None:
    home = ("--home", tmp_path / "home")
    added = run(*home, "list", "add", "local", f"md5={MD5}", "--id", "case-7", "--note", "mine",
                "--category", "1", "--scheme", "us", "--polarity", "known-bad")  # fmt: skip
    assert (added.status, added.out) == (0, "")
    assert "case-7 is added to local, now version 1" in added.err
    found = run(*home, "match", "--json", "--hash", "md5", MD5)
    (hit,) = json.loads(found.out)["hits"]
    assert (hit["entry_id"], hit["metadata"]) == ("case-7", {"note": "mine"})
    assert (hit["category"]["scheme"], hit["category"]["code"]) == ("us", "1")
    again = run(*home, "list", "add", "local", f"md5={MD5}", "--id", "case-7", "--json")
    assert json.loads(again.out)["changed"] == 1
    dropped = run(*home, "list", "drop", "local", "case-7", "case-8")
    assert (dropped.status, dropped.err) == (0, "1 of 2 removed from local\n")
    assert run(*home, "match", "--hash", "md5", MD5).status == 0
    assert run(*home, "list", "drop", "local", "case-7", "--json").status == 2


def test_mistakes_are_named_without_repeating_values(run: Run, tmp_path: Path) -> None:
    home = ("--home", tmp_path / "home")
    for arguments, complaint in (
        (("local", MD5, "--id", "x"), "TYPE=HEX"),
        (("local", f"md5={MD5}0", "--id", "x"), "32 hexadecimal digits"),
        (("local", f"md6={MD5}", "--id", "x"), "unknown hash type"),
        (("local", f"md5={MD5}", "--id", "x"), "catalog"),
        (("local", f"md5={MD5}", "--id", "x", "--category", "1"), "--scheme"),
    ):
        ran = run(*home, "list", "add", *arguments)
        assert (ran.status, ran.out) == (2, ""), arguments
        assert complaint in ran.err, arguments
        assert MD5 not in ran.err


def test_an_import_can_build_at_once(run: Run, tmp_path: Path) -> None:
    home = ("--home", tmp_path / "home")
    source = tmp_path / "list.txt"
    source.write_text(MD5 + "\n")
    told = run(*home, "list", "import", "l", source, "--polarity", "known-bad", "--build", "--json")
    report = json.loads(told.out)
    assert (report["added"], report["built"]["values"]) == (1, {"md5": 1})
    assert run(*home, "match", "--hash", "md5", MD5).status == 1
    dry = run(*home, "list", "import", "l", source, "--build", "--dry-run")
    assert (dry.status, dry.out) == (0, "")
    assert "is live" not in dry.err
    assert "is live" in run(*home, "list", "import", "l", source, "--build").err
