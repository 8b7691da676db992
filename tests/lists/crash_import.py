"""Import a list and say when it begins; the tests kill this at random moments."""

from __future__ import annotations

import sys

from hashmatch.lists import readers
from hashmatch.lists.catalog import Catalog
from hashmatch.types import Polarity


def main() -> None:
    catalog, source = sys.argv[1:]
    reading = readers.read([source])
    with Catalog.open(catalog) as opened:
        print("begin", flush=True)
        opened.import_list(
            "list",
            reading,
            source_files=[source],
            format=reading.format,
            polarity=Polarity.KNOWN_BAD,
        )
        print("end", flush=True)


if __name__ == "__main__":
    main()
