"""Try an installed wheel: the command line and the API, away from any checkout.

Run by `make wheel-smoke` and by cibuildwheel, from a folder that holds no hashmatch/. It needs
nothing but what the wheel itself depends on.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import hashmatch as hm

COMMAND = Path(sysconfig.get_path("scripts")) / "hashmatch"


def picture(seed: int) -> bytes:
    """Return a PNG of smooth random colours."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((320, 240), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def run(*arguments: str, status: int = 0) -> str:
    """Run the installed command and return its standard output."""
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def main() -> None:
    """Go once through the main job."""
    where = Path(hm.__file__)
    assert "site-packages" in where.parts, f"this is not the installed wheel: {where}"
    with tempfile.TemporaryDirectory() as folder:
        known, other = Path(folder, "known.png"), Path(folder, "other.png")
        known.write_bytes(picture(1))
        other.write_bytes(picture(2))
        value = hm.hash_file(known, types=["pdq"])["pdq"]
        assert value.quality is not None
        assert value.quality >= 50
        Path(folder, "list.txt").write_text(f"{value.hex},smoke\n")
        home = ("--home", str(Path(folder, "home")))
        run(*home, "list", "import", "smoke", f"{folder}/list.txt", "--type", "pdq",
            "--polarity", "known-bad")  # fmt: skip
        run(*home, "index", "build")
        run(*home, "index", "verify")
        run(*home, "doctor")
        found = json.loads(run(*home, "match", "--json", str(known), status=1))
        assert found["verdict"] == "match", found
        assert run(*home, "match", str(other)).startswith("no_match")
        with hm.Matcher.open(Path(folder, "home")) as matcher:
            assert matcher.match_bytes(picture(1)).verdict is hm.Verdict.MATCH
            assert matcher.match_bytes(picture(2)).verdict is hm.Verdict.NO_MATCH
    sys.stdout.write(f"{run('--version').strip()}: the wheel works\n")


if __name__ == "__main__":
    main()
