"""``hashmatch list import``, and what other list commands share of reading files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from hashmatch import hash_types
from hashmatch.cli.index import build, tell_built
from hashmatch.cli.options import (
    from_stdin,
    hash_type_option,
    json_option,
    pass_home,
    polarity_option,
)
from hashmatch.cli.output import counted, print_json, progress_bar, say
from hashmatch.home import Home
from hashmatch.lists import readers
from hashmatch.lists.catalog import Catalog, ImportReport, ListInfo, Mode
from hashmatch.lists.categories import Scheme
from hashmatch.lists.readers.columns import ColumnMap
from hashmatch.lists.readers.reading import Reading
from hashmatch.types import Polarity

_READING = (
    click.option(
        "--format",
        "list_format",
        type=click.Choice(sorted(readers.formats())),
        help="Format of the files; by default recognised by content.",
    ),
    hash_type_option(
        "--type",
        words="Hash type of the values, where the file does not say (64 digits are PDQ or "
        "SHA-256).",
    ),
    click.option("--scheme", help="The scheme the list's category codes belong to."),
    click.option(
        "--map",
        "mapped",
        multiple=True,
        metavar="COLUMN=FIELD",
        help="What a table's column holds: a hash type, id, category, quality, meta:NAME, ignore.",
    ),
    click.option(
        "--map-file",
        type=click.Path(dir_okay=False),
        help="JSON or TOML file with a column map (columns, delimiter, header, values, fixed).",
    ),
    click.option("--delimiter", help="The character between a table's cells."),
)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say how to read files."""
    for option in reversed(_READING):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Said:
    """What was said about how to read files."""

    list_format: str | None
    hash_type: str | None
    scheme: str | None
    mapped: tuple[str, ...]
    map_file: str | None
    delimiter: str | None

    def read(self, files: Sequence[str]) -> Reading:
        """Open the files as one list."""
        columns = self._columns()
        return readers.read(
            files,
            self.list_format,
            self.hash_type,
            self.scheme,
            {"columns": columns} if columns else None,
        )

    def _columns(self) -> ColumnMap | None:
        if not (self.mapped or self.map_file or self.delimiter):
            return None
        columns = ColumnMap.load(self.map_file) if self.map_file else ColumnMap()
        said = {}
        for text in self.mapped:
            column, found, field = text.rpartition("=")
            if not found or not column:
                raise click.UsageError("--map takes COLUMN=FIELD, for example --map checksum=md5")
            said[column] = field
        return replace(
            columns,
            columns={**columns.columns, **said},
            delimiter=self.delimiter or columns.delimiter,
        )


@click.command("import")
@click.argument("name")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@polarity_option("What being on the list means; must be said when a list is first imported.")
@click.option(
    "--mode",
    type=click.Choice([Mode.FULL.value, Mode.DELTA.value]),
    default=Mode.FULL.value,
    show_default=True,
    help="full: the files are the whole list; delta: they are changes, the rest stays.",
)
@reading_options
@click.option(
    "--scheme-map",
    type=click.Path(dir_okay=False),
    help="JSON or TOML file with a scheme's name and the labels of its codes.",
)
@click.option(
    "--hold-category",
    "held_categories",
    multiple=True,
    metavar="CODE",
    help="Keep entries of this category but do not match them; 'none' holds no category any more.",
)
@click.option(
    "--max-distance",
    multiple=True,
    metavar="[[CODE:]TYPE=]BITS",
    help="Largest distance of a match; of --type's values if no TYPE, of one category if CODE.",
)
@click.option(
    "--min-quality",
    multiple=True,
    metavar="[[CODE:]TYPE=]0..100",
    help="Smallest quality of a match, said in the same way.",
)
@click.option("--dry-run", is_flag=True, help="Tell what would happen and change nothing.")
@click.option(
    "--build", "build_too", is_flag=True, help='Then compile, as "hashmatch index build" does.'
)
@json_option
@pass_home
def import_command(
    home: Home,
    /,
    name: str,
    files: tuple[str, ...],
    polarity: str | None,
    mode: str,
    scheme_map: str | None,
    held_categories: tuple[str, ...],
    max_distance: tuple[str, ...],
    min_quality: tuple[str, ...],
    dry_run: bool,
    build_too: bool,
    as_json: bool,
    **said: Any,
) -> None:
    """Import FILEs as a new version of the list NAME; "-" takes their names from standard input.

    All files together make one version, in one transaction: an import that fails or is
    interrupted leaves the catalog as it was. Rows that cannot be used are counted and reported
    with file, line and reason. Run "hashmatch index build" afterwards, or say --build.

    \b
    Examples:
      hashmatch list import hotline hashes.txt --polarity known-bad --type pdq
      hashmatch list import national part1.json part2.json --polarity known-bad --scheme us
      hashmatch list import system-files nsrl.db --polarity known-good
    """
    home.ensure()
    sources = list(from_stdin(files))
    labels = Scheme.load(scheme_map) if scheme_map else None
    how = Said(**said)
    scheme = how.scheme or (labels.name if labels else None)
    with Catalog.open(home.catalog) as catalog, progress_bar() as bar:
        known = next((info for info in catalog.lists() if info.name == name), None)
        chosen = _polarity(name, known, polarity)
        thresholds, category_thresholds = parse_thresholds(
            how.hash_type, max_distance, min_quality, known
        )
        reading = how.read(sources)
        task = bar.add_task("importing", total=None)
        report = catalog.import_list(
            name,
            reading,
            source_files=sources,
            format=reading.format,
            polarity=chosen,
            scheme=scheme,
            labels=labels.labels if labels else None,
            thresholds=thresholds,
            category_thresholds=category_thresholds,
            held_categories=_held(held_categories),
            mode=Mode(mode),
            dry_run=dry_run,
            progress=lambda done: bar.update(task, completed=done),
        )
    if not as_json:
        tell_report(name, report)
    built = build(home) if build_too and not dry_run else None
    if as_json:
        print_json(report.to_json() | ({"built": built.to_json()} if built else {}))
    elif built:
        tell_built(built)


def tell_report(name: str, report: ImportReport) -> None:
    """Tell a person what an import did or would do."""
    would = " (dry run, nothing is changed)" if report.dry_run else ""
    say(
        f"{name} version {report.version}{would}: {report.added:,} added, "
        f"{report.changed:,} changed, {report.removed:,} removed, "
        f"{report.unchanged:,} unchanged; {counted(report.values)}"
    )
    for warning in report.warnings:
        say(f"warning: {warning}")
    if report.left_out:
        say(f"left out: {counted(report.left_out)}")
    if report.problem_count:
        say(f"{report.problem_count:,} row(s) could not be used:")
        for problem in report.problems:
            say(f"  {problem}")
        if report.problem_count > len(report.problems):
            say(f"  ... and {report.problem_count - len(report.problems):,} more")


def _polarity(name: str, known: ListInfo | None, said: str | None) -> Polarity:
    """Take the polarity said, or that of the list being replaced; never guess one."""
    if said is not None:
        return Polarity(said)
    if known is not None:
        return known.polarity
    raise click.UsageError(
        f"say what being on {name} means: --polarity known-bad or --polarity known-good"
    )


def _held(said: tuple[str, ...]) -> list[str] | None:
    if not said:
        return None
    return [code for code in said if code != "none"]


Thresholds = dict[str, tuple[int, int]]


def parse_thresholds(
    hash_type: str | None,
    distances: tuple[str, ...],
    qualities: tuple[str, ...],
    known: ListInfo | None = None,
) -> tuple[Thresholds, dict[str, Thresholds]]:
    """Return the thresholds said, for all entries and by category.

    Where only the distance or only the quality is said, the other stays what it is: the category's
    own, else the list's, else the hash type's default.
    """
    listed, special = (known.thresholds, known.category_thresholds) if known else ({}, {})
    whole: Thresholds = {}
    categories: dict[str, Thresholds] = {}
    for option, said in (("--max-distance", distances), ("--min-quality", qualities)):
        for text in said:
            code, name, number = _parts(option, text, hash_type)
            before = {**_default(name), **listed, **whole}
            if code is not None:
                before |= {**special.get(code, {}), **categories.get(code, {})}
            distance, quality = before[name]
            found = whole if code is None else categories.setdefault(code, {})
            found[name] = (number, quality) if option == "--max-distance" else (distance, number)
    return whole, categories


def _default(name: str) -> Thresholds:
    known = hash_types.get(name)
    return {name: (known.max_distance, known.min_quality)}


def _parts(option: str, text: str, hash_type: str | None) -> tuple[str | None, str, int]:
    """Take ``CODE:TYPE=NUMBER`` apart."""
    place, _, number = text.rpartition("=")
    code, found, name = place.rpartition(":")
    name = name or hash_type or ""
    if name not in hash_types.names():
        raise click.UsageError(f"say the hash type of {option}, for example {option} pdq={number}")
    if not number.isascii() or not number.isdigit():
        raise click.UsageError(f"{option} takes a whole number, for example {option} {name}=24")
    return (code if found else None), name, int(number)
