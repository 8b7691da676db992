"""The folder hashmatch keeps its own files in: the catalog and the snapshots.

Lists are sensitive, so the folder is made readable by its owner only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from hashmatch.errors import OutputError

ENVIRONMENT_VARIABLE = "HASHMATCH_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """Where the catalog and the snapshots are.

    Parameters
    ----------
    path : Path
        The folder; it need not exist until something is written.
    """

    path: Path

    @classmethod
    def find(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """Return the home named by the argument, else ``HASHMATCH_HOME``, else the user's own."""
        chosen = path or os.environ.get(ENVIRONMENT_VARIABLE)
        if chosen:
            return cls(Path(chosen).expanduser().absolute())
        from platformdirs import user_data_path

        return cls(user_data_path("hashmatch", appauthor=False))

    @property
    def catalog(self) -> Path:
        """The catalog file."""
        return self.path / "catalog.db"

    @property
    def snapshots(self) -> Path:
        """The folder of snapshots."""
        return self.path / "snapshots"

    def ensure(self) -> None:
        """Make the folder, private to its owner.

        Raises
        ------
        OutputError
            If it cannot be made.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot make the home folder {self.path}: {error.strerror}; "
                f"choose another with --home or {ENVIRONMENT_VARIABLE}"
            ) from error
