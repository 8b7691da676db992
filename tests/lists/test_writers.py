"""What is written is read back equal: by our readers, and by readers that are not ours."""

from __future__ import annotations

import csv
import json
import sqlite3
import stat
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hashmatch.errors import ListFormatError, OutputError
from hashmatch.lists import readers, writers
from hashmatch.lists.catalog import Catalog
from hashmatch.lists.writers import Options, Written
from hashmatch.types import Entry, Polarity

Samples = dict[str, tuple[bytes, dict[str, Any]]]
Fake = dict[str, Callable[[int], str]]


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.open(tmp_path / "catalog.db") as opened:
        yield opened


def bring(catalog: Catalog, name: str, data: bytes, **said: Any) -> None:
    path = catalog.path.parent / f"{name}.source"
    path.write_bytes(data)
    reading = readers.read([path], **said)
    catalog.import_list(
        name,
        reading,
        source_files=[path],
        format=reading.format,
        polarity=Polarity.KNOWN_BAD,
        scheme=reading.scheme or "us",
    )


def export(catalog: Catalog, name: str, format_name: str, **options: Any) -> tuple[Path, Written]:
    target = catalog.path.parent / f"{name}.{format_name}"
    with catalog.listing(name) as listing:
        written = writers.write(listing, format_name, target, Options(**options))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    return target, written


Shape = tuple[object, ...]


def shapes(entries: Iterator[Entry] | list[Entry], *, whole: bool = True) -> list[Shape]:
    """Return what entries hold, in an order of its own."""
    return sorted(
        (
            sorted((v.hash_type, v.hex, v.quality) for v in e.hashes),
            e.category.code if whole and e.category else None,
            json.dumps(dict(e.metadata), sort_keys=True) if whole else None,
        )
        for e in entries
    )


SAMPLES_OF = {
    "vics-1.3": ("vics", "vics-case", "icse", "kdb", "csv"),
    "vics-1.3-case": ("vics", "vics-case"),
    "vics-2.0": ("vics", "vics-case", "icse", "nsrl", "sums-md5"),
    "vics-2.0-case": ("vics", "vics-case"),
    "jsonl": ("vics", "icse", "ncmec", "jsonl", "kdb", "threatexchange-csv", "nsrl", "text"),
    "kdb": ("kdb",),
    "text": ("text",),
    "pdq-text": ("pdq-text",),
    "threatexchange-csv": ("threatexchange-csv",),
    "threatexchange-text": ("threatexchange-text",),
}


@pytest.mark.parametrize(
    ("format_name", "sample"), [(f, s) for f, found in SAMPLES_OF.items() for s in found]
)
def test_what_is_written_is_read_back_equal(
    catalog: Catalog, samples: Samples, fake: Fake, count: int, format_name: str, sample: str
) -> None:
    said: dict[str, Any]
    if sample == "sums-md5":
        data, said = b"".join(f"{fake['md5'](n)}  {n}\n".encode() for n in range(count)), {}
    else:
        data, said = samples[sample]
    bring(catalog, "a", data, **said)
    target, written = export(catalog, "a", format_name, region="US")
    assert (written.entries, written.left_out) == (count, {})
    bring(catalog, "b", target.read_bytes(), **(said if format_name == "pdq-text" else {}))
    assert shapes(catalog.entries("b")) == shapes(catalog.entries("a"))
    named = {"jsonl", "vics-1.3", "vics-2.0"}
    if format_name in named:
        assert {e.entry_id for e in catalog.entries("b")} == {
            e.entry_id for e in catalog.entries("a")
        }


def test_every_written_format_is_covered() -> None:
    assert set(SAMPLES_OF) == set(writers.formats())


def test_a_vics_case_keeps_what_vendors_add(catalog: Catalog, samples: Samples) -> None:
    bring(catalog, "a", samples["vics-case"][0])
    before = json.loads(samples["vics-case"][0])
    target, _ = export(catalog, "a", "vics-2.0-case")
    after = json.loads(target.read_text())
    assert after["@odata.context"] == before["@odata.context"]
    (case,) = after["value"]
    for name in ("CaseID", "CaseNumber", "VendorCase"):
        assert case[name] == before["value"][0][name]
    for old, new in zip(before["value"][0]["Media"], case["Media"], strict=True):
        assert new["VendorScore"] == old["VendorScore"]
        assert new["MD5"] == old["MD5"]
        assert new["PhotoDNA"] == old["PhotoDNA"]
        assert new["MediaFiles"][0]["FilePath"] == old["MediaFiles"][0]["FilePath"]
        assert new["MediaFiles"][0]["MD5"].lower() == old["MediaFiles"][0]["MD5"]
    assert len({record["MediaID"] for record in case["Media"]}) == len(case["Media"])


def test_vics_1_3_keeps_photodna_among_the_alternatives(catalog: Catalog, samples: Samples) -> None:
    bring(catalog, "a", samples["vics"][0])
    target, _ = export(catalog, "a", "vics-1.3")
    document = json.loads(target.read_text())
    assert document["odata.metadata"].endswith("DataModels/1.3.xml#Media")
    assert "@odata.context" not in document
    record = document["value"][0]
    assert "PhotoDNA" not in record
    assert record["AlternativeHashes"][0]["HashName"] == "PhotoDNA"


def test_vics_is_plain_utf_8_json_with_an_md5_on_every_record(
    catalog: Catalog, fake: Fake, samples: Samples
) -> None:
    lines = f"md5,sha1,note\n{fake['md5'](1)},,k\u00e4se\n,{fake['sha1'](2)},x\n"
    bring(catalog, "a", lines.encode())
    target, written = export(catalog, "a", "vics-2.0", region="UK")
    assert (written.entries, written.left_out.total()) == (1, 1)
    data = target.read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")
    document = json.loads(data)
    assert "/2.0.xml/UK/" in document["@odata.context"]
    assert [record["MD5"] for record in document["value"]] == [fake["md5"](1).upper()]


def test_vics_2_needs_a_region_that_nothing_suggests(catalog: Catalog, fake: Fake) -> None:
    bring(catalog, "a", f"{fake['md5'](1)}\n".encode())
    with pytest.raises(ListFormatError, match="--region"):
        export(catalog, "a", "vics-2.0")
    assert not (catalog.path.parent / "a.vics-2.0").exists()


def test_qualities_and_ids_survive_vics(catalog: Catalog, fake: Fake) -> None:
    rows = f"id,md5,pdq,quality\nx1,{fake['md5'](1)},{fake['pdq'](1)},77\n"
    bring(catalog, "a", rows.encode())
    target, _ = export(catalog, "a", "vics-2.0", region="US")
    bring(catalog, "b", target.read_bytes())
    (entry,) = catalog.entries("b")
    assert entry.entry_id == "x1"
    assert {v.hash_type: v.quality for v in entry.hashes} == {"md5": None, "pdq": 77}


def test_a_kdb_is_what_the_sleuth_kit_documents(
    catalog: Catalog, fake: Fake, samples: Samples
) -> None:
    bring(catalog, "a", samples["vics"][0])
    target, written = export(catalog, "a", "kdb")
    assert written.left_out == {"photodna value": 12}
    connection = sqlite3.connect(target)
    query = connection.execute
    try:
        assert query(
            "SELECT value FROM db_properties WHERE name = 'Schema Version'"
        ).fetchall() == [("1",)]
        found = query(
            "SELECT id, md5, sha1 FROM hashes WHERE md5 = ? LIMIT 1",
            (bytes.fromhex(fake["md5"](3)),),
        ).fetchone()
        assert found[1:] == (bytes.fromhex(fake["md5"](3)), bytes.fromhex(fake["sha1"](3)))
        assert query("SELECT name FROM file_names WHERE hash_id = ?", found[:1]).fetchall() == [
            ("3.jpg",)
        ]
        comments = query("SELECT comment FROM comments WHERE hash_id = ?", found[:1]).fetchall()
        assert comments == [("us:3 CGI/Animation, Child Exploitive",)]
        types = {row[1]: row[2] for row in query("PRAGMA table_info(hashes)")}
        assert types == {
            "id": "INTEGER",
            "md5": "BINARY(16)",
            "sha1": "BINARY(20)",
            "sha2_256": "BINARY(32)",
        }
        indexes = {row[1] for row in query("PRAGMA index_list(hashes)")}
        assert {"md5_index", "sha1_index"} <= indexes
    finally:
        connection.close()


def test_a_kdb_holds_an_md5_once_with_all_its_names(catalog: Catalog, fake: Fake) -> None:
    value = fake["md5"](1)
    bring(catalog, "a", f"{value}  one\n{value}  two\n".encode())
    target, written = export(catalog, "a", "kdb")
    assert written.entries == 2
    connection = sqlite3.connect(target)
    assert connection.execute("SELECT count(*) FROM hashes").fetchone() == (1,)
    assert connection.execute("SELECT name FROM file_names ORDER BY name").fetchall() == [
        ("one",),
        ("two",),
    ]
    connection.close()


@pytest.fixture(scope="module")
def threatexchange() -> Any:
    """Return the reference package; importing it warns of things that are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from threatexchange.exchanges.impl import file_api
        from threatexchange.signal_type.md5 import VideoMD5Signal
        from threatexchange.signal_type.pdq.signal import PdqSignal
        from threatexchange.signal_type.sha256 import VideoSHA256Signal
    signals = {s.get_name(): s for s in (PdqSignal, VideoMD5Signal, VideoSHA256Signal)}
    return file_api, signals


def test_threatexchange_reads_its_csv(
    catalog: Catalog, fake: Fake, samples: Samples, threatexchange: Any
) -> None:
    _, signals = threatexchange
    rows = f"md5,pdq,sha256\n{fake['md5'](1)},{fake['pdq'](2).upper()},{fake['sha256'](3)}\n"
    bring(catalog, "a", rows.encode())
    target, written = export(catalog, "a", "threatexchange-csv")
    assert written.left_out == {}
    with target.open(newline="") as stream:
        table = csv.DictReader(stream)
        found = list(table)
    assert table.fieldnames == ["signal_type", "signal_str", "collab", "category", "tags"]
    for row in found:
        assert (
            signals[row["signal_type"]].validate_signal_str(row["signal_str"]) == row["signal_str"]
        )
        assert row["category"] == "POSITIVE_CLASS"
    assert {(row["signal_type"], row["signal_str"]) for row in found} == {
        ("video_md5", fake["md5"](1)),
        ("pdq", fake["pdq"](2)),
        ("video_sha256", fake["sha256"](3)),
    }


def test_threatexchange_reads_its_local_file(
    catalog: Catalog, samples: Samples, fake: Fake, count: int, threatexchange: Any
) -> None:
    file_api, signals = threatexchange
    bring(catalog, "a", samples["jsonl"][0])
    target, _ = export(catalog, "a", "threatexchange-text")
    config = file_api.FileCollaborationConfig(name="x", filename=str(target))
    (delta,) = file_api.LocalFileSignalExchangeAPI.for_collab(config).fetch_iter([], None)
    assert set(delta.updates) == {("pdq", fake["pdq"](n)) for n in range(count)}
    assert all(signals["pdq"].validate_signal_str(value) for _, value in delta.updates)


def test_a_foreign_category_becomes_a_tag(catalog: Catalog, fake: Fake) -> None:
    bring(catalog, "a", f"pdq,category\n{fake['pdq'](1)},2\n".encode())
    target, _ = export(catalog, "a", "threatexchange-csv")
    assert target.read_text().splitlines()[1].endswith(",a,POSITIVE_CLASS,us:2")


def test_text_of_several_types_needs_one_chosen(catalog: Catalog, fake: Fake) -> None:
    bring(
        catalog, "a", f"md5,sha1\n{fake['md5'](1)},{fake['sha1'](1)}\n{fake['md5'](2)},\n".encode()
    )
    with pytest.raises(ListFormatError, match="--type"):
        export(catalog, "a", "text")
    target, written = export(catalog, "a", "text", hash_type="sha1")
    assert target.read_text() == f"{fake['sha1'](1)}\n"
    assert written.left_out == {"entry without sha1 value": 1}


def test_an_existing_file_is_replaced_whole_or_not_at_all(catalog: Catalog, fake: Fake) -> None:
    bring(catalog, "a", f"md5,sha1\n{fake['md5'](1)},{fake['sha1'](1)}\n".encode())
    target = catalog.path.parent / "a.text"
    target.write_text("before")
    with pytest.raises(ListFormatError):
        export(catalog, "a", "text")
    assert target.read_text() == "before"
    assert not list(catalog.path.parent.glob(".a.text*"))


def test_a_format_with_a_place_for_no_entry_is_refused(catalog: Catalog, fake: Fake) -> None:
    bring(catalog, "a", f"sha1\n{fake['sha1'](1)}\n".encode())
    with pytest.raises(ListFormatError, match="no entry can be written as kdb: entry without MD5"):
        export(catalog, "a", "kdb")
    assert not (catalog.path.parent / "a.kdb").exists()


def test_a_folder_that_is_not_there_is_named(catalog: Catalog, fake: Fake) -> None:
    bring(catalog, "a", f"{fake['md5'](1)}\n".encode())
    with catalog.listing("a") as listing, pytest.raises(OutputError, match="cannot write beside"):
        writers.write(listing, "text", catalog.path.parent / "none" / "x")


def test_a_database_cannot_go_to_standard_output(catalog: Catalog, fake: Fake) -> None:
    bring(catalog, "a", f"{fake['md5'](1)}\n".encode())
    with catalog.listing("a") as listing, pytest.raises(ListFormatError, match="name a file"):
        writers.write(listing, "kdb", "-")


def test_large_vics_lists_are_not_mixed_up_across_blocks(catalog: Catalog, fake: Fake) -> None:
    rows = [{"MediaID": n, "MD5": fake["md5"](n), "Category": n % 3} for n in range(40_000)]
    bring(catalog, "a", json.dumps({"value": rows}).encode())
    target, written = export(catalog, "a", "vics-2.0", region="US")
    assert written.entries == 40_000
    found = json.loads(target.read_text())["value"]
    assert [(r["MD5"].lower(), r["Category"]) for r in found] == [
        (r["MD5"], r["Category"]) for r in rows
    ]
