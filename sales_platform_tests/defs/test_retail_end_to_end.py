"""Retail as Dagster runs it: real definitions, real files of the simulator, a real warehouse."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from sales_platform.definitions import build
from sales_platform.operations.materializing import RunOutcome, materialize_in
from sales_platform.resources import SourceFilesResource, WarehouseResource
from sales_platform.sources.retail.generator import generate
from sales_platform.sources.retail.layout import sales_file

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 4)
DAYS = ["2026-03-02", "2026-03-03", "2026-03-04"]

Run = Callable[..., RunOutcome]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    generate(folder, first=FIRST, last=LAST, seed=7)
    return folder


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def run(data: Path, warehouse_url: str, instance: dg.DagsterInstance) -> Run:
    definitions = build(WarehouseResource(url=warehouse_url), SourceFilesResource(folder=str(data)))

    def start(selection: str = "retail", first: str = DAYS[0], last: str = DAYS[-1]) -> RunOutcome:
        return materialize_in(definitions, selection, first, last, instance=instance)

    return start


def _lines(data: Path, day: date) -> int:
    return len(sales_file(data, day).read_text().splitlines()) - 1


def _count(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"select count(*) from {table}").fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


def test_one_run_over_three_days_fills_every_table_and_passes_every_check(
    run: Run, data: Path, warehouse_url: str, instance: dg.DagsterInstance
) -> None:
    outcome = run()
    assert [step.error for step in outcome.failed_steps] == []
    assert [(c.asset, c.name, c.description) for c in outcome.failed_checks] == []
    assert outcome.success
    lines = sum(_lines(data, date.fromisoformat(day)) for day in DAYS)
    for table in ("raw.retail_sales", "staging.retail_sales", "analytics.fact_sales"):
        assert _count(warehouse_url, table) == lines
        key = dg.AssetKey(table.split("."))
        assert sorted(instance.get_materialized_partitions(key)) == DAYS
    assert {"conservation", "reject_limit", "required", "unique", "range", "reference"} == {
        check.name for check in outcome.checks if check.asset == "staging/retail_sales"
    }
