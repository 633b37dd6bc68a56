"""`simulate channels` and `import channels` as typed: options, output and exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sales_platform.cli.importing import import_
from sales_platform.cli.simulate import simulate
from sales_platform.errors import FileMissing, WrongUse


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SALES_PLATFORM_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_simulate_channels_writes_the_asked_days_and_says_so(data: Path) -> None:
    done = CliRunner().invoke(
        simulate, ["channels", "--from", "2026-01-31", "--to", "2026-02-01", "--seed", "7"]
    )
    assert done.exit_code == 0
    assert "2026-01-31 to 2026-02-01, seed 7" in done.stdout
    assert "1,000 rows  2 files, 2 written" in done.stdout
    assert (data / "channels" / "raw" / "2026" / "02" / "01" / "transactions.csv").is_file()


def test_simulate_channels_without_a_range_writes_the_30_days_up_to_yesterday(data: Path) -> None:
    done = CliRunner().invoke(simulate, ["channels"])
    assert done.exit_code == 0
    assert "15,000 rows  30 files, 30 written" in done.stdout


@pytest.mark.parametrize("options", [["--from", "1.2.2026"], ["--to", "2026-02-31"], ["--seed", "-1"]])
def test_a_wrong_option_of_simulate_channels_exits_2(data: Path, options: list[str]) -> None:
    assert CliRunner().invoke(simulate, ["channels", *options]).exit_code == 2
    assert not data.exists()


def test_an_end_before_the_beginning_is_wrong_use(data: Path) -> None:
    done = CliRunner().invoke(simulate, ["channels", "--from", "2026-02-02", "--to", "2026-02-01"])
    assert isinstance(done.exception, WrongUse)
    assert not data.exists()


def test_import_channels_says_what_landed_and_which_days_come_too_early(data: Path, tmp_path: Path) -> None:
    export = tmp_path / "export"
    CliRunner().invoke(simulate, ["channels", "--from", "2024-12-31", "--to", "2025-01-01"])
    (data / "channels" / "raw").rename(export)
    done = CliRunner().invoke(import_, ["channels", str(export)])
    assert done.exit_code == 0
    assert "2024-12-31 to 2025-01-01" in done.stdout
    assert "1,000 rows  2 files, 2 written" in done.stdout
    assert "Days before PARTITIONS_START" in done.stdout


def test_import_channels_of_no_folder_is_a_typed_error(data: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(import_, ["channels", str(tmp_path / "nowhere")])
    assert isinstance(done.exception, FileMissing)
    assert not data.exists()
