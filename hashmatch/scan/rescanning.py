"""Searching again for what a finished run found, in the lists of today, without the evidence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hashmatch import hash_types
from hashmatch.errors import OutputError
from hashmatch.hash_types import HashKind
from hashmatch.matching import Matcher
from hashmatch.matching.wire import WireFormatError, from_wire
from hashmatch.scan import custody
from hashmatch.scan.finish import Outputs, finish
from hashmatch.scan.folder import RunFolder
from hashmatch.scan.journal import groups
from hashmatch.scan.report import Summary
from hashmatch.scan.scanner import settings_of
from hashmatch.types import Reason
from hashmatch.version import ENGINE


def rescan(
    matcher: Matcher,
    run: Path,
    output: Path,
    *,
    on_record: Callable[[dict[str, Any]], None] | None = None,
) -> Summary:
    """Match the hashes in a run's journal and write the answers into a folder of their own.

    Parameters
    ----------
    matcher : Matcher
        Opened with the profile of the run (``settings_of(run)["plan"]["profile"]``).
    run : Path
        The folder of a finished run.
    output : Path
        A new folder. The run's own is not touched.
    on_record : callable or None
        Called with each record once it is written.

    Raises
    ------
    OutputError
        If the run is not finished or damaged, did not compute a hash type the lists now hold,
        or the answers cannot be written.
    """
    source = RunFolder(run)
    settings = settings_of(run)
    source.must_be_finished()
    plan = settings["plan"]
    _check_types(matcher, {*plan["cryptographic"], *plan["perceptual"]}, run)
    if plan["profile"] != matcher.profile.name:
        raise OutputError(f"the run in {run} used the profile {plan['profile']}")
    chain = custody.read(source.log)
    if chain.problem:
        raise OutputError(f"{source.log}: {chain.problem}; check the run with 'hashmatch verify'")
    folder = RunFolder(output)
    folder.make(())
    about = {
        "schema": "hashmatch.rescan/1",
        "engine": ENGINE,
        "started": custody.now(),
        "roots": settings["roots"],
        "hash_manifests": settings["hash_manifests"],
        "plan": plan,
        "options": settings["options"],
        "rescan_of": {"journal_sha256": custody.file_hash(source.journal), "head": chain.head},
    }
    folder.write_json(folder.settings, about)
    custody.append(
        folder.log,
        "started",
        {
            "engine": ENGINE,
            "snapshot": matcher.snapshot.id,
            "settings_sha256": custody.file_hash(folder.settings),
        },
    )
    complete = False
    outputs = Outputs(folder)
    position = 0
    try:
        with outputs:
            for end, group in groups(source.journal):
                position = end
                for entry in group:
                    found = from_wire(entry.found)
                    if found.known_good and not matcher.known_good(found.hashes):
                        found.known_good = False
                        found.reason = Reason.NOT_DECODED
                        found.message = (
                            "the scan left it undecoded as known good, which the lists no longer "
                            "say; scan it again"
                        )
                    record = outputs.add(matcher, entry, found)
                    if on_record is not None:
                        on_record(record)
        if position != source.journal.stat().st_size:
            raise OutputError(
                f"{source.journal} is damaged after byte {position:,}; check the run with "
                "'hashmatch verify'"
            )
        complete = True
    except WireFormatError as error:
        raise OutputError(f"{source.journal} is damaged: {error}") from error
    except OSError as error:
        raise OutputError(f"cannot write the answers in {output}: {error.strerror}") from error
    finally:
        finish(folder, matcher, about, outputs.summary, {}, complete=complete)
    return outputs.summary


def _check_types(matcher: Matcher, computed: set[str], run: Path) -> None:
    searched = {
        name
        for name in matcher.snapshot.hash_types
        if hash_types.get(name).kind is not HashKind.HELD
    }
    if missing := sorted(searched - computed):
        raise OutputError(
            f"the run in {run} did not compute {', '.join(missing)}, which the lists now hold; "
            "scan the evidence again"
        )
