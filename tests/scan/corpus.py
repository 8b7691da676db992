"""Fetch the hostile and edge files the heavy tests scan: Debian source packages of decoders.

Their test suites hold what once broke them. Nothing is committed; what is there already is not
fetched again. Needs apt-get (Debian or Ubuntu) and the network, but no root and no change to the
system: apt works in a folder of its own, on the machine's own mirror.

Usage: python tests/scan/corpus.py [--where]
"""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".corpus" / "decoders"
PACKAGES = ("exiv2", "libpng1.6", "tiff", "gdk-pixbuf", "libheif", "graphicsmagick", "giflib")
MISSING = f"no hostile files in {FOLDER}; fetch them with 'python tests/scan/corpus.py'"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SUFFIXES = {
    ".avif", ".avifs", ".bmp", ".cr2", ".crw", ".dng", ".eps", ".exv", ".fits", ".gif", ".heic",
    ".heif", ".hif", ".ico", ".icns", ".j2k", ".jng", ".jp2", ".jpc", ".jpeg", ".jpg", ".jxl",
    ".miff", ".mng", ".mrw", ".nef", ".orf", ".pbm", ".pcx", ".pgm", ".pict", ".png", ".pnm",
    ".poc", ".ppm", ".psd", ".raf", ".ras", ".rw2", ".sgi", ".svg", ".tga", ".tif", ".tiff",
    ".wbmp", ".webp", ".wpg", ".xbm", ".xcf", ".xmp", ".xpm", ".xwd", ".bin", ".dat", ".fuzz",
    ".crash", ".mp4", ".mov", ".avi", ".asf", ".mkv", ".gz", ".zip",
}  # fmt: skip
# names of fuzzing finds, which often have no suffix
_NAMES = re.compile(r"poc|crash|clusterfuzz|fuzz|hang|leak|overflow|oom|cve", re.IGNORECASE)
_LARGEST = 32 << 20


def fetch(package: str, work: Path) -> None:
    """Download a source package and unpack its test files; nothing half done stays in place."""
    apt = ["apt-get", "-q", "-y", *_options(work)]
    subprocess.run(
        [*apt, "source", "--download-only", package],
        cwd=work,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    unpacked = work / f"{package}-files"
    for archive in sorted(work.glob(f"{package}_*.orig*.tar.*")):
        if archive.suffix != ".asc":
            unpack(archive, unpacked)
    target = FOLDER / package
    shutil.rmtree(target, ignore_errors=True)
    unpacked.rename(target)


def unpack(archive: Path, target: Path) -> None:
    """Write the files that look like test pictures, flat and under names of our own."""
    target.mkdir(exist_ok=True)
    with tarfile.open(archive) as opened:
        for member in opened:
            name = PurePosixPath(member.name)
            wanted = name.suffix.lower() in _SUFFIXES or _NAMES.search(name.name)
            if not member.isfile() or not wanted or member.size > _LARGEST:
                continue
            if name.suffix in (".c", ".cpp", ".h", ".py", ".sh", ".md", ".txt", ".cmake"):
                continue
            content = opened.extractfile(member)
            assert content is not None
            flat = re.sub(r"[^A-Za-z0-9._-]", "_", "_".join(name.parts[1:]))[-200:]
            (target / flat).write_bytes(content.read())


def _options(work: Path) -> list[str]:
    return [
        "-o", f"Dir::Etc::sourcelist={work / 'sources.list'}", "-o", "Dir::Etc::sourceparts=-",
        "-o", f"Dir::State::lists={work / 'lists'}", "-o", f"Dir::Cache={work / 'cache'}",
        "-o", "APT::Sandbox::User=",
    ]  # fmt: skip


def _prepare(work: Path) -> None:
    """Let apt know of the source packages of the machine's own release."""
    facts = Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r"^VERSION_CODENAME=(\S+)$", facts, re.MULTILINE)
    if found is None:
        raise OSError("this system names no release")
    signed = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
    line = f"deb-src {signed}http://deb.debian.org/debian {found[1]} main\n"
    (work / "sources.list").write_text(line, encoding="utf-8")
    (work / "lists" / "partial").mkdir(parents=True)
    (work / "cache" / "archives" / "partial").mkdir(parents=True)
    command = ["apt-get", "-q", *_options(work), "update"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    """Fetch what is missing; 1 if that failed."""
    if sys.argv[1:] == ["--where"]:
        print(FOLDER)
        return 0
    missing = [package for package in PACKAGES if not (FOLDER / package).is_dir()]
    if not missing:
        return 0
    print(f"Fetching test files of {', '.join(missing)} (about 60 MB) ...", flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=FOLDER.parent) as made:
            _prepare(Path(made))
            for package in missing:
                fetch(package, Path(made))
    except (OSError, subprocess.CalledProcessError, tarfile.TarError, lzma.LZMAError) as error:
        print(f"That failed ({error}): {MISSING}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
