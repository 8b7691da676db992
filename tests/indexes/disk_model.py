"""What is on disk after a crash, worked out from the system calls of a process.

A recording is made with strace. Replaying the first calls of it gives two states: what the kernel
holds, which is there after the process was killed; and what had been synced, which is all that
is promised to be there after the power failed. In between lie states in which names reached the
disk but data did not, which ``data_lost`` gives.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

TRACED = (
    "openat,open,creat,write,writev,pwrite64,lseek,rename,renameat,renameat2,mkdir,mkdirat,unlink,"
    "unlinkat,rmdir,fsync,fdatasync,ftruncate,truncate,close,dup,dup2,dup3,link,linkat,symlink,"
    "copy_file_range,sendfile,fallocate"
)
_CALL = re.compile(r"^(?:\d+\s+)?(\w+)\((.*)\)\s+= (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass
class File:
    """One file: what was written, and what of it was synced."""

    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""


@dataclass
class Folder:
    """One folder: its names, and those that were synced."""

    names: dict[str, File | Folder] = field(default_factory=dict)
    synced: dict[str, File | Folder] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One traced system call that succeeded."""

    name: str
    texts: tuple[bytes, ...]
    numbers: tuple[str, ...]
    result: int


def record(command: list[str], log: Path) -> list[Call]:
    """Run a command and return its system calls that touch files."""
    subprocess.run(
        ["strace", "-f", "-xx", "-s", "100000000", "-o", log, "-e", f"trace={TRACED}", *command],
        check=True,
        capture_output=True,
    )
    calls = []
    for line in log.read_text().splitlines():
        found = _CALL.match(line)
        if found is None:
            assert "unfinished" not in line, "calls of several threads are mixed up"
            continue
        name, arguments, result = found[1], found[2], int(found[3])
        texts = tuple(bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(arguments))
        numbers = tuple(part.strip() for part in _TEXT.sub("TEXT", arguments).split(","))
        if result >= 0:
            calls.append(Call(name, texts, numbers, result))
    return calls


class Disk:
    """The files below one folder, as calls change them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.top = Folder()
        self._open: dict[int, tuple[File | Folder, int] | None] = {}
        for path in sorted(root.rglob("*")):
            parent = self._folder(path.parent)
            if path.is_dir():
                parent.names[path.name] = Folder()
            else:
                data = path.read_bytes()
                parent.names[path.name] = File(bytearray(data), data)
        self._sync_all(self.top)

    def apply(self, call: Call) -> bool:
        """Apply a call and say whether it changed anything here."""
        changed = False
        paths = [self._within(text) for text in call.texts]
        match call.name:
            case "openat" | "open" | "creat":
                changed = self._opened(call, paths[0])
            case "write" if (opened := self._open.get(int(call.numbers[0]))) is not None:
                file, at = opened
                assert isinstance(file, File)
                data = call.texts[0][: call.result]
                file.data.extend(bytes(max(at - len(file.data), 0)))
                file.data[at : at + len(data)] = data
                self._open[int(call.numbers[0])] = (file, at + len(data))
                changed = True
            case "lseek" if (opened := self._open.get(int(call.numbers[0]))) is not None:
                self._open[int(call.numbers[0])] = (opened[0], call.result)
            case "ftruncate" if (opened := self._open.get(int(call.numbers[0]))) is not None:
                assert isinstance(opened[0], File)
                del opened[0].data[int(call.numbers[1]) :]
                changed = True
            case "fsync" | "fdatasync" if opened := self._open.get(int(call.numbers[0])):
                node = opened[0]
                if isinstance(node, File):
                    node.synced = bytes(node.data)
                else:
                    node.synced = dict(node.names)
                changed = True
            case "close":
                self._open.pop(int(call.numbers[0]), None)
            case "rename" | "renameat" | "renameat2":
                old, new = paths
                assert (old is None) == (new is None)
                if old is not None and new is not None:
                    node = self._folder(old.parent).names.pop(old.name)
                    self._folder(new.parent).names[new.name] = node
                    changed = True
            case "mkdir" | "mkdirat" if paths[0] is not None:
                self._folder(paths[0].parent).names[paths[0].name] = Folder()
                changed = True
            case "unlink" | "rmdir" | "unlinkat":
                changed = self._unlinked(call, paths[0])
            case "dup" | "dup2" | "dup3":
                assert self._open.get(int(call.numbers[0])) is None
            case "write" | "lseek" | "ftruncate" | "fsync" | "fdatasync" | "mkdir" | "mkdirat":
                pass  # of a file elsewhere
            case other:
                raise AssertionError(f"{other} is not modelled")
        return changed

    def half(self, call: Call) -> Call | None:
        """Return the first half of a call that writes here, as a kill in its middle leaves it."""
        if call.name != "write" or call.result < 2 or not self._open.get(int(call.numbers[0])):
            return None
        return Call(call.name, call.texts, call.numbers, call.result // 2)

    def states(self) -> Iterator[tuple[str, dict[str, bytes | None]]]:
        """Give the states a crash may leave now: paths with their content, ``None`` for folders."""
        yield "killed", self.listing()
        yield "synced", self.listing(synced_names=True, data=lambda file: file.synced)
        yield "data lost", self.listing(data=lambda file: file.synced)
        yield "data zero", self.listing(data=_zero_where_unsynced)

    def listing(
        self,
        *,
        synced_names: bool = False,
        data: Callable[[File], bytes] = lambda file: bytes(file.data),
    ) -> dict[str, bytes | None]:
        """Return what a folder would hold."""
        found: dict[str, bytes | None] = {}

        def walk(folder: Folder, prefix: str) -> None:
            for name, node in (folder.synced if synced_names else folder.names).items():
                if isinstance(node, File):
                    found[prefix + name] = data(node)
                else:
                    found[prefix + name] = None
                    walk(node, f"{prefix}{name}/")

        walk(self.top, "")
        return found

    def _opened(self, call: Call, path: Path | None) -> bool:
        self._open[call.result] = None
        if path is None:
            return False
        if path == self.root:
            self._open[call.result] = (self.top, 0)
            return False
        names = self._folder(path.parent).names
        changed = False
        flags = next(part for part in call.numbers if part.startswith("O_"))
        if path.name not in names:
            assert "O_CREAT" in flags, f"{path} is opened but not there"
            names[path.name] = File()
            changed = True
        node = names[path.name]
        if isinstance(node, File) and "O_TRUNC" in flags and node.data:
            node.data.clear()
            changed = True
        self._open[call.result] = (node, 0)
        return changed

    def _unlinked(self, call: Call, path: Path | None) -> bool:
        if call.name == "unlinkat" and call.numbers[0] != "AT_FDCWD":
            opened = self._open.get(int(call.numbers[0]))
            if opened is None:
                return False
            assert isinstance(opened[0], Folder)
            del opened[0].names[call.texts[0].decode()]
            return True
        if path is None:
            return False
        del self._folder(path.parent).names[path.name]
        return True

    def _within(self, text: bytes) -> Path | None:
        path = Path(text.decode("utf-8", "replace"))
        return path if path == self.root or self.root in path.parents else None

    def _folder(self, path: Path) -> Folder:
        folder = self.top
        for part in path.relative_to(self.root).parts:
            inner = folder.names[part]
            assert isinstance(inner, Folder)
            folder = inner
        return folder

    def _sync_all(self, folder: Folder) -> None:
        folder.synced = dict(folder.names)
        for node in folder.names.values():
            if isinstance(node, Folder):
                self._sync_all(node)


def _zero_where_unsynced(file: File) -> bytes:
    kept = file.synced[: len(file.data)]
    return kept + bytes(len(file.data) - len(kept))


def lay_out(state: dict[str, bytes | None], root: Path) -> None:
    """Make a state real in an empty folder."""
    root.mkdir(parents=True)
    for name, data in state.items():
        if data is None:
            (root / name).mkdir()
        else:
            (root / name).write_bytes(data)
