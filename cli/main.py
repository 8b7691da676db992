"""The ``hashmatch`` command: its group, its home option and what errors look like."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Any, NoReturn

import click

from hashmatch.errors import HashmatchError
from hashmatch.hash_types import PLUGIN_GROUP
from hashmatch.home import ENVIRONMENT_VARIABLE, Home

FAILED = 2
INTERRUPTED = 130
DEBUG_VARIABLE = "HASHMATCH_DEBUG"

# name -> where the command is; only the one that runs is imported
_COMMANDS = {
    "hash": "hashmatch.cli.hash:hash_command",
    "compare": "hashmatch.cli.compare:compare_command",
    "list": "hashmatch.cli.lists:list_group",
    "index": "hashmatch.cli.index:index_group",
    "match": "hashmatch.cli.match:match_command",
    "scan": "hashmatch.cli.scan:scan_command",
    "serve": "hashmatch.cli.serve:serve_command",
    "key": "hashmatch.cli.key:key_group",
    "feedback": "hashmatch.cli.feedback:feedback_group",
    "calibrate": "hashmatch.cli.calibrate:calibrate_command",
    "rescan": "hashmatch.cli.rescan:rescan_command",
    "report": "hashmatch.cli.report:report_command",
    "verify": "hashmatch.cli.verify:verify_command",
    "bench": "hashmatch.cli.bench:bench_group",
    "doctor": "hashmatch.cli.doctor:doctor_command",
}


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of a day's work."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in _COMMANDS:
            return None
        _load_plugins()
        module, attribute = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@cache
def _load_plugins() -> None:
    """Have the hash types of plug-ins known before a command says which ones it takes.

    Only where there are plug-ins is the room that computes hashes, with its libraries, imported.
    """
    if entry_points(group=PLUGIN_GROUP):
        importlib.import_module("hashmatch.hashing")


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: hashmatch list import, hashmatch index build, hashmatch scan.",
)
@click.option(
    "--home",
    type=click.Path(file_okay=False),
    help=f"Folder of the catalog and the snapshots; else {ENVIRONMENT_VARIABLE}, else your own.",
)
@click.version_option(package_name="hashmatch", message="%(package)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, home: str | None) -> None:
    """Is this image one of the known ones?

    Import lists of known hashes, compile them into a snapshot, then check files or whole folders
    against it. Nothing of a picture is ever kept.
    """
    ctx.obj = Home.find(home)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its documented status."""
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        status: Any = cli.main(args=arguments, prog_name="hashmatch", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        error.show()
        return FAILED
    except HashmatchError as error:
        return _complain(str(error))
    except (click.Abort, KeyboardInterrupt):
        click.echo("hashmatch: interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has gone; keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return _complain("the disk is full; free some space and run the command again")
        return _complain(f"{error.filename or 'a file'}: {error.strerror}")
    except MemoryError:
        return _complain("not enough memory")
    except Exception as error:  # noqa: BLE001 - the outermost edge: one line instead of a traceback
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        return _complain(
            f"a fault in hashmatch itself ({type(error).__name__}); please report it with what "
            f"{DEBUG_VARIABLE}=1 prints"
        )


def _complain(message: str) -> int:
    click.echo(f"hashmatch: {message}", err=True)
    return FAILED
