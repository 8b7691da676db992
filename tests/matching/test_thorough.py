"""The thorough profile on real pictures: what it finds, how it says so, what it leaves alone."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import hashmatch as hm
from hashmatch import hash_types, hashing, indexes
from hashmatch.hash_types import HashKind
from hashmatch.indexes.snapshot import Snapshot, SnapshotWriter
from hashmatch.matching import borders, tiers, views
from hashmatch.matching.examine import Probe
from hashmatch.matching.explain import explain
from hashmatch.matching.search import Searcher

Opener = Callable[[str], Image.Image]
KNOWN = ("astronaut.png", "chelsea.png", "coffee.png", "china.jpg", "flower.jpg")
UNKNOWN = ("motorcycle_left.png", "ihc.png", "rocket.jpg", "brick.png", "grass.png")


def jpeg(picture: Image.Image, quality: int = 85) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def write(
    root: Path,
    entries: list[dict[str, hm.HashValue]],
    categories: dict[str, dict[str, dict[str, int]]] | None = None,
) -> str:
    """Write a snapshot of one list, whose entries alternate between two categories."""
    thresholds = {
        known.name: {"max_distance": known.max_distance, "min_quality": known.min_quality}
        for known in map(hash_types.get, hash_types.names())
        if known.kind is HashKind.PERCEPTUAL
    }
    described = {
        "name": "photos",
        "version": 1,
        "polarity": "known-bad",
        "thresholds": thresholds,
        "category_thresholds": categories or {},
    }
    with SnapshotWriter(root, [described], {}) as writer:
        writer.add_entries(
            json.dumps(
                {
                    "list": 0,
                    "id": f"e{number}",
                    "category": {"scheme": "s", "code": str(number % 2), "label": None},
                }
            ).encode()
            for number in range(len(entries))
        )
        for name in sorted({name for values in entries for name in values}):
            rows = [number for number, values in enumerate(entries) if name in values]
            known = hash_types.get(name)
            joined = b"".join(entries[row][name].bytes for row in rows)
            codes = np.frombuffer(joined, np.uint8).reshape(-1, known.size)
            index = indexes.create("auto", bits=known.bits, codes=codes, radius=known.max_distance)
            qualities = np.array([entries[row][name].quality for row in rows], np.uint8)
            writer.add_index(name, index, np.array(rows, np.uint32), qualities)
        return writer.publish()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, open_photograph: Opener) -> Path:
    """Return snapshots of five photographs, by PDQ alone."""
    folder = tmp_path_factory.mktemp("thorough") / "snapshots"
    write(folder, [hashing.compute(np.asarray(open_photograph(n)), ["pdq"]) for n in KNOWN])
    return folder


@pytest.fixture(scope="module")
def thorough(root: Path) -> Iterator[hm.Matcher]:
    with hm.Matcher(root, profile="thorough") as matcher:
        yield matcher


def cropped(picture: Image.Image, share: float) -> Image.Image:
    width, height = picture.size
    across, down = round(width * share), round(height * share)
    return picture.crop((across, down, width - across, height - down))


def framed(picture: Image.Image, share: float, colour: str) -> Image.Image:
    across, down = round(picture.width * share), round(picture.height * share)
    made = Image.new("RGB", (picture.width + 2 * across, picture.height + 2 * down), colour)
    made.paste(picture, (across, down))
    return made


def captioned(picture: Image.Image) -> Image.Image:
    bar = round(picture.height * 0.2)
    made = Image.new("RGB", (picture.width, picture.height + bar), "white")
    made.paste(picture, (0, bar))
    ImageDraw.Draw(made).text((10, 10), "some words above", fill="black", font_size=bar // 3)
    return made


CHANGES: dict[str, tuple[Callable[[Image.Image], Image.Image], str]] = {
    "crop": (lambda p: cropped(p, 0.02), "extended-0.022"),
    "border": (lambda p: framed(p, 0.15, "black"), "trimmed-0"),
    "white border": (lambda p: framed(p, 0.05, "#f8f8f8"), "trimmed-0"),
    "turn": (lambda p: p.rotate(2.5, Image.Resampling.BICUBIC), "turned-2.5"),
    "caption": (captioned, "part-"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png", "china.jpg"])
def test_common_changes_are_undone_and_named(
    thorough: hm.Matcher, root: Path, open_photograph: Opener, name: str, change: str
) -> None:
    altered, view = CHANGES[change]
    data = jpeg(altered(open_photograph(name)))
    result = thorough.match_bytes(data)
    assert result.verdict is hm.Verdict.MATCH
    assert result.tier is hm.Tier.STRONG
    assert [hit.entry_id for hit in result.hits] == [f"e{KNOWN.index(name)}"]
    assert result.hits[0].variant.startswith(view)
    with hm.Matcher(root, profile="orientations") as orientations:
        assert orientations.match_bytes(data).verdict is hm.Verdict.NO_MATCH


@pytest.mark.parametrize("name", UNKNOWN)
def test_other_photographs_are_not_found_in_any_way(
    thorough: hm.Matcher, open_photograph: Opener, name: str
) -> None:
    for change, _ in CHANGES.values():
        result = thorough.match_bytes(jpeg(change(open_photograph(name))))
        assert result.verdict is hm.Verdict.NO_MATCH, result.hits


def test_a_further_copy_is_possible_only_and_says_why(
    thorough: hm.Matcher, root: Path, open_photograph: Opener
) -> None:
    data = jpeg(cropped(open_photograph("chelsea.png"), 0.055))
    result = thorough.match_bytes(data)
    assert (result.verdict, result.tier) == (hm.Verdict.MATCH, hm.Tier.POSSIBLE)
    (hit,) = result.hits
    assert 31 < hit.distance <= hit.max_distance == tiers.REACH_OF_OTHERS
    assert hit.threshold_source == "possible"
    assert "dhash16" in (hit.corroboration or "")
    shape = result.to_json()
    assert shape["tier"] == shape["hits"][0]["tier"] == "possible"
    with hm.Matcher(root, profile="thorough", possible=False) as strong_only:
        assert strong_only.match_bytes(data).verdict is hm.Verdict.NO_MATCH
    with hm.Matcher(root, profile="plain", possible=True) as told:
        assert told.match_bytes(jpeg(open_photograph("chelsea.png"))).tier is hm.Tier.STRONG


def test_an_independent_hash_speaks_for_a_distant_copy_or_against_it(
    tmp_path: Path, open_photograph: Opener
) -> None:
    pixels = np.asarray(open_photograph("chelsea.png"))
    values = hashing.compute(pixels, ["pdq", "dhash16"])
    data = jpeg(cropped(open_photograph("chelsea.png"), 0.055))
    write(tmp_path / "agrees", [values])
    with hm.Matcher(tmp_path / "agrees", profile="thorough") as matcher:
        hits = matcher.match_bytes(data).hits
    assert "independent, agrees" in (hits[0].corroboration or "")
    opposite = bytes(255 - byte for byte in values["dhash16"].bytes)
    disagreeing = values | {"dhash16": hm.HashValue("dhash16", opposite, 100)}
    write(tmp_path / "disagrees", [disagreeing])
    with hm.Matcher(tmp_path / "disagrees", profile="thorough") as matcher:
        assert matcher.match_bytes(data).verdict is hm.Verdict.NO_MATCH


def test_a_dim_copy_is_possible_by_its_quality(
    thorough: hm.Matcher, root: Path, open_photograph: Opener
) -> None:
    dim = open_photograph("coffee.png").point([90 + value // 8 for value in range(256)] * 3)
    buffer = io.BytesIO()
    dim.save(buffer, "PNG")
    result = thorough.match_bytes(buffer.getvalue())
    quality = result.hashes["pdq"].quality
    assert quality is not None
    assert tiers.LEAST_QUALITY <= quality < 50, "or this test says nothing"
    assert (result.verdict, result.tier) == (hm.Verdict.MATCH, hm.Tier.POSSIBLE)
    assert f"quality {quality} is below" in (result.hits[0].corroboration or "")
    with hm.Matcher(root) as usual:
        poor = usual.match_bytes(buffer.getvalue())
    assert (poor.verdict, poor.reason) == (hm.Verdict.PARTIAL, hm.Reason.LOW_QUALITY)


def test_views_never_hide_that_the_picture_itself_is_too_poor(thorough: hm.Matcher) -> None:
    framed_blank = Image.new("RGB", (300, 200), "black")
    framed_blank.paste(Image.new("RGB", (200, 100), "#0c0c0c"), (50, 50))
    result = thorough.match_bytes(jpeg(framed_blank))
    assert result.verdict is hm.Verdict.PARTIAL


def test_thresholds_of_a_category_apply_and_are_named(
    tmp_path: Path, open_photograph: Opener
) -> None:
    values = hashing.compute(np.asarray(open_photograph("coffee.png")), ["pdq"])
    code = int.from_bytes(values["pdq"].bytes, "big") ^ ((1 << 40) - 1)
    forty_off = hm.HashValue("pdq", code.to_bytes(32, "big"), 100)
    wide = {"1": {"pdq": {"max_distance": 44, "min_quality": 50}}}
    write(tmp_path, [{"pdq": forty_off}, {"pdq": forty_off}], wide)
    with hm.Matcher(tmp_path) as matcher:
        (hit,) = matcher.match_hash("pdq", values["pdq"].bytes, quality=100).hits
    assert (hit.entry_id, hit.distance, hit.max_distance) == ("e1", 40, 44)
    assert hit.threshold_source == "category"


def test_a_file_cut_short_matches_by_what_is_there_and_is_never_clean(
    root: Path, open_photograph: Opener
) -> None:
    with hm.Matcher(root) as matcher:
        known = jpeg(open_photograph("astronaut.png"))
        found = matcher.match_bytes(known[: round(len(known) * 0.93)])
        assert (found.verdict, found.reason) == (hm.Verdict.MATCH, hm.Reason.TRUNCATED)
        assert found.media is not None
        assert "salvaged" in found.media.notes
        unknown = jpeg(open_photograph("rocket.jpg"))
        for share in (0.2, 0.5, 0.9):
            part = matcher.match_bytes(unknown[: round(len(unknown) * share)])
            assert (part.verdict, part.reason) == (hm.Verdict.PARTIAL, hm.Reason.TRUNCATED)


def test_pdq_thresholds_31_and_30_are_alike(root: Path, open_photograph: Opener) -> None:
    """A PDQ hash has 128 ones (or a few less, by ties), so distances between two are even."""
    searcher = Searcher(Snapshot.open(root))
    probes = [
        Probe(value)
        for name in (*KNOWN, *UNKNOWN)
        for value in hashing.compute_orientations(np.asarray(open_photograph(name)), ["pdq"])["pdq"]
    ]
    distances = [distance for _, _, distance in searcher.near("pdq", probes, 256)]
    assert len(distances) == len(probes) * len(KNOWN)
    assert all(distance % 2 == 0 for distance in distances)


def test_no_box_is_found_in_a_photograph_of_its_own(open_photograph: Opener) -> None:
    plane = np.asarray(open_photograph("chelsea.png").convert("L"), np.float32)
    assert borders.content_boxes(plane) == []
    assert borders.content_boxes(np.zeros((8, 300), np.float32)) == []
    assert borders.content_boxes(np.full((100, 100), 9, np.float32)) == []


@pytest.mark.parametrize("sides", [(30, 30, 40, 40), (50, 0, 0, 0), (0, 0, 25, 60), (10, 90, 0, 0)])
def test_a_flat_border_is_measured_to_the_row(
    open_photograph: Opener, sides: tuple[int, int, int, int]
) -> None:
    picture = np.asarray(open_photograph("coffee.png").convert("L"), np.float32)
    top, bottom, left, right = sides
    plane = np.pad(picture, ((top, bottom), (left, right)), constant_values=7)
    name, box = borders.content_boxes(plane)[0]
    assert name == "trimmed"
    height, width = plane.shape
    measured = (box.top, height - box.bottom, box.left, width - box.right)
    assert all(abs(m - s) <= 1 for m, s in zip(measured, sides, strict=True)), measured


def test_views_cope_with_every_shape_of_picture(open_photograph: Opener) -> None:
    picture = np.asarray(open_photograph("chelsea.png"))
    assert list(views.looked_at(picture[:20], ["pdq"])) == []
    names = [name for name, _, _ in views.looked_at(picture, ["pdq"])]
    assert len(names) == len(set(names))
    assert all(views.is_view(name) for name in names)
    assert not any(views.is_view(name) for name in ("canonical", "alpha_dropped", "on_black"))
    for shape in (picture[..., 0], picture.swapaxes(0, 1), picture[::-1, ::-1], picture[:33, :400]):
        values = [value for _, _, value in views.looked_at(shape, ["pdq", "dhash16"])]
        assert {value.hash_type for value in values} == {"pdq", "dhash16"}


def test_every_view_has_its_words(thorough: hm.Matcher, open_photograph: Opener) -> None:
    picture = framed(captioned(open_photograph("coffee.png")), 0.1, "black")
    result = thorough.match_bytes(jpeg(cropped(open_photograph("coffee.png"), 0.02))).to_json()
    text = "\n".join(explain(result))
    assert "near copy" in text
    assert "continued beyond all its edges by 2.2 %, as if it had been cropped" in text
    assert "the list's threshold is 31" in text
    for name, _, _ in views.looked_at(np.asarray(picture), ["pdq"]):
        result["hits"][0]["variant"] = name
        line = next(x for x in explain(result) if "Found by looking" in x)
        assert name not in line
