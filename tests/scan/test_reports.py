"""Every report is made from the same records, again and again."""

from __future__ import annotations

import contextlib
import csv
import html.parser
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import defusedxml.ElementTree
import pytest

import hashmatch as hm
from hashmatch.errors import ListFormatError, OutputError
from hashmatch.lists import readers
from hashmatch.scan import ScanOptions, head_of, scan, verify
from hashmatch.scan.report.cybertip import write as write_cybertip
from hashmatch.scan.report.html_page import write as write_html
from hashmatch.scan.report.rebuild import FORMATS, Report, rebuild

Photograph = Callable[[str], Path]
ReadRecords = Callable[[Path], list[dict[str, Any]]]
EVIL = "<script>alert(1)</script>&\"'=x.png"


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, matcher: hm.Matcher, photograph: Photograph
) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    evidence = folder / "evidence"
    evidence.mkdir()
    for name, source in (("a.png", "astronaut.png"), ("b.png", "coffee.png"),
                         ("c.jpg", "rocket.jpg"),
                         ("d.png", "ihc.png"), ("good.png", "brick.png")):  # fmt: skip
        shutil.copy(photograph(source), evidence / name)
    shutil.copy(photograph("coffee.png"), evidence / EVIL.replace("/", ":"))
    (evidence / "text.txt").write_text("only text")
    scan(matcher, [str(evidence)], folder / "run", ScanOptions(workers=1))
    return folder / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def made(run: Path, form: str, region: str | None = None) -> Path:
    """Make a report that holds every match, and return it."""
    report = rebuild(run, form, region=region)
    assert report.path is not None
    assert (report.matches, report.left_out) == (4, 0)
    return report.path


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_is_the_same_when_made_again_and_is_in_the_log(run: Path, form: str) -> None:
    before = head_of(run)
    path = made(run, form, region="US")
    first = path.read_bytes()
    assert head_of(run) != before
    assert made(run, form, region="US") == path
    if form != "kdb":  # a database holds a counter of its changes
        assert path.read_bytes() == first
    assert verify(run, before).problems == []
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(first + b" ")
    assert verify(run).problems == [f"{path.name}: its content was changed"]


def test_the_table_and_lines_agree_with_the_scan(run: Path) -> None:
    assert made(run, "jsonl").read_bytes() == (run / "results.jsonl").read_bytes()
    assert made(run, "csv").read_bytes() == (run / "results.csv").read_bytes()


class Page(html.parser.HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [str(v) for k, v in attrs if k in ("src", "href", "srcset", "action")]
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells and self.tags[-1] in ("td", "b"):
            self.cells[-1] += data


def test_the_page_is_whole_escaped_and_loads_nothing(run: Path, read_records: ReadRecords) -> None:
    text = made(run, "html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.loads == []
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert "Content-Security-Policy" in text
    assert "default-src 'none'" in text
    assert "<svg" in text
    hits = sum(len(record["hits"]) for record in read_records(run))
    assert f"of {hits} rows" in text
    shown = [record["path"] for record in read_records(run) if record["hits"]]
    assert all(path in page.cells for path in shown)
    assert any("alert(1)" in cell for cell in page.cells)
    for verdict, count in json.loads((run / "summary.json").read_text())["counts"][
        "verdicts"
    ].items():
        assert page.cells[page.cells.index(verdict) + 1] == f"{count:,}"


def test_an_unfinished_run_says_so_on_the_page(tmp_path: Path, finished: Path) -> None:
    about = json.loads((finished / "summary.json").read_text()) | {"complete": False}
    with (tmp_path / "page.html").open("w") as stream:
        write_html([], about, stream)
    assert "did not come to its end" in (tmp_path / "page.html").read_text()


def test_a_vics_case_names_its_region_and_its_files(run: Path) -> None:
    with pytest.raises(ListFormatError, match="region"):
        rebuild(run, "vics")
    raw = made(run, "vics", region="US").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    shape = json.loads(raw)
    assert shape["@odata.context"].endswith("/DataModels/2.0.xml/US/$metadata#Cases")
    (case,) = shape["value"]
    assert case["SourceApplicationName"] == "hashmatch"
    assert len(case["Media"]) == 4
    for number, media in enumerate(case["Media"], 1):
        assert media["MediaID"] == number
        assert len(media["MD5"]) == 32
        assert media["Category"] is None
        assert "\\" in media["MediaFiles"][0]["FilePath"]
        assert media["PrecategorizationSource"]
        assert "PhotoDNA" not in media


def test_a_kdb_is_a_list_that_can_be_read_back(run: Path) -> None:
    path = made(run, "kdb")
    with sqlite3.connect(path) as connection:
        hashes = connection.execute("SELECT md5, sha1, sha2_256 FROM hashes").fetchall()
        names = {name for (name,) in connection.execute("SELECT name FROM file_names")}
    connection.close()
    assert len(hashes) == 3, "two files have the same bytes"
    assert {(len(m), len(s), len(t)) for m, s, t in hashes} == {(16, 20, 32)}
    assert {"a.png", "b.png", "c.jpg"} <= names
    assert readers.read([path]).format == "kdb"


def test_a_cybertip_draft_has_its_elements_in_order(run: Path) -> None:
    root: Any = defusedxml.ElementTree.parse(made(run, "cybertip")).getroot()
    details = root.findall("fileDetails")
    assert len(details) == 4
    for element in details:
        tags = [child.tag for child in element]
        assert tags == [
            "originalFileName", "fileViewedByEsp", "exifViewedByEsp", *["originalFileHash"] * 4,
            "details", "additionalInfo",
        ]  # fmt: skip
        assert element.find("fileViewedByEsp").text == "false"
        for value in element.findall("originalFileHash"):
            assert len(value.text) <= 64
            assert value.get("hashType") in ("MD5", "SHA1", "SHA256", "PDQ")
    assert "<script>" in " ".join(e.find("originalFileName").text for e in details)


def test_what_xml_cannot_hold_is_escaped(tmp_path: Path, finished: Path, read_records: Any) -> None:
    about = json.loads((finished / "summary.json").read_text())
    record = read_records(finished)[0] | {"path": "a\x00\ud800\uffff<b>.png"}
    with (tmp_path / "draft.xml").open("w", encoding="utf-8") as stream:
        write_cybertip([record], about, stream)
    root: Any = defusedxml.ElementTree.parse(tmp_path / "draft.xml").getroot()
    assert root.find("fileDetails/originalFileName").text == "a\\u0000\\ud800\\uffff<b>.png"


def test_a_case_bundle_links_files_to_lists(run: Path) -> None:
    bundle = json.loads(made(run, "case").read_text(encoding="utf-8"))
    graph = {node["@id"]: node for node in bundle["@graph"]}
    assert len(graph) == len(bundle["@graph"]), "identifiers are unique"
    kinds = [node["@type"] for node in graph.values()]
    assert kinds.count("uco-observable:File") == 4
    assert kinds.count("uco-tool:Tool") == 1
    (action,) = (n for n in graph.values() if n["@type"].endswith("InvestigativeAction"))
    assert len(action["uco-action:result"]) == 4
    for node in graph.values():
        if node["@type"] == "uco-observable:ObservableRelationship":
            assert node["uco-core:source"]["@id"] in graph
            assert node["uco-core:target"]["@id"] in graph
    prefixes = set(bundle["@context"])
    assert {name.split(":")[0] for name in kinds} <= prefixes


def test_changed_results_are_not_reported(run: Path) -> None:
    lines = (run / "results.jsonl").read_text().splitlines(keepends=True)
    (run / "results.jsonl").write_text("".join(lines[1:]))
    with pytest.raises(OutputError, match="hashmatch verify"):
        rebuild(run, "html")
    assert not (run / "report.html").exists()


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="holds no run"):
        rebuild(tmp_path, "html")


def test_columns_of_the_table_are_those_documented(run: Path) -> None:
    with made(run, "csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert sum(row["verdict"] == "match" for row in rows) == 4
    assert all(row["kind"] == "file" for row in rows)


@pytest.fixture
def hashes_scanned(
    tmp_path: Path, matcher: hm.Matcher, photograph: Photograph
) -> Callable[..., Path]:
    """Return a function that scans hashes without files: a match for each hash type named."""
    known = {"md5": "rocket.jpg", "pdq": "coffee.png"}

    def scanned(*types: str) -> Path:
        rows = [
            ",".join(hm.hash_file(photograph(known[t]), [t])[t].hex if t == column else ""
                     for column in known)
            for t in types
        ]  # fmt: skip
        (tmp_path / "chat.csv").write_text("\n".join([",".join(known), *rows]) + "\n")
        scan(matcher, [], tmp_path / "run", hash_manifests=[str(tmp_path / "chat.csv")])
        return tmp_path / "run"

    return scanned


@pytest.mark.parametrize("form", ["vics", "kdb"])
def test_matches_without_md5_never_become_an_empty_report(
    hashes_scanned: Callable[..., Path], form: str
) -> None:
    run = hashes_scanned("pdq", "pdq")
    before = head_of(run)
    assert rebuild(run, form, region="US") == Report(None, matches=2, left_out=2)
    assert head_of(run) == before
    assert verify(run).problems == [], "nothing of the attempt is left behind"
    assert rebuild(run, "html").path is not None


@pytest.mark.parametrize("form", ["vics", "kdb"])
def test_what_a_report_leaves_out_is_counted_and_logged(
    hashes_scanned: Callable[..., Path], form: str
) -> None:
    run = hashes_scanned("md5", "pdq", "pdq")
    report = rebuild(run, form, region="US")
    assert (report.matches, report.left_out) == (3, 2)
    assert report.path is not None
    last = json.loads((run / "custody.jsonl").read_text().splitlines()[-1])
    assert (last["detail"]["matches"], last["detail"]["left_out"]) == (3, 2)


@pytest.mark.parametrize("form", ["vics", "kdb"])
def test_a_run_without_matches_has_an_empty_report(
    tmp_path: Path, matcher: hm.Matcher, form: str
) -> None:
    (tmp_path / "text.txt").write_text("only text")
    scan(matcher, [str(tmp_path / "text.txt")], tmp_path / "run")
    report = rebuild(tmp_path / "run", form, region="US")
    assert (report.matches, report.left_out) == (0, 0)
    assert report.path is not None
    if form == "vics":
        assert json.loads(report.path.read_bytes())["value"][0]["Media"] == []
    else:
        with contextlib.closing(sqlite3.connect(report.path)) as connection:
            assert connection.execute("SELECT count(*) FROM hashes").fetchone() == (0,)
