"""Entries added to local lists and removed from them: seen at once, kept for good."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import hashmatch as hm
from hashmatch.curate import add_entries, remove_entries
from hashmatch.errors import CatalogError, HashFormatError
from hashmatch.home import Home
from hashmatch.indexes.snapshot import SnapshotWriter, current_id
from hashmatch.lists.catalog import Catalog
from hashmatch.publish import publish
from hashmatch.types import Entry, HashValue, Polarity

BAD = Polarity.KNOWN_BAD


def md5(number: int) -> HashValue:
    return HashValue("md5", number.to_bytes(16, "big"))


def entry(number: int, *more: HashValue, code: str | None = None) -> Entry:
    category = hm.Category("us", code) if code else None
    return Entry(f"case-{number}", (md5(number), *more), category, {"note": f"n{number}"})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home whose live snapshot has one local list of three entries."""
    made = Home(tmp_path / "home")
    add_entries(made, "local", [entry(n) for n in (1, 2, 3)], polarity=BAD)
    return made


def verdicts(matcher: hm.Matcher, *numbers: int) -> list[str]:
    return [matcher.match_hash("md5", md5(n).bytes).verdict.value for n in numbers]


def test_the_first_entries_make_the_list_and_the_snapshot(home: Home) -> None:
    with hm.Matcher.open(home.path) as matcher:
        assert verdicts(matcher, 1, 2, 3, 4) == ["match"] * 3 + ["no_match"]
    with Catalog.open(home.catalog, create=False) as catalog:
        assert catalog.list_info("local").entries == 3


def test_an_added_entry_is_found_by_a_matcher_that_was_open_before(home: Home) -> None:
    before = current_id(home.snapshots)
    with hm.Matcher.open(home.path) as matcher:
        report = add_entries(home, "local", [entry(4, code="2")])
        assert (report.added, report.version) == (1, 2)
        (hit,) = matcher.match_hash("md5", md5(4).bytes).hits
        assert verdicts(matcher, 1, 4, 5) == ["match", "match", "no_match"]
    assert (hit.entry_id, hit.list_version, hit.metadata) == ("case-4", 2, {"note": "n4"})
    assert hit.category is not None
    assert hit.category.code == "2"
    assert current_id(home.snapshots) == before, "nothing was rebuilt"


def test_a_replaced_entry_is_found_by_its_new_value_only(home: Home) -> None:
    with hm.Matcher.open(home.path) as matcher:
        report = add_entries(home, "local", [Entry("case-2", (md5(20),))])
        assert (report.added, report.changed) == (0, 1)
        assert verdicts(matcher, 2, 20, 1) == ["no_match", "match", "match"]
    publish(home)
    with hm.Matcher.open(home.path) as matcher:
        assert verdicts(matcher, 2, 20, 1) == ["no_match", "match", "match"]


def test_a_removed_entry_is_not_found_by_a_matcher_that_was_open_before(home: Home) -> None:
    with hm.Matcher.open(home.path) as matcher:
        assert remove_entries(home, "local", ["case-1", "case-9"]) == 1
        assert verdicts(matcher, 1, 2) == ["no_match", "match"]
        add_entries(home, "local", [entry(1)])
        assert verdicts(matcher, 1, 2) == ["match", "match"]
        assert remove_entries(home, "local", ["case-9"]) == 0
    publish(home)
    with hm.Matcher.open(home.path) as matcher:
        assert verdicts(matcher, 1, 2) == ["match", "match"]


def test_entries_without_a_name_are_removed_by_the_id_they_were_given(
    home: Home, import_text: Callable[..., None]
) -> None:
    import_text(home, "named-by-value", f"{7:032x}\n{8:032x}\n")
    publish(home)
    with hm.Matcher.open(home.path) as matcher:
        (hit,) = matcher.match_hash("md5", md5(7).bytes).hits
        assert remove_entries(home, "named-by-value", [hit.entry_id]) == 1
        assert verdicts(matcher, 7, 8, 1) == ["no_match", "match", "match"]


def test_a_new_hash_type_publishes(home: Home, photograph: Callable[[str], Path]) -> None:
    value = hm.hash_file(photograph("chelsea.png"))["pdq"]
    before = current_id(home.snapshots)
    with hm.Matcher.open(home.path) as matcher:
        add_entries(home, "local", [entry(5, value)])
        assert current_id(home.snapshots) != before
        assert matcher.reload()
        assert matcher.match_file(photograph("chelsea.png")).verdict is hm.Verdict.MATCH


def test_what_is_added_and_removed_while_a_snapshot_is_written_is_taken_along(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = SnapshotWriter.prepare

    def interrupted(self: SnapshotWriter) -> None:
        prepare(self)
        worker = threading.Thread(target=change)  # another thread: a lock is not its holder's
        worker.start()
        worker.join()

    def change() -> None:
        add_entries(home, "local", [entry(6)])
        remove_entries(home, "local", ["case-3"])

    with monkeypatch.context() as patched:
        patched.setattr(SnapshotWriter, "prepare", interrupted)
        report = publish(home)
    assert current_id(home.snapshots) == report.snapshot_id
    with hm.Matcher.open(home.path) as matcher:
        assert verdicts(matcher, 1, 3, 6) == ["match", "no_match", "match"]
    publish(home)
    with hm.Matcher.open(home.path) as matcher:
        assert verdicts(matcher, 1, 3, 6) == ["match", "no_match", "match"]


def test_a_list_of_another_polarity_and_unusable_entries_are_refused(home: Home) -> None:
    with pytest.raises(CatalogError, match="no list other"):
        add_entries(home, "other", [entry(1)])
    with pytest.raises(CatalogError, match="known-bad"):
        add_entries(home, "local", [entry(9)], polarity=Polarity.KNOWN_GOOD)
    with pytest.raises(CatalogError, match="id and a hash value"):
        add_entries(home, "local", [Entry("empty", ())])
    with pytest.raises(HashFormatError):
        add_entries(home, "local", [Entry("short", (HashValue("md5", b"123"),))])
    with pytest.raises(CatalogError):
        remove_entries(home, "other", ["case-1"])
    with hm.Matcher.open(home.path) as matcher:
        assert verdicts(matcher, 1, 2, 3, 9) == ["match"] * 3 + ["no_match"]


def test_entries_of_a_category_are_held_to_its_own_threshold(
    tmp_path: Path, photograph: Callable[[str], Path]
) -> None:
    value = hm.hash_file(photograph("chelsea.png"))["pdq"]
    near = bytearray(value.bytes)
    near[0] ^= 0xFF  # eight bits away
    home = Home(tmp_path / "home")
    home.ensure()
    source = home.path / "list.csv"
    source.write_text(f"pdq,id,category\n{value.hex},strict,1\n{value.hex},usual,2\n")
    from hashmatch.lists import readers

    with Catalog.open(home.catalog) as catalog:
        reading = readers.read([source], scheme="us")
        catalog.import_list(
            "l",
            reading,
            source_files=[source],
            format=reading.format,
            polarity=BAD,
            scheme="us",
            category_thresholds={"1": {"pdq": (4, 50)}},
        )
    publish(home)
    with hm.Matcher.open(home.path) as matcher:
        exact = matcher.match_hash("pdq", value.bytes).hits
        assert {hit.entry_id: hit.max_distance for hit in exact} == {"strict": 4, "usual": 31}
        assert [hit.entry_id for hit in matcher.match_hash("pdq", bytes(near)).hits] == ["usual"]
