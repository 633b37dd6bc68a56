"""Children of a supervisor, as real processes: whatever ends the supervisor ends them too."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sales_platform.errors import ServerUnavailable
from sales_platform.local.processes import LOOPBACK, children, free_port, is_listening
from sales_platform.local.tether import groups_left

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
DIE = [sys.executable, "-c", "import sys; sys.exit('no more coffee')"]
WITH_GRANDCHILD = [
    sys.executable,
    "-c",
    "import subprocess, sys\n"
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True)\n"
    "import time; time.sleep(600)",
]


def eventually(condition: Callable[[], bool], wait: float = 20) -> None:
    end = time.monotonic() + wait
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        threading.Event().wait(0.05)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_children_and_what_they_started_end_with_the_block(tmp_path: Path) -> None:
    with children(tmp_path, os.environ) as started:
        child = started.start("parent", WITH_GRANDCHILD)
        eventually(lambda: child.log.read_text().endswith("\n"))
        grandchild = int(child.log.read_text())

    assert child.process.returncode is not None
    assert gone(grandchild)


def test_a_dead_child_is_named_with_its_last_words(tmp_path: Path) -> None:
    with children(tmp_path, os.environ) as started:
        started.start("waiter", SLEEP)
        started.start("barista", DIE)
        with pytest.raises(ServerUnavailable, match=r"barista ended by itself \(exit 1\): no more coffee"):
            started.wait_until(lambda: False, 20, threading.Event())


def test_waiting_ends_when_a_stop_is_asked_for(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with children(tmp_path, os.environ) as started:
        started.start("waiter", SLEEP)
        assert not started.wait_until(lambda: False, 20, stop)


def test_a_child_that_is_never_ready_is_an_error_that_names_its_log(tmp_path: Path) -> None:
    with children(tmp_path, os.environ) as started:
        child = started.start("waiter", SLEEP)
        with pytest.raises(ServerUnavailable, match="waiter is not up") as caught:
            started.wait_until(lambda: False, 0, threading.Event())
    assert caught.value.where == str(child.log)


def test_children_do_not_outlive_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from sales_platform.local.processes import children\n"
        f"with children(Path({str(tmp_path)!r}), os.environ) as started:\n"
        f"    print(started.start('waiter', {SLEEP!r}).process.pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        child = int(supervisor.stdout.readline())
        supervisor.send_signal(signal.SIGKILL)

    eventually(lambda: gone(child))


def test_a_taken_port_gives_the_next_free_one() -> None:
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        holder.listen()
        taken = holder.getsockname()[1]

        assert is_listening(taken)
        assert free_port(taken) > taken


def test_only_groups_that_have_not_ended_are_left_to_the_tether() -> None:
    assert groups_left(["+12\n", "+34\n", "-12\n"]) == {34}
