"""What hostile code would try, run inside a worker: imported there by name."""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from hashmatch.sandbox import Job

LIBC = ctypes.CDLL(None, use_errno=True)
_state: dict[str, str] = {}
_PTRACE = 101 if os.uname().machine == "x86_64" else 117


def prepare(preparation: str) -> None:
    _state["mark"] = preparation


def _syscall(*arguments: object) -> None:
    if LIBC.syscall(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _open() -> None:
    Path("/etc/passwd").read_bytes()


def _create() -> None:
    Path("/tmp/hashmatch-escaped").write_text("out")


def _chmod() -> None:
    Path("/tmp").chmod(0o777)


def _connect() -> None:
    with socket.socket() as channel:
        channel.connect(("127.0.0.1", 9))


def _unix_socket() -> None:
    socket.socketpair()


def _execute() -> None:
    subprocess.run(["/bin/true"], check=True)


def _exec_raw() -> None:
    os.execv("/bin/true", ["true"])


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _ptrace() -> None:
    _syscall(_PTRACE, 0, 0, 0, 0)


def _kill_parent() -> None:
    os.kill(os.getppid(), 0)


def _read_parent() -> None:
    Path(f"/proc/{os.getppid()}/mem").open("rb").close()


def _allocate() -> None:
    bytearray(4 << 30)


def _map() -> None:
    mmap.mmap(-1, 4 << 30)


def _executable_memory() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def _raise_limits() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


def _many_descriptors() -> None:
    for _ in range(1000):
        os.dup(0)


def _memory_file() -> None:
    os.memfd_create("hidden")


def _dump_core() -> None:
    os.abort()


PAYLOADS: dict[str, Callable[[], None]] = {
    name.strip("_"): value
    for name, value in list(globals().items())
    if callable(value) and name.startswith("_") and getattr(value, "__module__", "") == __name__
    if name not in ("_syscall",)
}


def run(job: Job) -> bytes | Iterator[bytes]:
    """Do what the request names. ``b"escaped"`` is what no containment payload may return."""
    what = job.request.decode()
    if what == "read":
        return os.read(job.descriptor, 1 << 20)
    if what == "write":
        return str(os.write(job.descriptor, b"overwritten")).encode()
    if what == "prepared":
        return _state["mark"].encode()
    if what == "pid":
        return str(os.getpid()).encode()
    if what == "ask":
        return b"told " + job.ask(b"question")
    if what.startswith("sleep "):
        time.sleep(float(what.split()[1]))
        return what.encode()
    if what == "spin":
        while True:
            pass
    if what == "raise":
        raise ValueError("the message may quote the input")
    if what == "noise":
        sys.stderr.write("noise")
        os.write(2, b"noise")
        return b"quiet"
    if what == "thread":
        done: list[bytes] = []
        thread = threading.Thread(target=done.append, args=(b"threaded",))
        thread.start()
        thread.join()
        return done[0]
    if what.startswith("parts "):
        return _parts(int(what.split()[1]), -1)
    if what.startswith("parts-die "):
        count, dies = map(int, what.split()[1:])
        return _parts(count, dies)
    PAYLOADS[what]()
    return b"escaped"


def babble(job: Job) -> bytes:
    """Write something to every descriptor that is open, the pool's socket among them."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"\xff" * 64)
        except OSError:
            continue
    return b"babbled"


def broken(_: str) -> None:
    raise RuntimeError("cannot prepare")


def _parts(count: int, dies: int) -> Generator[bytes, None, bytes]:
    for number in range(count):
        if number == dies:
            os.kill(os.getpid(), 11)
        yield str(number).encode()
    return b"end"
