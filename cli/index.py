"""``hashmatch index``: compile the catalog into a snapshot, and look after snapshots."""

from __future__ import annotations

import click
from rich.progress import TaskID

from hashmatch import indexes
from hashmatch.cli.main import FAILED
from hashmatch.cli.options import json_option, pass_home
from hashmatch.cli.output import counted, print_json, print_table, progress_bar, say
from hashmatch.home import Home
from hashmatch.indexes import snapshot as snapshots
from hashmatch.publish import PublishReport, publish


@click.group("index")
def index_group() -> None:
    """Compile lists into a snapshot, inspect it, verify it."""


@index_group.command("build")
@click.option(
    "--kind",
    default="auto",
    show_default=True,
    help=f"Kind of index for perceptual hashes: {', '.join(indexes.kinds())}.",
)
@json_option
@pass_home
def build_command(home: Home, kind: str, as_json: bool) -> None:
    """Compile every list of the catalog into a new snapshot and make it live.

    The snapshot that was live stays so until the new one is complete, checked and on disk.

    \b
    Examples:
      hashmatch index build
      hashmatch index build --kind faiss:BFlat
    """
    report = build(home, kind)
    if as_json:
        print_json(report.to_json())
    else:
        tell_built(report)


def build(home: Home, kind: str = "auto") -> PublishReport:
    """Publish a snapshot with a progress bar."""
    with progress_bar() as bar:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage)
            bar.update(tasks[stage], completed=done, total=total)

        return publish(home, kind=kind, progress=tell)


def tell_built(report: PublishReport) -> None:
    """Tell a person what is live now."""
    say(
        f"snapshot {report.snapshot_id} is live: {report.entries:,} entries of "
        f"{report.lists:,} list(s), searchable: {counted(report.values)}"
    )
    if report.held:
        say(f"held, not searchable: {counted(report.held)}")
    if report.left_out:
        say(f"not indexed: {counted(report.left_out)}")


@index_group.command("info")
@json_option
@pass_home
def info_command(home: Home, as_json: bool) -> None:
    """Describe the live snapshot: lists, hash types, kinds of index."""
    with snapshots.Snapshot.open(home.snapshots) as snapshot:
        manifest = dict(snapshot.manifest)
        if as_json:
            print_json(manifest)
            return
        click.echo(f"snapshot {snapshot.id}")
        rows = []
        for name in snapshot.hash_types:
            described = manifest["hash_types"][name]
            rows.append((name, described["count"], described.get("kind", "values")))
        print_table("hash types", ["type", "values", "index"], rows)
        print_table(
            "lists",
            ["name", "version", "polarity", "entries"],
            [(x["name"], x["version"], x["polarity"], x["entries"]) for x in snapshot.lists],
        )


@index_group.command("verify")
@click.argument("snapshot_id", required=False)
@json_option
@pass_home
@click.pass_context
def verify_command(ctx: click.Context, home: Home, snapshot_id: str | None, as_json: bool) -> None:
    """Read a whole snapshot and compare it with its checksums; by default the live one.

    The exit status is 0 if everything agrees and 2 if not.
    """
    report = snapshots.verify(home.snapshots, snapshot_id)
    if as_json:
        print_json(report.to_json())
    else:
        rows = [(f.name, f.size, f.problem or "sound") for f in report.files]
        print_table(f"snapshot {report.snapshot_id}", ["file", "bytes", "state"], rows)
    ctx.exit(0 if report.sound else FAILED)
