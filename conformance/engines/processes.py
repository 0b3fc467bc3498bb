"""Processes of the engines' own: each with a home that is removed at the end, and ended with all that it started.

Knows nothing of browsers. A process gets a session of its own, and the signals at its end go to that alone.
"""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from .names import LOOPBACK

PATIENCE = 30.0  # seconds for an engine to start, to load a page, to run a script

# Waits for the end of its input, which is this process's end however that came, and then does what nobody else will.
WATCH = 'read -r _; kill -KILL "-$1"; sleep 1; rm -rf -- "$2"'


@contextmanager
def home() -> Iterator[Path]:
    """Yield an empty directory for one engine, and remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="crossorigin-engine-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@contextmanager
def process(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str] | None = None,
    *,
    pass_fds: Sequence[int] = (),
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run *command* until the end of the block, with *directory* for its home, its cache and its temporary files."""
    places = dict.fromkeys(
        ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"), str(directory)
    )
    with (directory / "log").open("ab") as log:
        running = subprocess.Popen(
            command,
            env={**os.environ, **places, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=pass_fds,
        )
    with running, _watched(running, directory):
        try:
            yield running
        finally:
            _end(running)


def wait_until(ready: Callable[[], bool], running: "subprocess.Popen[bytes]", directory: Path) -> None:
    """Wait until *ready* says so.

    Raises:
        RuntimeError: If the process ends before, or takes too long. The error has the last of what it printed.
    """
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > deadline or running.poll() is not None:
            said = (directory / "log").read_text(encoding="utf-8", errors="replace")[-2000:]
            what = "kept silent" if running.poll() is None else f"ended with status {running.returncode}"
            raise RuntimeError(f"{running.args!r} {what} when it should have started. It printed: {said}")
        with suppress(subprocess.TimeoutExpired):
            running.wait(0.02)


def free_port() -> int:
    """Return a port of loopback that nothing listens on: for programs that must be told one."""
    with socket.socket() as finder:
        finder.bind((LOOPBACK, 0))
        port: int = finder.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Return whether something listens on *port* of loopback."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


@contextmanager
def _watched(running: "subprocess.Popen[bytes]", directory: Path) -> Iterator[None]:
    """Have *running* ended and *directory* removed also if this process is killed within the block."""
    command = ["sh", "-c", WATCH, "watch", str(running.pid), str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as watching:
        try:
            yield
        finally:
            watching.kill()


def _end(running: "subprocess.Popen[bytes]") -> None:
    _signal([running.pid, *_session(running.pid)], signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        running.wait(PATIENCE / 6)
    _signal([*([] if running.poll() is not None else [running.pid]), *_session(running.pid)], signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE / 6
    while _session(running.pid) and time.monotonic() < deadline:
        time.sleep(0.01)  # orphans cannot be waited for


def _signal(processes: list[int], number: signal.Signals) -> None:
    for one in processes:
        with suppress(ProcessLookupError):
            os.kill(one, number)


def _session(leader: int) -> list[int]:
    """Return the other processes of the session of *leader*: a driver may put its browser into a group of its own."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(directory.name) != leader and os.getsid(int(directory.name)) == leader:
                found.append(int(directory.name))
    return found
