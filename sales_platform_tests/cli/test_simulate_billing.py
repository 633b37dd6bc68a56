"""`simulate billing` as typed: options, output and exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sales_platform.cli.simulate import simulate


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SALES_PLATFORM_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_simulate_billing_writes_the_asked_files_and_says_so(data: Path) -> None:
    done = CliRunner().invoke(simulate, ["billing", "--files", "2", "--rows", "30", "--seed", "7"])
    assert done.exit_code == 0
    assert "seed 7" in done.stdout
    assert "60 rows  2 files, 2 written" in done.stdout
    assert sorted(path.name for path in (data / "billing").iterdir()) == ["invoices_1.csv", "invoices_2.csv"]


def test_dirt_changes_lines_and_not_their_number(data: Path) -> None:
    command = ["billing", "--files", "1", "--rows", "100"]
    file = data / "billing" / "invoices_1.csv"
    CliRunner().invoke(simulate, command)
    clean = file.read_text().splitlines()
    CliRunner().invoke(simulate, [*command, "--dirt"])
    dirty = file.read_text().splitlines()
    assert (len(dirty), dirty != clean) == (len(clean), True)


@pytest.mark.parametrize("options", [["--files", "0"], ["--rows", "0"], ["--seed", "-1"]])
def test_a_wrong_option_of_simulate_billing_exits_2(data: Path, options: list[str]) -> None:
    assert CliRunner().invoke(simulate, ["billing", *options]).exit_code == 2
    assert not data.exists()
