"""``hashmatch scan``: check everything below some folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from hashmatch.cli.matching_options import isolation_option, profile_option
from hashmatch.cli.options import from_stdin, hash_type_option, json_option, pass_home
from hashmatch.cli.output import say
from hashmatch.cli.run_folder import output_option, tell_run
from hashmatch.cli.watch import Watch
from hashmatch.errors import SandboxError
from hashmatch.home import Home
from hashmatch.matching import Matcher
from hashmatch.matching.isolated import DEFAULT_TIMEOUT
from hashmatch.sandbox import capabilities
from hashmatch.scan import REPORTED_TYPES, ArchiveLimits, ScanOptions, resume, scan, settings_of
from hashmatch.scan.record import shown
from hashmatch.scan.walking import distinct

_ARCHIVES = ArchiveLimits()


@click.command("scan")
@click.argument("roots", metavar="[ROOT]...", nargs=-1)
@output_option("New folder for the run: journal, results, summary, manifest and log.")
@click.option("--resume", "resuming", is_flag=True, help="Go on with the run in the output folder.")
@click.option(
    "--verify-content",
    is_flag=True,
    help="When resuming, hash files that look unchanged to make sure.",
)
@profile_option()
@click.option(
    "--hashes",
    "hash_manifests",
    type=click.Path(exists=True, dir_okay=False),
    multiple=True,
    help="A table or text of hashes without files, such as from a chat database.",
)
@hash_type_option("--hash-type", words="The type of bare values in --hashes files.")
@click.option(
    "--workers",
    "-w",
    type=click.IntRange(1),
    help="Files at a time; one per processor by default.",
)
@isolation_option("Decode in locked-down worker processes, or in this one.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    help="Seconds a worker may take for one picture.",
)
@click.option("--null", "-0", is_flag=True, help="Names on standard input end in NUL.")
@click.option(
    "--follow-symlinks", is_flag=True, help="Follow symbolic links found inside the roots."
)
@click.option("--no-archives", is_flag=True, help="Do not look into archives.")
@click.option(
    "--archive-depth",
    type=click.IntRange(1),
    default=_ARCHIVES.depth,
    show_default=True,
    help="How many archives inside each other to go into.",
)
@click.option(
    "--archive-ratio",
    type=click.IntRange(1),
    default=_ARCHIVES.ratio,
    show_default=True,
    help="How many times its size an archive may unfold to.",
)
@click.option("--no-thumbnails", is_flag=True, help="Do not check embedded thumbnails.")
@click.option(
    "--decode-known-good", is_flag=True, help="Decode files whose bytes are on a known-good list."
)
@click.option("--quiet", "-q", is_flag=True, help="No progress display.")
@json_option
@pass_home
@click.pass_context
def scan_command(
    ctx: click.Context, home: Home, /, output: Path, quiet: bool, as_json: bool, **asked: Any
) -> None:
    """Check every file below the roots against the live snapshot.

    Every file ends in one verdict, with a reason where it could not be checked in full, and the
    counts add up to the files seen. Archives and embedded thumbnails are looked into. Evidence is
    only read. ROOT may be - to read paths from standard input, one a line or, with -0, ended by
    NUL.

    Exit status: 0 all checked and nothing found, 1 something matched, 2 not everything could be
    checked, or an error; the summary counts the matches alongside.

    \b
    Examples:
      hashmatch scan /mnt/evidence -o report
      find /mnt/evidence -name '*.jpg' -print0 | hashmatch scan -0 - -o report
      hashmatch scan --resume -o report
      hashmatch scan --hashes chat.csv -o report
    """
    roots = list(from_stdin(asked["roots"], ended_by_nul=asked["null"]))
    options = ScanOptions(
        isolation=asked["isolation"],
        workers=asked["workers"],
        timeout=asked["timeout"],
        follow_symlinks=asked["follow_symlinks"],
        archives=None
        if asked["no_archives"]
        else replace(_ARCHIVES, depth=asked["archive_depth"], ratio=asked["archive_ratio"]),
        thumbnails=not asked["no_thumbnails"],
        skip_known_good=not asked["decode_known_good"],
        verify_content=asked["verify_content"],
    )
    profile = asked["profile"]
    if asked["resuming"]:
        if roots or asked["hash_manifests"]:
            raise click.UsageError(
                "--resume goes on with what the run was asked for; name no roots"
            )
        profile = settings_of(output)["plan"]["profile"]
    elif "-" in asked["roots"] and not roots:
        raise click.UsageError("standard input names no paths")
    elif not roots and not asked["hash_manifests"]:
        raise click.UsageError("name a ROOT, or hashes with --hashes")
    # what was typed is a mistake if it is not there; what a list on standard input names may have
    # vanished since, and gets a verdict like every other file
    typed = [root for root in asked["roots"] if root != "-"]
    if missing := [root for root in typed if not os.path.lexists(root)]:
        raise click.UsageError(f"{shown(missing[0])}: no such file or folder")
    if repeated := len(roots) - len(distinct(roots)):
        say(
            f"note: {repeated:,} of {len(roots):,} roots are named twice or lie inside others; "
            "every file is scanned once"
        )
    tell_protections = _probe(options.isolation)
    with Matcher.open(home.path, profile=profile, also_compute=REPORTED_TYPES) as matcher:
        tell_protections()
        watch = Watch(None if asked["resuming"] else roots, options, shown_at_all=not quiet)
        with watch, _way_on_told(output):
            if asked["resuming"]:
                summary = resume(matcher, output, options, on_record=watch.tell)
            else:
                summary = scan(
                    matcher,
                    roots,
                    output,
                    options,
                    hash_manifests=asked["hash_manifests"],
                    hash_type=asked["hash_type"],
                    on_record=watch.tell,
                )
    tell_run(ctx, output, summary, as_json=as_json)


@contextmanager
def _way_on_told(output: Path) -> Iterator[None]:
    """Say how to go on when the person stops the scan."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"what was found is kept; go on with 'hashmatch scan --resume -o {shown(str(output))}'")
        raise


def _probe(isolation: str) -> Callable[[], None]:
    """Find out meanwhile how well workers are protected here.

    What is returned waits for the answer and says aloud what protection lacks.
    """
    if isolation == "inline":
        return lambda: None
    thread = ThreadPoolExecutor(1)
    probing = thread.submit(capabilities)
    thread.shutdown(wait=False)

    def tell() -> None:
        try:
            missing = [found.name for found in probing.result() if found.missing]
        except SandboxError as error:
            raise click.UsageError(f"{error}; or choose --isolation inline") from error
        if missing:
            say(f"warning: worker processes lack {', '.join(missing)} here; see 'hashmatch doctor'")

    return tell
