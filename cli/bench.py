"""``hashmatch bench``: how fast, against whom, how good, and did a change make it worse.

The suites stand in ``bench/`` at the top of the repository and are not installed: they need the
peers, the photographs and the plots of a development environment. This command finds them beside
an editable install and says what to do where there is none.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

import hashmatch
from hashmatch.cli.main import FAILED
from hashmatch.cli.options import json_option
from hashmatch.cli.output import people, print_json, print_table, progress_bar, say

_VERDICTS = {None: ("-", "dim"), True: ("reached", "green"), False: ("MISSED", "bold red")}
ROOT = Path(hashmatch.__file__).resolve().parent.parent
DEFAULT_LIMIT = 10.0

result_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("bench", invoke_without_command=True)
@click.option("--quick", is_flag=True, help="Measure a bit of everything, in about two minutes.")
@json_option
@click.pass_context
def bench_group(ctx: click.Context, quick: bool, as_json: bool) -> None:
    """Measure this machine, compare with peers, and compare two runs.

    Works from a checkout: git clone, make setup, then .venv/bin/hashmatch bench.

    \b
    Examples:
      hashmatch bench --quick
      hashmatch bench run regression --output before.json
      hashmatch bench compare before.json after.json --max-regression 5
      hashmatch bench report
    """
    if ctx.invoked_subcommand is not None:
        if quick or as_json:
            raise click.UsageError("--quick and --json before a subcommand do nothing")
    elif quick:
        _quick(as_json)
    else:
        click.echo(ctx.get_help())


@bench_group.command("run")
@click.argument("suite")
@click.argument("arguments", metavar="[-- OPTION...]", nargs=-1)
@click.option("--quick", is_flag=True, help="Smaller sizes and fewer rounds: a trial run.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the results; by default bench/results/SUITE.json.",
)
@json_option
@click.pass_context
def run_command(
    ctx: click.Context,
    suite: str,
    arguments: tuple[str, ...],
    quick: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Run a suite, or all of them, and keep the results.

    SUITE is a name that 'hashmatch bench suites' lists, or all. The name timed stands for those
    that time things and want a quiet machine, counted for the others, which may run beside other
    work. Options of the suite itself come after --. The exit status is 2 if a suite failed; a
    missed figure is a result, not a failure. No promise is judged by a run with --quick.

    \b
    Examples:
      hashmatch bench run peers --quick -o peers.json
      hashmatch bench run timed
      hashmatch bench run regression -o after.json -- --size medium --passes 5
    """
    runner = _bench("run")
    extra = [*arguments, *(["--quick"] if quick else [])]
    if suite in runner.GROUPS:
        if output is not None or arguments:
            raise click.UsageError("--output and options of a suite are for one suite, not for all")
        failed = 0
        for name, found, seconds in runner.run_all(extra, suite):
            wrong = isinstance(found, runner.SuiteError)
            failed += wrong
            say(f"{name}: {found if wrong else f'{len(found.figures)} figures'}, {seconds:.0f} s")
        table = _bench("figures").rows(_bench("results").load_all())
        _show_table(table, as_json)
        ctx.exit(FAILED if failed else 0)
    results = runner.run(suite, extra, output)
    if as_json:
        print_json([figure.to_json() for figure in results.figures])
    else:
        _show_facts(results.machine, results.notes)
        _show_figures(results.figures)


@bench_group.command("suites")
@json_option
def suites_command(as_json: bool) -> None:
    """List the suites, what each measures and about how long it takes.

    Timed ones want a quiet machine; counted ones may run beside other work.
    """
    runner = _bench("run")
    columns = ("name", "what", "minutes", "kind")
    rows = [
        (name, suite.what, suite.minutes, "timed" if suite.timed else "counted")
        for name, suite in runner.SUITES.items()
    ]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table("suites", list(columns), rows)
    for group, chosen in runner.GROUPS.items():
        minutes = sum(suite.minutes for suite in runner.SUITES.values() if chosen(suite))
        say(f"{group}: about {minutes:.0f} minutes")


@bench_group.command("prepare")
@click.pass_context
def prepare_command(ctx: click.Context) -> None:
    """Fetch and make what the suites need, once: some minutes, about 3 GB, and the network.

    An environment for each peer library, pictures, and a list of 10 million hashes. A suite does
    this itself for what is missing, but then a quiet hour is spent on it.
    """
    runner = _bench("run")
    ctx.exit(FAILED if runner.prepare() else 0)


@bench_group.command("figures")
@click.option("--issue", type=int, help="Only the figures of one issue.")
@json_option
def figures_command(issue: int | None, as_json: bool) -> None:
    """Print every promised figure with what was measured last.

    A figure that no result file holds is listed as not measured.
    """
    table = _bench("figures").rows(_bench("results").load_all(), issue)
    _show_table(table, as_json)


@bench_group.command("compare")
@click.argument("before", metavar="A.json", type=result_file)
@click.argument("after", metavar="B.json", type=result_file)
@click.option(
    "--max-regression",
    type=click.FloatRange(0),
    default=DEFAULT_LIMIT,
    show_default=True,
    metavar="PCT",
    help="How many per cent worse a figure may be.",
)
@json_option
@click.pass_context
def compare_command(
    ctx: click.Context, before: Path, after: Path, max_regression: float, as_json: bool
) -> None:
    """Say whether B is worse than A by more than noise allows.

    Takes results of any suite, or of pytest-benchmark. Above 1 a ratio means worse, whatever the
    unit. The exit status is 1 if a figure regressed by more than PCT per cent, 0 if none did, 2
    if the files have no figure in common.
    """
    results, comparing = _bench("results"), _bench("compare")
    found = comparing.compare(results.load(before), results.load(after), max_regression)
    if as_json:
        print_json(found.to_json())
    else:
        for line in comparing.lines(found):
            click.echo(line)
    ctx.exit(found.exit_status)


@bench_group.command("report")
@click.option(
    "--results",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of result files; by default bench/results.",
)
@click.option(
    "--docs",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for benchmarks.md and its plots; by default docs.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the one-page report; by default build/benchmarks.html.",
)
def report_command(results: Path | None, docs: Path | None, html: Path | None) -> None:
    """Make benchmarks.md and a self-contained HTML page from the result files."""
    for path in _bench("report").write(results, docs, html):
        say(f"wrote {path}")


def _bench(name: str) -> Any:
    """Import a module of the checkout's ``bench/``."""
    if not (ROOT / "bench" / "figures.py").is_file():
        raise click.ClickException(
            "the bench suites come with the source code, not with an installed package: clone the "
            "repository, run 'make setup', then '.venv/bin/hashmatch bench'"
        )
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    try:
        return importlib.import_module(f"bench.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "bench":
            raise
        raise click.ClickException(
            f"the bench suites need the package {error.name}; run 'make setup'"
        ) from error


def _quick(as_json: bool) -> None:
    quick = _bench("quick")
    size = quick.Size()
    with progress_bar() as bar:
        task = bar.add_task("starting", total=len(quick.STEPS))

        def tell(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total)

        figures = quick.run(size, tell)
    document = _bench("harness").document("hashmatch bench --quick", figures, quick.notes(size))
    if as_json:
        print_json(document)
        return
    _show_facts(document["machine"], document["notes"])
    _show_figures(figures)
    say(_outcome(figures))


def _show_facts(machine: Any, notes: Any) -> None:
    for line in _bench("harness").facts_of(machine):
        people.print(line, style="dim", markup=False)
    for name, note in notes.items():
        people.print(f"{name}: {note}", style="dim", markup=False)


def _show_figures(figures: Any) -> None:
    quantity = _bench("harness").quantity
    console = Console(highlight=False)
    for figure in figures:
        goal = ""
        if figure.goal is not None:
            goal = f"{'<=' if figure.below else '>='} {quantity(figure.goal)}"
        verdict, style = _VERDICTS[figure.reached]
        head = Text(f"{verdict:<8}", style)
        head.append(f"{quantity(figure.value, figure.unit):>19} {goal:>12}  ", "default")
        console.print(head.append(figure.what), soft_wrap=True)


def _show_table(table: Any, as_json: bool) -> None:
    if as_json:
        print_json(table)
        return
    module = _bench("figures")
    for line in module.lines(table):
        click.echo(line)


def _outcome(figures: Any) -> str:
    judged = [figure for figure in figures if figure.reached is not None]
    reached = sum(figure.reached for figure in judged)
    return f"{reached} of {len(judged)} goals reached, at small sizes"
