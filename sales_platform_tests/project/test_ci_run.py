"""What .ci/run installs and calls, with recording programs in the place of apt-get, npm and make."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sales_platform_tests.project.compose import ROOT

AZURITE = "npm ci --silent --no-progress"
REAL_TOOLS = ("bash", "dirname", "env", "timeout")


class Machine:
    """A machine with the programs of one folder; `calls` is what apt-get, npm and make were asked for."""

    def __init__(self, folder: Path) -> None:
        self._programs = folder / "bin"
        self._record = folder / "calls"
        self._programs.mkdir()
        self._record.touch()
        for name in REAL_TOOLS:
            real = shutil.which(name)
            assert real
            (self._programs / name).symlink_to(real)
        for name in ("python3", "node", "chromium"):
            self.has(name)
        self.has("npm", f'echo "npm $*" >> {self._record}')
        self.has("make", f'echo "make $*" >> {self._record}')
        self.has("apt-get", f'echo "apt-get $*" >> {self._record}')
        self.has("id", "echo 0")

    def has(self, name: str, body: str = "exit 0") -> None:
        program = self._programs / name
        program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        program.chmod(0o755)

    def lacks(self, name: str) -> None:
        (self._programs / name).unlink()

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / ".ci" / "run"],
            env={"PATH": str(self._programs)},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        return self._record.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that has everything, run by root."""
    return Machine(tmp_path)


def test_a_machine_that_has_everything_gets_azurite_and_is_left_as_it_is(machine: Machine) -> None:
    done = machine.run()

    assert done.returncode == 0
    assert machine.calls == [AZURITE, "make test checks"]


def test_chromium_and_node_are_installed_where_they_are_missing(machine: Machine) -> None:
    machine.lacks("chromium")
    machine.lacks("node")

    machine.run()

    assert [call.split()[1] for call in machine.calls] == ["update", "install", "install", "test"]
    assert [call.split()[-1] for call in machine.calls] == ["-qq", "chromium", "nodejs", "checks"]


def test_without_the_right_to_install_the_tests_still_run_and_it_is_said(machine: Machine) -> None:
    machine.has("id", "echo 1000")
    machine.lacks("chromium")

    done = machine.run()

    assert "chromium is missing" in done.stdout
    assert done.returncode == 0
    assert machine.calls == [AZURITE, "make test checks"]


def test_a_package_that_cannot_be_had_does_not_stop_the_tests(machine: Machine) -> None:
    machine.has("apt-get", "exit 100")
    machine.lacks("node")

    done = machine.run()

    assert "node is missing" in done.stdout
    assert machine.calls == ["make test checks"]


def test_an_azurite_that_cannot_be_had_does_not_stop_the_tests(machine: Machine) -> None:
    machine.has("npm", "exit 1")

    done = machine.run()

    assert "npm cannot install Azurite" in done.stdout
    assert machine.calls == ["make test checks"]


def test_a_python_without_venv_that_cannot_be_mended_is_one_clear_line(machine: Machine) -> None:
    machine.has("python3", "exit 1")
    machine.lacks("apt-get")

    done = machine.run()

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "install python3-venv" in done.stderr
    assert machine.calls == []


def test_failing_tests_fail_the_ci_command(machine: Machine) -> None:
    machine.has("make", "exit 2")

    assert machine.run().returncode == 2
