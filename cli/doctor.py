"""``hashmatch doctor``: is this installation sound?"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version

import click
from rich.markup import escape

from hashmatch import hashing, kernels, media, sandbox
from hashmatch.cli.main import FAILED
from hashmatch.cli.options import json_option, pass_home
from hashmatch.cli.output import people, print_json
from hashmatch.errors import HashmatchError, SandboxError
from hashmatch.home import Home
from hashmatch.indexes import snapshot as snapshots
from hashmatch.lists.catalog import Catalog
from hashmatch.version import VERSION

GOOD, WARNING, BAD = "good", "warning", "bad"
_MARKS = {GOOD: "[green]good[/]   ", WARNING: "[yellow]warning[/]", BAD: "[red]bad[/]    "}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: its state and what to know or do about it."""

    what: str
    state: str
    message: str


@click.command("doctor")
@json_option
@pass_home
@click.pass_context
def doctor_command(ctx: click.Context, home: Home, as_json: bool) -> None:
    """Check this installation: machine, codecs, hash values, plug-ins, sandbox, lists, snapshot.

    The exit status is 0 unless something is bad, then 2.
    """
    findings = [finding for check in _CHECKS for finding in check(home)]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            people.print(f"{_MARKS[finding.state]} {finding.what}: {escape(finding.message)}")
    ctx.exit(FAILED if any(finding.state == BAD for finding in findings) else 0)


def _machine(_: Home) -> Iterator[Finding]:
    yield Finding(
        "hashmatch", GOOD, f"{VERSION} on Python {platform.python_version()}, {platform.machine()}"
    )
    best, used = kernels.available_levels()[-1], kernels.level().name.lower()
    yield Finding(
        "SIMD level",
        GOOD if used == best else WARNING,
        used if used == best else f"{used} is forced; this machine could run {best}",
    )
    names = ("numpy", "pillow", "faiss-cpu", "imagehash")
    yield Finding("libraries", GOOD, ", ".join(f"{name} {version(name)}" for name in names))


def _codecs(_: Home) -> Iterator[Finding]:
    found = media.codec_versions()
    yield Finding("codecs", GOOD, ", ".join(f"{name} {v}" for name, v in found.items()))


def _golden(_: Home) -> Iterator[Finding]:
    wrong = hashing.check_golden()
    if wrong:
        yield Finding(
            "golden hashes",
            BAD,
            f"{', '.join(wrong)} no longer agree with the values of this version; do not use "
            "this installation, reinstall it with the library versions it was tested with",
        )
    else:
        yield Finding("golden hashes", GOOD, "every hash type gives the values it should")


def _plugins(_: Home) -> Iterator[Finding]:
    loaded = hashing.registry.names()
    yield Finding("plug-ins", GOOD, f"compute {', '.join(loaded)}" if loaded else "there are none")
    for name, problem in hashing.registry.problems().items():
        yield Finding(
            f"plug-in {name}",
            BAD,
            f"cannot be loaded ({problem}); repair its package or uninstall it",
        )


def _sandbox(_: Home) -> Iterator[Finding]:
    try:
        protections = sandbox.capabilities()
    except SandboxError as error:
        yield Finding("sandbox", WARNING, str(error))
        return
    missing = [f"no {found.name} ({found.missing})" for found in protections if found.missing]
    if missing:
        yield Finding(
            "sandbox", WARNING, f"worker processes are less protected here: {'; '.join(missing)}"
        )
    else:
        names = ", ".join(found.name for found in protections)
        yield Finding("sandbox", GOOD, f"worker processes are locked down: {names}")


def _catalog(home: Home) -> Iterator[Finding]:
    if not home.catalog.exists():
        yield Finding("catalog", WARNING, "there is none; make one with 'hashmatch list import'")
        return
    with Catalog.open(home.catalog, create=False) as catalog:
        lists = catalog.lists()
        yield Finding(
            "catalog", GOOD, f"{len(lists)} list(s), {sum(x.entries for x in lists):,} entries"
        )
        if snapshots.current_id(home.snapshots) is None:
            return
        with snapshots.Snapshot.open(home.snapshots) as snapshot:
            compiled = snapshot.manifest["about"].get("catalog_generation")
        if compiled != catalog.generation:
            yield Finding(
                "freshness",
                WARNING,
                "the lists changed after the live snapshot was made; run 'hashmatch index build'",
            )


def _snapshot(home: Home) -> Iterator[Finding]:
    if snapshots.current_id(home.snapshots) is None:
        yield Finding("snapshot", WARNING, "there is none; make one with 'hashmatch index build'")
        return
    report = snapshots.verify(home.snapshots)
    problems = [f"{file.name}: {file.problem}" for file in report.files if file.problem]
    yield Finding(
        "snapshot",
        BAD if problems else GOOD,
        "; ".join(problems) or f"{report.snapshot_id}, all {len(report.files)} files sound",
    )


def _guarded(check: Callable[[Home], Iterator[Finding]]) -> Callable[[Home], list[Finding]]:
    """Turn an error inside a check into a finding, so the others still run."""

    def run(home: Home) -> list[Finding]:
        try:
            return list(check(home))
        except HashmatchError as error:
            return [Finding(check.__name__.strip("_"), BAD, str(error))]

    return run


_CHECKS = [
    _guarded(check)
    for check in (_machine, _codecs, _golden, _plugins, _sandbox, _catalog, _snapshot)
]
