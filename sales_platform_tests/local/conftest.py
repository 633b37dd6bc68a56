"""Homes for tests that start and kill servers of their own, and programs that run beside the test."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sales_platform.local.account import Account
from sales_platform.local.server import EmbeddedServer

PROJECT = Path(__file__).resolve().parents[2]
QUICK = {"fsync": "off", "shared_buffers": "16MB"}
DEADLINE_SECONDS = 30

as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root has an account to drop and folders to close"
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home that nothing was started in; its server and data are removed afterwards."""
    folder = tmp_path / "home"
    yield folder
    assert EmbeddedServer(folder).remove_if_unused()


@pytest.fixture
def server(home: Path) -> EmbeddedServer:
    """A server of its own, not started."""
    return EmbeddedServer(home, **QUICK)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="sales-platform-open-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def nobody() -> int:
    """The uid of an account without rights that can run this code."""
    uid = pwd.getpwnam("nobody").pw_uid
    try:
        probe = program("import sales_platform.local.server", uid=uid)
    except PermissionError:
        pytest.skip("the account nobody can reach no Python of this version")
    probe.communicate()
    if probe.returncode != 0:
        pytest.skip("the account nobody cannot read this checkout or its packages")
    return uid


def interpreter(uid: int | None) -> list[str]:
    """This Python, or for another account the system's, where this one lies in somebody's closed folder."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    system = Path(f"/usr/bin/python{version}")
    folder = Path(sys.executable).resolve().parent
    if uid is None or not system.exists() or Account(uid, uid).reaches(folder):
        return [sys.executable]
    packages = os.pathsep.join([str(PROJECT), sysconfig.get_path("purelib")])
    return ["/usr/bin/env", f"PYTHONPATH={packages}", str(system)]


def program(code: str, *arguments: object, uid: int | None = None) -> subprocess.Popen[str]:
    """Run Python code beside the test, as another account if asked; its output is piped."""
    return subprocess.Popen(
        [*interpreter(uid), "-c", code, *(str(argument) for argument in arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
        cwd="/" if uid is not None else None,
    )


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something that another process does comes true before the deadline."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def postmaster_id(server: EmbeddedServer) -> int:
    """The number of the server's process."""
    return int((server.data / "postmaster.pid").read_text().split("\n")[0])
