"""The main job on real photographs: known hashes in, a folder scanned, every hit explained.

The photographs are ordinary ones that ship inside the scikit-image wheel. Some are put on a demo
list by their hashes alone; re-encoded and turned copies of them, other photographs and damaged
files make up the folder that is scanned. Everything is written below one folder, which is made
anew each time.

Usage: python examples/demo.py FOLDER
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import skimage
from PIL import Image

PHOTOGRAPHS = Path(skimage.__file__).parent / "data"
KNOWN = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "hubble_deep_field.jpg")
UNRELATED = ("brick.png", "camera.png", "coins.png", "ihc.png", "motorcycle_left.png", "retina.jpg")
COMMAND = Path(sysconfig.get_path("scripts")) / "hashmatch"

Encoder = Callable[[Image.Image, Path], None]


def saved(suffix: str, mode: str = "RGB", **options: Any) -> tuple[str, Encoder]:
    """Return an encoder that converts to a mode and saves with options."""

    def encode(picture: Image.Image, path: Path) -> None:
        picture.convert(mode).save(path, **options)

    return suffix, encode


def turned_with_tag(picture: Image.Image, path: Path) -> None:
    """Save as a phone does: turned pixels, and an EXIF tag that says how to turn them back."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(path, quality=92, exif=exif)


def sixteen_bits(picture: Image.Image, path: Path) -> None:
    """Save as 16-bit grey."""
    grey = picture.convert("L")
    wide = grey.convert("I").point(lambda value: value * 257)
    wide.convert("I;16").save(path)


ENCODINGS: dict[str, tuple[str, Encoder]] = {
    "jpeg-q95": saved(".jpg", quality=95),
    "jpeg-q30": saved(".jpg", quality=30),
    "webp-q80": saved(".webp", quality=80),
    "avif": saved(".avif", quality=70),
    "tiff": saved(".tif"),
    "bmp": saved(".bmp"),
    "grey": saved(".png", "L"),
    "grey-16-bit": (".png", sixteen_bits),
    "palette": saved(".png", "P"),
    "gif": saved(".gif"),
    "cmyk": saved(".jpg", "CMYK", quality=92),
    "rgba": saved(".png", "RGBA"),
    "exif-turned": (".jpg", turned_with_tag),
    "turned": (".jpg", lambda p, f: p.transpose(Image.Transpose.ROTATE_90).save(f, quality=85)),
    "mirrored": (
        ".jpg",
        lambda p, f: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(f, quality=85),
    ),
    "half-size": (".jpg", lambda p, f: p.resize((p.width // 2, p.height // 2)).save(f, quality=85)),
}


def make_evidence(folder: Path) -> dict[str, set[str]]:
    """Make the folder to be scanned and return which paths are expected to give which answer."""
    expected: dict[str, set[str]] = {"match": set(), "no_match": set()}
    for name in KNOWN:
        with Image.open(PHOTOGRAPHS / name) as opened:
            picture = opened.convert("RGB")
        for label, (suffix, encode) in ENCODINGS.items():
            path = folder / "copies" / Path(name).stem / (label + suffix)
            path.parent.mkdir(parents=True, exist_ok=True)
            encode(picture, path)
            expected["match"].add(str(path))
    for name in UNRELATED:
        path = folder / "others" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PHOTOGRAPHS / name, path)
        expected["no_match"].add(str(path))
    damaged = folder / "damaged"
    damaged.mkdir()
    whole = (PHOTOGRAPHS / "retina.jpg").read_bytes()
    (damaged / "cut-short.jpg").write_bytes(whole[: len(whole) // 2])
    (damaged / "empty.png").write_bytes(b"")
    (damaged / "not-a-picture.jpg").write_text("only some text")
    (damaged / "scrambled.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    return expected


def hashmatch(home: Path, *arguments: str) -> str:
    """Show a command, run it, show what it prints, and return its standard output."""
    print(f"\n$ hashmatch {' '.join(arguments)}", flush=True)
    run = subprocess.run(
        [COMMAND, "--home", home, *arguments], stdout=subprocess.PIPE, text=True, check=False
    )
    print(run.stdout, end="", flush=True)
    if run.returncode not in (0, 1, 2) or (run.returncode == 2 and arguments[0] != "scan"):
        sys.exit(f"hashmatch {arguments[0]} failed with status {run.returncode}")
    return run.stdout


def quietly(*arguments: str) -> str:
    """Run a command and return its standard output."""
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Run the demonstration and say whether it went as it should."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    home, evidence, report = folder / "home", folder / "evidence", folder / "report"
    expected = make_evidence(evidence)

    originals = [str(PHOTOGRAPHS / name) for name in KNOWN]
    hashes = quietly("hash", "--type", "pdq,md5", "--format", "json", *originals).splitlines()
    known = [json.loads(line) for line in hashes]
    pdq_list, md5_list = folder / "known-pdq.txt", folder / "known-md5.txt"
    pdq_list.write_text(
        "".join(f"{k['hashes']['pdq']['hex']},{Path(k['path']).name}\n" for k in known)
    )
    md5_list.write_text(
        "".join(f"{k['hashes']['md5']['hex']}  {Path(k['path']).name}\n" for k in known)
    )

    hashmatch(
        home, "list", "import", "demo-photos", str(pdq_list), "--type", "pdq",
        "--polarity", "known-bad",
    )  # fmt: skip
    hashmatch(home, "list", "import", "demo-files", str(md5_list), "--polarity", "known-bad")
    hashmatch(home, "index", "build")
    hashmatch(home, "match", str(evidence / "copies" / "chelsea" / "mirrored.jpg"))
    hashmatch(home, "scan", str(evidence), "--output", str(report))

    with (report / "results.jsonl").open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    answers = {record["path"]: record for record in records}
    for verdict, paths in expected.items():
        right = [path for path in paths if answers[path]["verdict"] == verdict]
        what = "altered copies found" if verdict == "match" else "other photographs passed"
        print(f"{len(right)} of {len(paths)} {what}")
        if len(right) != len(paths):
            sys.exit(f"not as expected: {sorted(paths - set(right))}")
    unreadable = [r for r in records if r["verdict"] == "unscannable"]
    print(f"{len(unreadable)} damaged files reported with a reason, never as clean:")
    for record in unreadable:
        print(f"  {Path(record['path']).name}: {record['reason']}")
    print(f"report: {report}/results.jsonl, {report}/results.csv, {report}/summary.json")


if __name__ == "__main__":
    main()
