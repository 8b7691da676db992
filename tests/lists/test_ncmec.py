"""NCMEC pages: what a record may look like, and that an odd one costs only itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hashmatch.errors import ListFormatError
from hashmatch.lists import readers
from hashmatch.lists.catalog import Catalog
from hashmatch.lists.info import ImportReport, Mode
from hashmatch.types import Entry, Polarity

Fake = dict[str, Callable[[int], str]]


def page(
    *records: str, extra: str = "", count: str = '2" maxTimestamp="2031-01-02T03:04:05Z'
) -> str:
    return (
        '<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">'
        f'<images count="{count}">{"".join(records)}</images>{extra}</queryResult>'
    )


def image(
    entry_id: str = "ex-1",
    fingerprints: str = "",
    *,
    member: str = '<member id="901">Example Co</member>',
    timestamp: str = "2031-01-02T03:04:05Z",
    kind: str = "image",
    more: str = "",
) -> str:
    return (
        f"<{kind}>{member}<timestamp>{timestamp}</timestamp><id>{entry_id}</id>{more}"
        f"<fingerprints>{fingerprints}</fingerprints></{kind}>"
    )


def deleted(entry_id: str, timestamp: str) -> str:
    return (
        f'<deletedImage><member id="901">Example Co</member><id>{entry_id}</id>'
        f"<timestamp>{timestamp}</timestamp></deletedImage>"
    )


def read(tmp_path: Path, *pages: str) -> tuple[readers.Reading, list[Entry]]:
    paths = []
    for number, text in enumerate(pages):
        path = tmp_path / f"page{number}.xml"
        path.write_text(text)
        paths.append(path)
    reading = readers.read(paths)
    return reading, list(reading.entries())


def test_a_record(tmp_path: Path, fake: Fake) -> None:
    more = (
        "<classification>A1</classification><feedback lastUpdateTimestamp='2031-01-01T00:00:00Z'/>"
    )
    reading, (entry,) = read(
        tmp_path, page(image("x", f"<md5>{fake['md5'](1).upper()}</md5>", more=more))
    )
    assert reading.format == "ncmec"
    assert entry.entry_id == "901:x"
    assert entry.hashes[0].hex == fake["md5"](1)
    assert entry.category is not None
    assert (entry.category.scheme, entry.category.code) == ("ncmec", "A1")
    assert entry.metadata == {
        "member": "Example Co",
        "timestamp": "2031-01-02T03:04:05Z",
        "feedback": {"lastUpdateTimestamp": "2031-01-01T00:00:00Z"},
    }


GOOD = "<md5>{0}</md5>"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"member": "<member>Example Co</member>"}, "no member id"),
        ({"member": ""}, "no member id"),
        ({"member": '<member id="x9">Example Co</member>'}, "no member id that is a number"),
        ({"entry_id": ""}, "no id"),
        ({"fingerprints": "<md5>00112233</md5>"}, "32 hexadecimal digits, not 8"),
        ({"fingerprints": "<md5>" + "g" * 32 + "</md5>"}, "hexadecimal digits only"),
        ({"fingerprints": "<sha1>00</sha1>"}, "40 hexadecimal digits"),
        ({"fingerprints": "<pdq>00</pdq>"}, "64 hexadecimal digits"),
    ],
    ids=[
        "no member@id", "no member", "member id not a number", "no id", "short md5",
        "md5 not hexadecimal", "short sha1", "short pdq",
    ],
)  # fmt: skip
def test_an_odd_record_costs_itself_not_its_page(
    tmp_path: Path, fake: Fake, bad: dict[str, str], reason: str
) -> None:
    good = image("good", GOOD.format(fake["md5"](1)))
    odd = image(**{"fingerprints": GOOD.format(fake["md5"](2)), **bad})
    reading, (entry,) = read(tmp_path, page(good, odd))
    assert entry.entry_id == "901:good"
    (problem,) = reading.problems.shown
    assert problem.place == "record 2"
    assert reason in problem.reason


def test_a_bad_value_beside_a_good_one_keeps_the_record(tmp_path: Path, fake: Fake) -> None:
    reading, (entry,) = read(
        tmp_path, page(image("x", f"<md5>zz</md5><pdq>{fake['pdq'](1)}</pdq>"))
    )
    assert [v.hash_type for v in entry.hashes] == ["pdq"]
    assert reading.problems.count == 1


def test_unknown_elements_are_kept_raw(tmp_path: Path, fake: Fake) -> None:
    reading, entries = read(
        tmp_path,
        page(
            image("a", GOOD.format(fake["md5"](1)), kind="audio"),
            image("b", GOOD.format(fake["md5"](2)) + "<newhash>value</newhash>"),
            image("c", GOOD.format(fake["md5"](3)), more="<novel x='1'><y>z</y></novel>"),
        ),
    )
    assert reading.problems.count == 0
    assert entries[0].metadata["kind"] == "audio"
    assert entries[1].metadata["fingerprints"] == {"newhash": "value"}
    assert entries[2].metadata["novel"] == {"x": "1", "y": ["z"]}


def test_large_fingerprints_are_normal_and_their_links_not_kept(tmp_path: Path, fake: Fake) -> None:
    large = '<videntifier rel="self" href="/v2/secret"/>'
    reading, (entry,) = read(
        tmp_path,
        page(image("a", GOOD.format(fake["md5"](1)) + large, kind="video"), image("b", large)),
    )
    assert entry.metadata["large_fingerprints"] == ["videntifier"]
    assert "secret" not in str(entry.metadata)
    assert reading.problems.count == 0
    assert reading.left_out == {"only hashes that hashmatch does not hold": 1}


def test_an_unreadable_max_timestamp_does_not_matter(tmp_path: Path, fake: Fake) -> None:
    text = page(image("x", GOOD.format(fake["md5"](1))), count='1" maxTimestamp="yesterday')
    reading, entries = read(tmp_path, text)
    assert (len(entries), reading.problems.count) == (1, 0)


def test_a_page_without_count_or_records(tmp_path: Path) -> None:
    reading, entries = read(tmp_path, '<queryResult xmlns="x"><images count="0"/></queryResult>')
    assert (entries, reading.problems.count) == ([], 0)


@pytest.mark.parametrize("cut", [10, 100, 300, -15, -1])
def test_a_truncated_page_is_refused(tmp_path: Path, fake: Fake, cut: int) -> None:
    text = page(*(image(f"e{n}", GOOD.format(fake["md5"](n))) for n in range(5)))
    with pytest.raises(ListFormatError, match=r"truncated XML|not well-formed XML"):
        read(tmp_path, text[:cut])


@pytest.mark.parametrize(
    "attack",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    ],
    ids=["expansion", "external entity", "external DTD"],
)
def test_entities_are_refused(tmp_path: Path, attack: str) -> None:
    with pytest.raises(ListFormatError, match="declares entities"):
        read(tmp_path, attack + page(image("x", "<md5>&a;</md5>")))


def test_another_xml_document_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListFormatError, match="no queryResult"):
        read(tmp_path, "<html><body/></html>")


def test_a_next_link_on_the_last_page_is_warned_of(tmp_path: Path, fake: Fake) -> None:
    first = page(
        image("a", GOOD.format(fake["md5"](1))), extra="<paging><next>/v2/entries?x</next></paging>"
    )
    last = page(image("b", GOOD.format(fake["md5"](2))))
    reading, entries = read(tmp_path, first, last)
    assert (len(entries), reading.warnings) == (2, [])
    reading, _ = read(tmp_path, last, first)
    assert "more pages follow" in reading.warnings[0]


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.open(tmp_path / "catalog.db") as opened:
        yield opened


def bring(catalog: Catalog, *pages: str, mode: Mode = Mode.DELTA) -> ImportReport:
    paths = []
    for number, text in enumerate(pages):
        path = catalog.path.parent / f"page{number}.xml"
        path.write_text(text)
        paths.append(path)
    reading = readers.read(paths)
    return catalog.import_list(
        "ncmec",
        reading,
        source_files=paths,
        format=reading.format,
        polarity=Polarity.KNOWN_BAD,
        mode=mode,
    )


def ids(catalog: Catalog) -> dict[str, str]:
    return {e.entry_id: e.hashes[0].hex for e in catalog.entries("ncmec")}


def test_the_newest_record_counts_whatever_the_order(catalog: Catalog, fake: Fake) -> None:
    old = image("x", GOOD.format(fake["md5"](1)), timestamp="2031-01-01T00:00:00Z")
    new = image("x", GOOD.format(fake["md5"](2)), timestamp="2031-01-01T00:00:01Z")
    report = bring(catalog, page(new, old))
    assert (report.added, report.left_out) == (1, {"superseded by a newer record": 1})
    assert ids(catalog) == {"901:x": fake["md5"](2)}
    report = bring(catalog, page(old))
    assert (report.changed, report.unchanged) == (0, 1)
    assert ids(catalog) == {"901:x": fake["md5"](2)}


def test_the_same_id_of_two_members_is_two_entries(catalog: Catalog, fake: Fake) -> None:
    other = image("x", GOOD.format(fake["md5"](2)), member='<member id="902">Other</member>')
    bring(catalog, page(image("x", GOOD.format(fake["md5"](1))), other))
    assert set(ids(catalog)) == {"901:x", "902:x"}


def test_deletions_take_entries_away(catalog: Catalog, fake: Fake) -> None:
    bring(catalog, page(*(image(f"e{n}", GOOD.format(fake["md5"](n))) for n in range(3))))
    report = bring(catalog, page(deleted("e1", "2031-02-01T00:00:00Z")))
    assert (report.removed, report.unchanged) == (1, 2)
    assert set(ids(catalog)) == {"901:e0", "901:e2"}


def test_a_deletion_that_arrives_before_its_entry_still_counts(
    catalog: Catalog, fake: Fake
) -> None:
    keep = image("keep", GOOD.format(fake["md5"](9)))
    entry = image("x", GOOD.format(fake["md5"](1)), timestamp="2031-01-01T00:00:00Z")
    bring(catalog, page(keep, deleted("x", "2031-01-02T00:00:00Z")))
    bring(catalog, page(entry))
    assert set(ids(catalog)) == {"901:keep"}
    renewed = image("x", GOOD.format(fake["md5"](1)), timestamp="2031-01-03T00:00:00Z")
    bring(catalog, page(renewed))
    assert set(ids(catalog)) == {"901:keep", "901:x"}


def test_an_old_deletion_does_not_undo_a_newer_entry(catalog: Catalog, fake: Fake) -> None:
    entry = image("x", GOOD.format(fake["md5"](1)), timestamp="2031-01-05T00:00:00Z")
    bring(catalog, page(deleted("x", "2031-01-01T00:00:00Z"), entry))
    bring(catalog, page(deleted("x", "2031-01-02T00:00:00Z")))
    assert set(ids(catalog)) == {"901:x"}


def test_a_full_import_removes_what_it_does_not_hold(catalog: Catalog, fake: Fake) -> None:
    records = [image(f"e{n}", GOOD.format(fake["md5"](n))) for n in range(3)]
    bring(catalog, page(*records), mode=Mode.FULL)
    report = bring(catalog, page(*records[1:]), mode=Mode.FULL)
    assert (report.removed, report.unchanged) == (1, 2)
    assert set(ids(catalog)) == {"901:e1", "901:e2"}


def test_the_same_pages_again_change_nothing(catalog: Catalog, fake: Fake) -> None:
    text = page(*(image(f"e{n}", GOOD.format(fake["md5"](n))) for n in range(3)))
    bring(catalog, text)
    report = bring(catalog, text, text)
    assert (report.added, report.changed, report.removed, report.unchanged) == (0, 0, 0, 3)
