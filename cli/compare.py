"""``hashmatch compare``: how far apart two files or two hash values are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from hashmatch import api, hash_types
from hashmatch.cli.options import hash_types_option, json_option
from hashmatch.cli.output import print_json
from hashmatch.types import HashValue


@click.command("compare")
@click.argument("a")
@click.argument("b")
@hash_types_option("Hash types to compare by")
@json_option
def compare_command(a: str, b: str, types: tuple[str, ...], as_json: bool) -> None:
    """Print the distance between two files, two hash values, or one of each.

    A and B are paths, or hash values in hexadecimal. The distance is the number of differing
    bits; within the threshold two pictures count as the same.

    \b
    Examples:
      hashmatch compare original.png shared.jpg
      hashmatch compare --type pdq,phash a.jpg b.jpg --json
    """
    left, right = _values(a, types), _values(b, types)
    rows = [_Comparison.of(left[name], right[name]) for name in types]
    if as_json:
        print_json([asdict(row) | {"same": row.same} for row in rows])
        return
    for row in rows:
        answer = "same" if row.same else "different"
        if row.too_little_detail:
            answer = "too little detail to say"
        click.echo(
            f"{row.hash_type}  {row.distance} of {row.bits} bits "
            f"(threshold {row.max_distance})  {answer}"
        )


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Two values of one hash type side by side."""

    hash_type: str
    distance: int
    bits: int
    max_distance: int
    min_quality: int
    qualities: tuple[int, ...]

    @classmethod
    def of(cls, left: HashValue, right: HashValue) -> _Comparison:
        known = hash_types.get(left.hash_type)
        return cls(
            known.name,
            api.distance(known.name, left.bytes, right.bytes),
            known.bits,
            known.max_distance,
            known.min_quality,
            tuple(v.quality for v in (left, right) if v.quality is not None),
        )

    @property
    def too_little_detail(self) -> bool:
        return any(quality < self.min_quality for quality in self.qualities)

    @property
    def same(self) -> bool:
        return self.distance <= self.max_distance and not self.too_little_detail


def _values(text: str, types: Sequence[str]) -> Mapping[str, HashValue]:
    """Take the argument as a file if there is one of that name, else as a hash value."""
    if Path(text).exists():
        return api.hash_file(text, types)
    if len(types) > 1:
        raise click.UsageError(f"{text}: no such file, and a value has one type, not several")
    known = hash_types.get(types[0])
    if len(text) == 2 * known.size or all(c in "0123456789abcdefABCDEF" for c in text):
        return {known.name: HashValue(known.name, known.parse(text))}
    raise click.UsageError(f"{text}: no such file, and not a {known.name} value in hexadecimal")
