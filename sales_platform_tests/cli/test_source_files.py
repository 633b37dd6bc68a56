"""`simulate retail` and `import retail` as typed: options, output and exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sales_platform.cli.importing import import_
from sales_platform.cli.simulate import simulate
from sales_platform.errors import FileMissing


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SALES_PLATFORM_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_simulate_retail_writes_the_asked_days_and_says_so(data: Path) -> None:
    done = CliRunner().invoke(simulate, ["retail", "--days", "2", "--end", "2025-01-02", "--seed", "7"])
    assert done.exit_code == 0
    assert "2025-01-01 to 2025-01-02, seed 7" in done.stdout
    assert "556 rows  2 files, 2 written" in done.stdout
    assert (data / "retail" / "sales" / "2025" / "01" / "02" / "sales.csv").is_file()


@pytest.mark.parametrize("options", [["--days", "0"], ["--end", "31.12.2025"], ["--seed", "-1"]])
def test_a_wrong_option_of_simulate_retail_exits_2(data: Path, options: list[str]) -> None:
    assert CliRunner().invoke(simulate, ["retail", *options]).exit_code == 2
    assert not data.exists()


def test_import_retail_says_what_landed_and_what_will_be_rejected(data: Path, tmp_path: Path) -> None:
    export = tmp_path / "export"
    CliRunner().invoke(simulate, ["retail", "--days", "1", "--end", "2024-12-31"])
    (data / "retail").rename(export)
    (export / "customer_updates.csv").rename(export / "customers_updates.csv")
    sales = (export / "sales" / "2024" / "12" / "31" / "sales.csv").read_text()
    (export / "sales.csv").write_text(f"{sales}1,1,1,1,some day,1,3.5\n")
    done = CliRunner().invoke(import_, ["retail", str(export)])
    assert done.exit_code == 0
    assert "279 rows  1 file, 1 written" in done.stdout
    assert "without a readable date: 1, rejected when 2024-12-31 loads" in done.stdout
    assert "Days before PARTITIONS_START" in done.stdout


def test_import_retail_of_no_folder_is_a_typed_error(data: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(import_, ["retail", str(tmp_path / "nowhere")])
    assert isinstance(done.exception, FileMissing)
    assert not data.exists()
