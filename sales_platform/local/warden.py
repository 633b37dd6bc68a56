"""The process that stops the embedded server after its last user, because a killed user cannot do so itself.

It holds no port and no connection, sleeps on a lock, and ends with the server.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from sales_platform.local.locks import open_lock, try_exclusive
from sales_platform.local.state import State


def post(state: State) -> None:
    """Start the warden of a home unless one is there. It inherits the lock that says so: never two."""
    descriptor = open_lock(state.warden_lock)
    try:
        if try_exclusive(descriptor):
            _launch(state, descriptor)
    finally:
        os.close(descriptor)


def _launch(state: State, descriptor: int) -> None:
    command = [sys.executable, "-m", "sales_platform.local.warden", str(state.home), str(descriptor)]
    with (state.folder / "warden.log").open("w") as report:
        # the shell ends at once, so the warden is nobody's child: no zombie in a process that lives on
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=report,
            stderr=report,
            pass_fds=[descriptor],
            start_new_session=True,
            check=True,
        )


def watch(home: Path, descriptor: int) -> None:
    """Wait until nobody uses the server, stop it, end. A server that is kept is left to `down`."""
    from sales_platform.local.server import EmbeddedServer  # the server posts the warden

    server = EmbeddedServer(home)
    while True:
        wake = open_lock(State(home).wake_lock)
        fcntl.flock(wake, fcntl.LOCK_EX)
        os.close(wake)
        with server.unused() as unused:
            if unused:
                if not server.kept:
                    server.stop_locked()
                # given up before the next user can look for a warden
                os.close(descriptor)
                return


if __name__ == "__main__":
    # a home that was deleted needs no warden
    with suppress(FileNotFoundError):
        watch(Path(sys.argv[1]), int(sys.argv[2]))
