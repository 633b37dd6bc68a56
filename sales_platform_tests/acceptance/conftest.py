"""The command as a user runs it: an own process, an own home, nothing of this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sales_platform.local.processes import free_port
from sales_platform.local.server import EmbeddedServer

PROGRAM = str(Path(sys.executable).with_name("sales-platform"))


@dataclass(frozen=True)
class Command:
    """`sales-platform` with its own home below a temporary folder. settings: further variables."""

    home: Path
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        own = {"SALES_PLATFORM_HOME": str(self.home), "NO_COLOR": "1", "COLUMNS": "100"}
        # several commands of other tests may serve at the same time
        return {**os.environ, **own, "SALES_PLATFORM_PORT": str(free_port()), **self.settings}

    def __call__(self, *arguments: str, code: int = 0, wait: float = 240) -> str:
        """Standard output of one command, which ends with `code` within `wait` seconds."""
        done = subprocess.run(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=wait,
            check=False,
        )
        assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    home = tmp_path / "home"
    yield Command(home, tmp_path)
    # where the home lies is closed to the server's account, its data lie elsewhere
    EmbeddedServer(home).remove_if_unused()
