"""The import contracts of pyproject.toml, each seen to catch what it forbids. `make lint` holds them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sales_platform_tests.project.compose import ROOT


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package and of the contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(ROOT / "sales_platform", tmp_path / "sales_platform", ignore=ignored))


def broken_contracts(package: Path) -> str:
    """What import-linter says of a copy; empty when it has no complaint."""
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=package.parent,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(package.parent), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout if done.returncode else ""


@pytest.mark.parametrize(
    ("module", "statement", "reason"),
    [
        ("engine", "import dagster", "know no orchestrator"),
        ("contracts", "import psycopg", "does no input or output"),
        ("local", "from sales_platform import engine", "Local mode uses only settings, errors and logs"),
        ("engine", "from sales_platform import local", "take a server as given"),
        ("sources", "from sales_platform import components", "flow one way"),
        ("cli", "from sales_platform import engine", "only calls operations"),
        ("settings", "from sales_platform import logs", "flow one way"),
    ],
)
def test_a_forbidden_import_is_reported_with_the_reason(
    package: Path, module: str, statement: str, reason: str
) -> None:
    file = package / module / "__init__.py"
    with (file if file.exists() else package / f"{module}.py").open("a", encoding="utf-8") as source:
        source.write(f"\n{statement}\n")

    assert any(reason in line and line.endswith("BROKEN") for line in broken_contracts(package).splitlines())


def test_a_new_part_of_the_package_must_be_given_its_place(package: Path) -> None:
    (package / "newcomer").mkdir()
    (package / "newcomer" / "__init__.py").touch()

    assert "newcomer" in broken_contracts(package)


@pytest.mark.parametrize("planned", ["backup", "metrics", "serving"])
def test_a_planned_part_has_its_place_already(package: Path, planned: str) -> None:
    (package / planned).mkdir(exist_ok=True)
    (package / planned / "__init__.py").touch()

    assert broken_contracts(package) == ""
