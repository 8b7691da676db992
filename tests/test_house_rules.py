"""The import rules of docs/architecture.md, enforced on the parsed imports of every module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# room -> the rooms it may import; a room may always import itself
FOUNDATION = {"errors", "types", "hash_types", "home", "on_use", "version"}
MIDDLE = {"media", "hashing", "indexes", "lists"}
RULES: dict[str, set[str]] = {
    "errors": {"types"},
    "types": set(),
    "hash_types": {"errors"},
    "home": {"errors"},
    "on_use": set(),
    "version": set(),
    "_ext": set(),
    "reference": FOUNDATION,
    "kernels": FOUNDATION | {"_ext", "reference"},
    **{room: FOUNDATION | {"kernels"} for room in MIDDLE},
    "sandbox": FOUNDATION,
    "api": FOUNDATION | {"media", "hashing"},
    "publish": FOUNDATION | {"lists", "indexes"},
    "curate": FOUNDATION | {"lists", "indexes", "publish"},
    "matching": FOUNDATION | MIDDLE - {"lists"} | {"api", "kernels", "sandbox"},
    "scan": FOUNDATION | {"matching", "media", "api", "lists", "sandbox"},
    "service": FOUNDATION | {"api", "curate", "hashing", "matching", "media"},
    "cli": FOUNDATION
    | MIDDLE
    | {"kernels", "api", "publish", "curate", "sandbox", "matching", "scan", "service"},
    # the front door names what the rooms offer; it loads none of them until asked
    "__init__": FOUNDATION | {"api", "hashing", "matching", "media", "publish", "service"},
    "__main__": {"cli"},
}
THIRD_PARTY_DOORS = {
    "faiss": ("indexes/faiss_",),
    "PIL": ("hashmatch/media/", "hashmatch/hashing/imagehash_"),
    "pillow_heif": ("hashmatch/media/",),
    "imagehash": ("hashmatch/hashing/imagehash_",),
    "click": ("cli/",),
    "rich": ("cli/",),
    "fastapi": ("hashmatch/service/",),
    "starlette": ("hashmatch/service/",),
    "uvicorn": ("hashmatch/service/",),
    "python_multipart": ("hashmatch/service/parts",),
    "prometheus_client": ("hashmatch/service/http/",),
    "opentelemetry": ("hashmatch/service/http/",),
    "orjson": ("hashmatch/service/http/",),
    "django": ("hashmatch/service/django",),
    "sqlite3": ("hashmatch/lists/",),
    "pickle": (),
}


def modules() -> list[Path]:
    return sorted(p for top in ("hashmatch", "cli", "indexes") for p in (ROOT / top).rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "hashmatch" else parts[0]


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module is not None
            if node.module == "hashmatch":
                yield from ((node.lineno, f"hashmatch.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, node.module


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_rooms_import_only_what_they_may(path: Path) -> None:
    room = room_of(path)
    assert room in RULES, f"{path}: a new room needs a rule here and a line in docs/architecture.md"
    for line, name in imports_of(path):
        if not name.startswith("hashmatch."):
            continue
        other = name.split(".")[1]
        if other in RULES:
            assert other == room or other in RULES[room], f"{path}:{line}: {room} imports {name}"
            if (room, other) == ("scan", "lists"):
                assert name.startswith("hashmatch.lists.writers"), f"{path}:{line}: {name}"
        else:  # a public name of the front door, e.g. ``from hashmatch import Matcher``
            assert other.startswith("__"), f"{path}:{line}: import {name} from its own module"


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_third_party_packages_enter_by_their_door(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for line, name in imports_of(path):
        doors = THIRD_PARTY_DOORS.get(name.split(".")[0])
        if doors is not None:
            assert place.startswith(doors), f"{path}:{line}: {name} may not be imported here"


def test_a_broken_rule_is_seen(tmp_path: Path) -> None:
    """The parser itself: every way of writing an import is reported."""
    sample = tmp_path / "sample.py"
    sample.write_text(
        "import faiss\nfrom hashmatch import scan\nfrom hashmatch.lists import catalog\n"
        "def late():\n    import hashmatch.service\n"
    )
    assert [name for _, name in imports_of(sample)] == [
        "faiss",
        "hashmatch.scan",
        "hashmatch.lists",
        "hashmatch.service",
    ]
