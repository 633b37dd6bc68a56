"""The server process on one data folder: is it alive, start it, stop it. Nothing about roles or databases."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from sales_platform.errors import ServerUnavailable
from sales_platform.local.account import Account
from sales_platform.local.locks import POLL_SECONDS

LOG_LIMIT = 10_000_000
STOP_SECONDS = 60


def process_id(data: Path) -> int | None:
    """The server on this folder if it lives; a zombie or a stranger with its number does not count."""
    try:
        number = int((data / "postmaster.pid").read_text().split("\n")[0])
    except (FileNotFoundError, ValueError):
        return None
    command = command_line(number)
    return number if str(data) in command and "postgres" in Path(command[0]).name else None


def command_line(number: int) -> list[str]:
    """The arguments of a process; empty for none and for a zombie."""
    listing = Path("/proc") / str(number) / "cmdline"
    if Path("/proc/self/cmdline").exists():
        try:
            return listing.read_text(errors="replace").rstrip("\0").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            return [""]
    question = ["ps", "-o", "args=", "-p", str(number)]
    shown = subprocess.run(question, capture_output=True, text=True, check=False)
    return shown.stdout.split() or [""]


def launch(programs: Path, data: Path, account: Account, wait: float) -> bool:
    """Start the server and wait until it takes connections; false where it did not come up."""
    # The number of a dead server may belong to a zombie or, after a reboot, to a stranger: PostgreSQL would
    # refuse to start. Backends that still live are guarded by the shared memory keyed to this folder.
    (data / "postmaster.pid").unlink(missing_ok=True)
    log_file = data / "server.log"
    if log_file.exists() and log_file.stat().st_size > LOG_LIMIT:
        log_file.replace(data / "server.log.1")
    command: list[str | Path] = [programs / "pg_ctl", "start", "-w", "-t", str(max(1, int(wait)))]
    return account.run([*command, "-D", data, "-l", log_file], capture=False).returncode == 0


def last_words(data: Path) -> str:
    """The end of the server's log, for an error message; it holds no statement and no row (see `cluster`)."""
    log_file = data / "server.log"
    return log_file.read_text(errors="replace")[-600:].strip() if log_file.exists() else ""


def shut_down(data: Path) -> bool:
    """End the server and wait for it; false where none ran. Raises ServerUnavailable if it does not end."""
    number = process_id(data)
    if number is None:
        return False
    # fast: sessions are cut off; immediate: the next start recovers from the log
    for order in (signal.SIGINT, signal.SIGQUIT):
        os.kill(number, order)
        if _ended(data, number):
            return True
    raise ServerUnavailable(f"the server (process {number}) does not stop.", where=str(data))


def _ended(data: Path, number: int) -> bool:
    end = time.monotonic() + STOP_SECONDS
    while time.monotonic() < end:
        if str(data) not in command_line(number):
            return True
        time.sleep(POLL_SECONDS)
    return False
