"""How a service is run: one value that the command makes and every process reads."""

from __future__ import annotations

import ipaddress
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hashmatch.errors import ServiceConfigError
from hashmatch.home import Home
from hashmatch.service.body import MEBIBYTE, BodyLimits


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """Options of ``hashmatch serve``.

    Parameters
    ----------
    home : str
        The home whose live snapshot is served.
    host, port : str and int
        Where to listen; port 0 takes a free one.
    workers : int
        Processes that answer requests.
    profile : str
        Which variants of a picture are searched for.
    isolation : str
        ``workers`` decodes in sandboxed processes, ``inline`` in the answering one.
    timeout : float
        Seconds within which a picture is answered, waiting included.
    waiting : int
        Pictures that may wait in each process.
    max_bytes : int
        Longest request body.
    memory : int
        Bytes of request bodies in memory at once, in each process.
    auth : bool
        Whether a key is needed.
    tls_certificate, tls_key, client_ca : str or None
        Files for TLS; with ``client_ca`` a client must show a certificate of that authority.
    max_snapshot_age : float or None
        Seconds after which the snapshot counts as stale.
    flood_limit : int
        How many distinct uploads an entry may match within an hour before it is suspended to
        review; 0 for any number.
    drain : float
        Seconds that requests under way may take after a SIGTERM.
    """

    home: str
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    profile: str = "orientations"
    isolation: str = "workers"
    timeout: float = 10.0
    waiting: int = 32
    max_bytes: int = 32 * MEBIBYTE
    memory: int = 512 * MEBIBYTE
    auth: bool = True
    tls_certificate: str | None = None
    tls_key: str | None = None
    client_ca: str | None = None
    max_snapshot_age: float | None = None
    flood_limit: int = 0
    drain: float = 30.0

    def __post_init__(self) -> None:
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ServiceConfigError("TLS needs both --tls-cert and --tls-key")
        if self.client_ca and not self.tls_certificate:
            raise ServiceConfigError("--client-ca needs --tls-cert and --tls-key")
        for path in (self.tls_certificate, self.tls_key, self.client_ca):
            if path and not os.access(path, os.R_OK):
                raise ServiceConfigError(f"cannot read {path}")
        if not self.auth and not is_loopback(self.host):
            raise ServiceConfigError(
                f"--no-auth serves whoever can connect, so it listens on loopback only, not on "
                f"{self.host}; make a key with 'hashmatch key add'"
            )
        if self.memory < self.max_bytes:
            raise ServiceConfigError("the memory for bodies is smaller than the largest body")

    @property
    def place(self) -> Home:
        """The home."""
        return Home(Path(self.home))

    @property
    def body_limits(self) -> BodyLimits:
        """What of a request body is taken."""
        return BodyLimits(max_bytes=self.max_bytes)

    def to_text(self) -> str:
        """Return the value as text for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> ServeConfig:
        """Return the value that :meth:`to_text` wrote."""
        return cls(**json.loads(text))


def is_loopback(host: str) -> bool:
    """Say whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
