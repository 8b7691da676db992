"""An environment of its own for each peer, made once below ``.bench/`` and never committed.

Peers pin versions that exclude one another, and none of them may change what hashmatch is
measured with.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.harness import ROOT

FOLDER = ROOT / ".bench"
MINUTES = 10


class PeerUnavailableError(Exception):
    """A peer that cannot be installed here; the message is the reason to report."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a peer needs.

    Parameters
    ----------
    name : str
    packages : tuple of str
        Installed with what they depend on.
    alone : tuple of str
        Installed without; what they really need is among ``packages``.
    """

    name: str
    packages: tuple[str, ...]
    alone: tuple[str, ...] = ()


def python_of(environment: Environment) -> Path:
    """Return the interpreter of an environment, making it if it is not there or has changed.

    Raises
    ------
    PeerUnavailableError
        If something of it cannot be installed.
    """
    folder = FOLDER / environment.name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = json.dumps([environment.packages, environment.alone, sys.version])
    stamp = folder / "made-for.json"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, *environment.packages])
    if environment.alone:
        _run([*pip, "--no-deps", *environment.alone])
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60 * MINUTES
        )
    except subprocess.TimeoutExpired:
        raise PeerUnavailableError(f"not installed within {MINUTES} minutes") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines
        raise PeerUnavailableError(errors[0] if errors else "pip failed and did not say why")
