"""`dg` on this project as a user calls it: no database, no variable set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DG = Path(sys.executable).with_name("dg")


@pytest.fixture
def quiet_home(tmp_path: Path) -> dict[str, str]:
    """An instance that reports nothing and stores in a temporary folder."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return {**os.environ, "DAGSTER_HOME": str(tmp_path)}


@pytest.mark.parametrize(
    "command",
    ["check yaml", "check toml", "check defs", pytest.param("list defs --json", marks=pytest.mark.slow)],
)
def test_dg_accepts_the_project(command: str, quiet_home: dict[str, str]) -> None:
    done = subprocess.run(
        [DG, *command.split()], cwd=PROJECT, env=quiet_home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
