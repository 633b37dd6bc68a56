"""The services of docker-compose.yml as plain processes on loopback. What they must achieve the tests say."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from sales_platform_tests.project.compose import ROOT, Service

PATIENCE = 120.0


class NotHealthy(AssertionError):
    """A service that ended, or did not become healthy; its last lines are in the message."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def eventually(true: Callable[[], bool], what: str) -> None:
    """Return as soon as `true` holds. Raises NotHealthy when it never does."""
    end = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not true():
        if time.monotonic() > end:
            raise NotHealthy(f"after {PATIENCE:.0f} s still not true: {what}")
        pause.wait(0.2)


class Places:
    """What a container's name, port or path is called on this machine.

    folder: scratch space of the services. database_port: where PostgreSQL listens.
    """

    def __init__(self, folder: Path, database_port: int) -> None:
        self.folder = folder
        self.ui = f"http://127.0.0.1:{(ui_port := free_port())}"
        self._code_port = free_port()
        workspace = folder / "workspace.yaml"
        self._here = {
            "@postgres:5432": f"@127.0.0.1:{database_port}",
            "docker/workspace.yaml": str(workspace),
            "0.0.0.0": "127.0.0.1",
            "4000": str(self._code_port),
            "3000": str(ui_port),
            "8000": str(free_port()),
            "host: code": "host: 127.0.0.1",
        }
        for name in ("dagster", "home", "data"):
            (folder / name).mkdir()
        shutil.copy(ROOT / "sales_platform/local/dagster.yaml", folder / "dagster")
        workspace.write_text(self.translate((ROOT / "docker" / "workspace.yaml").read_text(encoding="utf-8")))

    def translate(self, text: str) -> str:
        for there, here in self._here.items():
            text = text.replace(there, here)
        return text

    def environment(self, declared: Mapping[str, str]) -> dict[str, str]:
        """The image's environment and the service's own, and nothing of this process."""
        image = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "HOME": str(self.folder / "home"),
            "DAGSTER_HOME": str(self.folder / "dagster"),
            "SALES_PLATFORM_HOME": str(self.folder / "home"),
            "SALES_PLATFORM_DATA": str(self.folder / "data"),
        }
        return image | {name: self.translate(value) for name, value in declared.items()}


class Services:
    """Runs services until the block ends."""

    def __init__(self, services: Mapping[str, Service], places: Places) -> None:
        self._services = services
        self._places = places
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Services:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self, name: str) -> None:
        """Begin the very command of the service."""
        words = [self._places.translate(word) for word in self._services[name]["command"]]
        output = self._stack.enter_context(self._log(name).open("wb"))
        process = subprocess.Popen(
            words, cwd=self._places.folder, env=self._environment(name), stdout=output, stderr=output
        )
        self._stack.callback(_end, process)
        self._running[name] = process

    def wait_for(self, name: str, condition: str) -> None:
        """Wait as `depends_on` does. Raises NotHealthy."""
        if condition == "service_completed_successfully":
            if self._running[name].wait(PATIENCE) != 0:
                raise NotHealthy(f"{name} failed: {self._last_words(name)}")
            return
        check = self._services[name]["healthcheck"]["test"]
        assert check[0] == "CMD"
        words = [self._places.translate(word) for word in check[1:]]
        eventually(lambda: self._passes(name, words), f"{name} is healthy")

    def _passes(self, name: str, words: list[str]) -> bool:
        if self._running[name].poll() is not None:
            raise NotHealthy(f"{name} ended: {self._last_words(name)}")
        done = subprocess.run(words, env=self._environment(name), capture_output=True, check=False)
        return done.returncode == 0

    def _environment(self, name: str) -> dict[str, str]:
        return self._places.environment(self._services[name]["environment"])

    def _log(self, name: str) -> Path:
        return self._places.folder / f"{name}.log"

    def _last_words(self, name: str) -> str:
        return self._log(name).read_text(encoding="utf-8", errors="replace")[-2000:]


def _end(process: subprocess.Popen[bytes]) -> None:
    """As a container engine does: asked first, then forced."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
