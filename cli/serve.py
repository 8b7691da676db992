"""``hashmatch serve``: the HTTP service."""

from __future__ import annotations

import os

import click

from hashmatch.cli.matching_options import isolation_option, profile_option
from hashmatch.cli.options import pass_home
from hashmatch.errors import ServiceConfigError
from hashmatch.home import Home

_MEBIBYTE = 1024 * 1024


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen on; 0 takes a free one and logs it.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    help="Processes that answer requests; one per processor by default.",
)
@profile_option()
@isolation_option("Decode in sandboxed processes, or in the answering one.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.05, 3600),
    default=10.0,
    show_default=True,
    help="Seconds within which a picture is answered.",
)
@click.option(
    "--max-mebibytes",
    type=click.IntRange(1, 1024),
    default=32,
    show_default=True,
    help="Longest request body.",
)
@click.option(
    "--max-snapshot-age",
    type=click.FloatRange(1),
    help="Hours after which /health/ready says the snapshot is stale.",
)
@click.option(
    "--flood-limit",
    type=click.IntRange(0),
    default=0,
    help="Suspend an entry that matches more distinct uploads within an hour; off by default.",
)
@click.option("--tls-cert", type=click.Path(dir_okay=False), help="Certificate chain, PEM.")
@click.option("--tls-key", type=click.Path(dir_okay=False), help="Its private key, PEM.")
@click.option(
    "--client-ca",
    type=click.Path(dir_okay=False),
    help="Clients must show a certificate of this authority, PEM.",
)
@click.option("--no-auth", is_flag=True, help="Need no key; listens on loopback only.")
@pass_home
@click.pass_context
def serve_command(
    ctx: click.Context,
    home: Home,
    host: str,
    port: int,
    workers: int,
    profile: str,
    isolation: str,
    timeout: float,
    max_mebibytes: int,
    max_snapshot_age: float | None,
    flood_limit: int,
    tls_cert: str | None,
    tls_key: str | None,
    client_ca: str | None,
    no_auth: bool,
) -> None:
    """Answer over HTTP whether uploads are known. Nothing of an upload is kept.

    Needs the extra: pip install 'hashmatch[service]'. Log lines, one JSON object each, go to
    standard error. SIGTERM and SIGINT let requests under way end first.

    \b
    Examples:
      hashmatch key add upload --role match
      hashmatch serve
      hashmatch serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
    """
    try:
        from hashmatch.service.config import ServeConfig
        from hashmatch.service.server import Supervisor
    except ModuleNotFoundError as error:
        raise ServiceConfigError(
            f"serving needs {error.name}; install it with: pip install 'hashmatch[service]'"
        ) from error
    config = ServeConfig(
        home=str(home.path),
        host=host,
        port=port,
        workers=workers,
        profile=profile,
        isolation=isolation,
        timeout=timeout,
        max_bytes=max_mebibytes * _MEBIBYTE,
        memory=max(512, 2 * max_mebibytes) * _MEBIBYTE,
        auth=not no_auth,
        tls_certificate=tls_cert,
        tls_key=tls_key,
        client_ca=client_ca,
        max_snapshot_age=max_snapshot_age * 3600 if max_snapshot_age else None,
        flood_limit=flood_limit,
    )
    ctx.exit(Supervisor(config).run())
