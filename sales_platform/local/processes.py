"""Child processes that live no moment longer than their supervisor. What they run is not known here.

Each child leads its own process group, so that Ctrl-C reaches the supervisor alone and the group,
grandchildren included, is ended as one. A tether ends the groups when the supervisor itself is killed.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from sales_platform.errors import ServerUnavailable
from sales_platform.local.tether import end_group, has_members

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.1
GRACE_SECONDS = 15.0


@dataclass(frozen=True)
class Child:
    """A running child. log: where its output goes, standard error included."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self) -> str:
        """The last line of its output, for the message when it died."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


class Children:
    """The children of one supervisor."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = dict(environment)
        self._children: list[Child] = []
        self._tether = _start_tether()

    def start(self, name: str, command: Sequence[str]) -> Child:
        """Start a program of this process's Python. Secrets belong into the environment, never here."""
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._tell(f"+{process.pid}")
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def refuse_dead(self) -> None:
        """Raise ServerUnavailable that names the first child that has ended."""
        for child in self._children:
            code = child.process.poll()
            if code is not None:
                raise ServerUnavailable(
                    f"{child.name} ended by itself (exit {code}): {child.last_words()}",
                    where=str(child.log),
                    remedy="That log has more; the other processes were ended too.",
                )

    def wait_until(self, ready: Callable[[], bool], wait: float, stop: threading.Event) -> bool:
        """Whether `ready` came true before `stop`. Raises ServerUnavailable when late or a child dies."""
        end = time.monotonic() + wait
        while not stop.is_set():
            if ready():
                return True
            self.refuse_dead()
            if time.monotonic() > end:
                child = self._children[-1]
                raise ServerUnavailable(f"{child.name} is not up after {wait:.0f} s.", where=str(child.log))
            stop.wait(POLL_SECONDS)
        return False

    def end(self) -> None:
        """End all of them, the last one first; those that do not listen are killed."""
        running = list(reversed(self._children))
        for child in running:
            end_group(child.process.pid, signal.SIGTERM)
        end = time.monotonic() + GRACE_SECONDS
        for child in running:
            self._reap(child, max(0.0, end - time.monotonic()))
        self._children.clear()
        self._release_tether()

    def _reap(self, child: Child, wait: float) -> None:
        try:
            child.process.wait(wait)
        except subprocess.TimeoutExpired:
            end_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
        # what the child itself started, such as the worker of a run, has the rest of the time
        end = time.monotonic() + wait
        while has_members(child.process.pid) and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
        end_group(child.process.pid, signal.SIGKILL)
        self._tell(f"-{child.process.pid}")

    def _tell(self, line: str) -> None:
        pipe = self._pipe
        pipe.write(f"{line}\n".encode())
        pipe.flush()

    def _release_tether(self) -> None:
        self._pipe.close()
        self._tether.wait()

    @property
    def _pipe(self) -> IO[bytes]:
        assert self._tether.stdin is not None
        return self._tether.stdin


@contextmanager
def children(logs: Path, environment: Mapping[str, str]) -> Iterator[Children]:
    """Children for the length of the block; when it ends, however it ends, none of them is left."""
    started = Children(logs, environment)
    try:
        yield started
    finally:
        started.end()


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that SIGINT, SIGTERM and SIGHUP set inside the block, in place of ending the process."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in caught}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_listening(port: int) -> bool:
    """Whether something on loopback takes connections at the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_port(wanted: int = 0) -> int:
    """The wanted port of loopback, or the next one above that is free; 0 takes any."""
    for port in range(wanted, 65536) if wanted else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerUnavailable(f"no port from {wanted} on is free.", remedy="End a program that holds one.")


def _start_tether() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "sales_platform.local.tether"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=dict(os.environ),
    )
