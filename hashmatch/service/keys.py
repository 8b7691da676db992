"""API keys: who may ask what. The file holds digests; a key itself is shown once, when made."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from hashmatch.errors import ServiceConfigError
from hashmatch.home import Home

FILE_NAME = "keys.json"
SCHEMA = "hashmatch.keys/1"
DEFAULT_RATE = 100.0
_PREFIX = "hm_"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class Role(StrEnum):
    """What the holder of a key may do. A key has one or more."""

    MATCH = "match"
    """Send media and hash values, and learn the verdict."""
    HASH_ONLY = "hash-only"
    """Send hash values only, and learn the verdict."""
    EXPLAIN = "explain"
    """Learn the hits behind a verdict: entries, distances, lists. For trusted callers."""
    CURATE = "curate"
    """Add entries to local lists and remove them."""
    OBSERVE = "observe"
    """Read metrics and what lists there are."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, without its secret.

    Parameters
    ----------
    name : str
        What logs call it.
    roles : frozenset of Role
    rate : float
        Pictures or hash values a second; twice as many at once.
    digest : str
        SHA-256 of the secret in hexadecimal. The secret has 256 random bits, so nothing slower
        is needed to keep it from being guessed.
    created : float
        Seconds since the epoch.
    """

    name: str
    roles: frozenset[Role]
    rate: float
    digest: str
    created: float

    def may(self, needed: Collection[Role]) -> bool:
        """Say whether the key has one of some roles."""
        return not self.roles.isdisjoint(needed)


def digest_of(secret: str) -> str:
    """Return what a secret is stored and looked up by."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def key_file(home: Home) -> Path:
    """Return where the keys of a home are."""
    return home.path / FILE_NAME


def read_keys(home: Home) -> tuple[Key, ...]:
    """Return the keys of a home, in the order they were made.

    Raises
    ------
    ServiceConfigError
        If the file is damaged, or others than its owner may read it.
    """
    path = key_file(home)
    try:
        with path.open("rb") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & (
                stat.S_IRWXG | stat.S_IRWXO
            ):
                raise ServiceConfigError(
                    f"{path} can be read by others; make it private with 'chmod 600'"
                )
            described = json.load(file)
        return tuple(_key(each) for each in described["keys"])
    except FileNotFoundError:
        return ()
    except ServiceConfigError:
        raise
    except OSError as error:
        raise ServiceConfigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ServiceConfigError(
            f"{path} is damaged; restore it, or remove it and make the keys anew"
        ) from error


def add_key(
    home: Home, name: str, roles: Sequence[Role], *, rate: float = DEFAULT_RATE
) -> tuple[Key, str]:
    """Make a key and return it with its secret, which is stored nowhere.

    Raises
    ------
    ServiceConfigError
        If the name is taken or not fit for a log line, or there is no role.
    """
    if not _NAME.fullmatch(name):
        raise ServiceConfigError(
            f"{name!r} cannot name a key; use up to 32 lower-case letters, digits and hyphens"
        )
    if not roles:
        raise ServiceConfigError(f"a key needs a role: {', '.join(Role)}")
    if not rate > 0:
        raise ServiceConfigError("the rate of a key must be above 0")
    keys = read_keys(home)
    if any(key.name == name for key in keys):
        raise ServiceConfigError(f"there is a key {name!r} already; remove it or choose another")
    secret = _PREFIX + secrets.token_urlsafe(32)
    key = Key(name, frozenset(roles), float(rate), digest_of(secret), time.time())
    _write(home, [*keys, key])
    return key, secret


def remove_key(home: Home, name: str) -> None:
    """Remove a key; running services stop taking it within a second.

    Raises
    ------
    ServiceConfigError
        If there is none of this name.
    """
    keys = read_keys(home)
    left = [key for key in keys if key.name != name]
    if len(left) == len(keys):
        raise ServiceConfigError(f"there is no key {name!r}; 'hashmatch key ls' shows them")
    _write(home, left)


def _write(home: Home, keys: Sequence[Key]) -> None:
    home.ensure()
    described = {
        "schema": SCHEMA,
        "keys": [
            {
                "name": key.name,
                "roles": sorted(key.roles),
                "rate": key.rate,
                "sha256": key.digest,
                "created": key.created,
            }
            for key in keys
        ],
    }
    try:
        number, name = tempfile.mkstemp(dir=home.path, prefix=".keys-")  # made private to its owner
        with os.fdopen(number, "w") as file:
            json.dump(described, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(key_file(home))
    except OSError as error:
        raise ServiceConfigError(f"cannot write {key_file(home)}: {error.strerror}") from error


def _key(described: dict[str, Any]) -> Key:
    return Key(
        name=str(described["name"]),
        roles=frozenset(Role(role) for role in described["roles"]),
        rate=float(described["rate"]),
        digest=str(described["sha256"]),
        created=float(described["created"]),
    )
