"""A wrong setting or a server that is down, as a user meets them: one line, an exit code, no traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

COMMAND = [sys.executable, "-c", "from sales_platform.cli import main; main()"]


def sales_platform(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


WRONG = {
    "time_zone": ("BUSINESS_TIME_ZONE", "Mars/Olympus"),
    "lock_time_out": ("LOCK_TIMEOUT_SECONDS", "soon"),
    "port": ("SALES_PLATFORM_UI_PORT", "99999"),
    "first_day": ("PARTITIONS_START", "2025-02-30"),
}


@pytest.mark.parametrize(
    ("variable", "value"), [pytest.param(*case, id=name) for name, case in WRONG.items()]
)
def test_a_wrong_setting_is_named_in_one_line(variable: str, value: str) -> None:
    answer = sales_platform("run", "retail", **{variable: value})
    assert answer.returncode == 2
    (line,) = answer.stderr.splitlines()
    assert line.startswith("error: ")
    assert variable in line
    assert "sales-platform settings" in line


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nobody answers for the length of the test."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_server_that_is_down_is_named_in_one_line_without_the_password(closed_port: int) -> None:
    url = f"postgresql://loader:hunter2@127.0.0.1:{closed_port}/warehouse"
    answer = sales_platform("run", "retail", WAREHOUSE_URL=url)
    assert answer.returncode == 1
    (line,) = answer.stderr.splitlines()
    assert line.startswith("error: ")
    assert str(closed_port) in line
    assert "hunter2" not in answer.stderr + answer.stdout
