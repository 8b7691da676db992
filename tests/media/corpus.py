"""Fetch the hostile and odd pictures the tests decode: Tests/images of Pillow's own sdist.

They are not committed. ``make test`` runs this first; it does nothing if they are already there.
The sdist is the one of the installed Pillow, downloaded by pip and never built.

Usage: python tests/media/corpus.py [--where]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
PILLOW = version("pillow")
FOLDER = ROOT / ".corpus" / f"pillow-{PILLOW}"
GO_WITHOUT = "HASHMATCH_NO_CORPUS"
MISSING = (
    f"the test pictures of Pillow {PILLOW} are not in {FOLDER}; fetch them with "
    f"'python tests/media/corpus.py' (needs the network), or set {GO_WITHOUT}=1 to go without"
)


def fetch() -> None:
    """Download the sdist and unpack its pictures; nothing half done is left in place."""
    FOLDER.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as work:
        # pip asks the sdist for its metadata even to download it, hence the minute it takes;
        # the build backend must come with it, so no --no-build-isolation
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--no-binary", ":all:", "--dest", work, f"pillow=={PILLOW}",
        ]  # fmt: skip
        subprocess.run(command, check=True)
        (sdist,) = Path(work).glob("*.tar.gz")
        unpacked = Path(work, "images")
        unpack(sdist, unpacked)
        shutil.rmtree(FOLDER, ignore_errors=True)
        unpacked.rename(FOLDER)


def unpack(sdist: Path, target: Path) -> None:
    """Write the regular files below Tests/images, and nothing else, into a folder."""
    with tarfile.open(sdist) as archive:
        for member in archive:
            parts = PurePosixPath(member.name).parts
            if member.isfile() and parts[1:3] == ("Tests", "images") and ".." not in parts:
                content = archive.extractfile(member)
                assert content is not None
                place = target.joinpath(*parts[3:])
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content.read())


def main() -> int:
    """Fetch what is missing; 1 if that failed and nobody said to go without."""
    if sys.argv[1:] == ["--where"]:
        print(FOLDER)
        return 0
    if FOLDER.is_dir():
        return 0
    if os.environ.get(GO_WITHOUT):
        print(f"{GO_WITHOUT} is set: tests that need Pillow's pictures will be skipped.")
        return 0
    print(f"Fetching the test pictures of Pillow {PILLOW} (47 MB, about a minute) ...", flush=True)
    try:
        fetch()
    except (OSError, ValueError, subprocess.CalledProcessError, tarfile.TarError) as error:
        print(f"That failed ({error}): {MISSING}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
