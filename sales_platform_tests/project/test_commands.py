"""The commands of the Makefile and of .ci/run, on copies in a scratch folder. Not what they start."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sales_platform_tests.project.compose import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = {"install", "demo", "test", "test-all", "checks", "lint", "format", "bench", "clean"}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what `make install` reads, without an environment."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}
    return subprocess.run(
        ["make", *words], cwd=folder, env=inherited | environment, capture_output=True, text=True, check=False
    )


def interpreter(folder: Path, body: str) -> Path:
    """A program that answers in the place of Python."""
    path = folder / "python-of-the-test"
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_make_alone_lists_every_command_with_its_purpose(clone: Path) -> None:
    listed = dict(re.findall(r"^  make (\S+) +(\S.+)$", make(clone).stdout, flags=re.MULTILINE))

    assert set(listed) >= TARGETS
    assert make(clone, "help").stdout == make(clone).stdout


def test_every_command_is_declared_as_no_file() -> None:
    [phony] = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, flags=re.MULTILINE)

    assert set(phony.split()) == set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, flags=re.MULTILINE))


@pytest.mark.parametrize("command", ["install", "demo", "test"])
def test_a_missing_python_is_one_line_that_says_what_to_install(clone: Path, command: str) -> None:
    done = make(clone, command, "PYTHON=python-that-is-not-there")

    errors = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert done.returncode != 0
    assert [line for line in errors if "install Python 3.11 or newer" in line] == errors
    assert len(errors) == 1


def test_an_old_python_is_one_line_that_says_what_to_install(clone: Path) -> None:
    old = interpreter(clone, "exit 1")

    done = make(clone, "install", f"PYTHON={old}")

    assert done.returncode != 0
    assert "is older than 3.11: install Python 3.11 or newer" in done.stderr


def test_a_python_without_venv_is_one_line_that_says_what_to_install(clone: Path) -> None:
    bare = interpreter(clone, 'case "$2" in *ensurepip*) exit 1;; esac')

    done = make(clone, "install", f"PYTHON={bare}")

    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr
    assert not (clone / ".venv").exists()


def test_an_environment_is_made_once_and_again_when_its_pins_change(clone: Path) -> None:
    installs = clone / "installs"
    shim = interpreter(
        clone, f'if [ "$2" = pip ]; then echo once >> {installs}; else exec {sys.executable} "$@"; fi'
    )
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(shim)
    without_uv = os.pathsep.join(
        part for part in os.environ["PATH"].split(os.pathsep) if not (Path(part) / "uv").exists()
    )

    for _ in range(2):
        assert make(clone, "install", f"PYTHON={sys.executable}", PATH=without_uv).returncode == 0
    assert installs.read_text().count("once") == 1

    with (clone / "constraints.txt").open("a") as pins:
        pins.write("# another set\n")
    assert make(clone, "install", f"PYTHON={sys.executable}", PATH=without_uv).returncode == 0
    assert installs.read_text().count("once") == 2


def test_no_command_needs_a_container_engine_or_node() -> None:
    assert not re.search(r"\b(docker|podman|node|npm|npx)\b", MAKEFILE)


@pytest.mark.parametrize("path", ["Makefile", ".ci/run", ".pre-commit-config.yaml"])
def test_no_command_names_a_host(path: str) -> None:
    assert "://" not in (ROOT / path).read_text(encoding="utf-8")


def test_the_ci_command_is_a_sound_script_that_can_be_run() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_the_ci_command_ends_in_the_tests_and_the_checks_of_a_demo_within_its_limit() -> None:
    last = (ROOT / ".ci" / "run").read_text(encoding="utf-8").strip().splitlines()[-1]

    assert last.startswith("exec timeout ")
    assert last.endswith(" make test checks")
