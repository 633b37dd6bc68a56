"""Retail as Dagster runs it: real definitions, real files of the simulator, a real warehouse."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from sales_platform.components.load_checks import BROKEN_BY_TIME
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
        row = connection.execute(f"select count(*) from {table}").fetchone()
    assert row is not None
    return int(row[0])


def test_one_run_over_three_days_fills_every_table_and_passes_every_check(
    run: Run, data: Path, warehouse_url: str, instance: dg.DagsterInstance
) -> None:
    outcome = run()
    assert [step.error for step in outcome.failed_steps] == []
    # whoever loads days of long ago is told that the feed is old, and nothing else
    assert {(check.asset, check.name, check.severity) for check in outcome.failed_checks} == {
        ("staging/retail_sales", "freshness", "WARN"),
        ("staging/retail_sales", "yesterday_there", "WARN"),
    }
    assert outcome.success
    lines = sum(_lines(data, date.fromisoformat(day)) for day in DAYS)
    for table in ("raw.retail_sales", "staging.retail_sales", "analytics.fact_sales"):
        assert _count(warehouse_url, table) == lines
        key = dg.AssetKey(table.split("."))
        assert sorted(instance.get_materialized_partitions(key)) == DAYS
    of_loads = {"volume", "freshness", "yesterday_there", "late_files", "duplicate_rate", "schema_drift"}
    of_rows = {"required", "unique", "range", "reference"}
    assert of_rows | of_loads | {"conservation", "reject_limit", "files_there"} == {
        check.name for check in outcome.checks if check.asset == "staging/retail_sales"
    }


def _figures(instance: dg.DagsterInstance, asset: str, day: str) -> dict[str, object]:
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset.split("/")), asset_partitions=[day]), limit=1
    ).records
    materialization = records[0].asset_materialization
    assert materialization is not None
    return {name: entry.value for name, entry in materialization.metadata.items()}


def test_each_day_of_a_range_shows_its_own_figures_beside_the_runs_totals(
    run: Run, data: Path, instance: dg.DagsterInstance
) -> None:
    run()
    lines = {day: _lines(data, date.fromisoformat(day)) for day in DAYS}
    for day in DAYS:
        figures = _figures(instance, "staging/retail_sales", day)
        assert (figures["run_partitions"], figures["run_read"]) == (len(DAYS), sum(lines.values()))
        assert figures["read"] == figures["loaded"] == figures["dagster/partition_row_count"] == lines[day]
        assert figures["source"] == f"retail/sales/{day.replace('-', '/')}/sales.csv"
        fact = _figures(instance, "analytics/fact_sales", day)
        assert fact["dagster/partition_row_count"] == lines[day]
        # what a day says must not grow with the range
        assert not any(other in repr([figures, fact]) for other in DAYS if other != day)


def test_the_same_files_again_read_nothing_and_pass_every_check(
    run: Run, warehouse_url: str, instance: dg.DagsterInstance
) -> None:
    run()
    before = _count(warehouse_url, "raw.retail_sales")
    again = run()
    assert again.success
    assert _count(warehouse_url, "raw.retail_sales") == before
    assert _figures(instance, "staging/retail_sales", DAYS[0])["status"] == "unchanged"


def test_b_12_a_range_leaves_out_days_without_a_file_and_names_them(
    run: Run, data: Path, warehouse_url: str, instance: dg.DagsterInstance
) -> None:
    sales_file(data, LAST).unlink()
    outcome = run()
    assert outcome.success
    (warned,) = [check for check in outcome.failed_checks if check.name not in BROKEN_BY_TIME]
    assert (warned.asset, warned.name, warned.severity) == ("staging/retail_sales", "files_there", "WARN")
    assert "retail/sales/2026/03/04/sales.csv" in warned.description
    there = sum(_lines(data, date.fromisoformat(day)) for day in DAYS if day != LAST.isoformat())
    assert _count(warehouse_url, "analytics.fact_sales") == there
    with psycopg.connect(warehouse_url) as connection:
        done = connection.execute("select distinct partition from ops.load where feed = 'retail_sales'")
        assert LAST.isoformat() not in {day for (day,) in done.fetchall()}
    assert (
        _figures(instance, "staging/retail_sales", LAST.isoformat())["no_file"]
        == "retail/sales/2026/03/04/sales.csv"
    )


def test_b_12_a_range_without_any_file_fails_names_every_path_and_holds_back_the_fact(
    run: Run, data: Path
) -> None:
    for day in DAYS:
        sales_file(data, date.fromisoformat(day)).unlink()
    outcome = run()
    (failed,) = outcome.failed_steps
    assert failed.error is not None
    assert "retail/sales/2026/03/02/sales.csv" in failed.error
    assert "retail/sales/2026/03/04/sales.csv" in failed.error
    assert "analytics/fact_sales" in outcome.not_run
    assert "analytics/dim_customer" in outcome.seconds


def test_a_file_beyond_the_reject_limit_fails_its_check_and_its_step_with_the_reasons(
    run: Run, data: Path
) -> None:
    file = sales_file(data, FIRST)
    header, *lines = file.read_text().splitlines()
    spoilt = [line.rsplit(",", 1)[0] + ",-1.00" for line in lines[:100]]
    file.write_text("\n".join([header, *spoilt, *lines[100:]]) + "\n")
    outcome = run()
    (failed,) = outcome.failed_steps
    assert failed.error is not None
    assert "INVALID_REVENUE" in failed.error
    assert [(check.asset, check.name) for check in outcome.failed_checks] == [
        ("staging/retail_sales", "reject_limit")
    ]
    assert "analytics/fact_sales" in outcome.not_run


def test_a_warehouse_that_is_not_set_is_said_in_one_sentence(
    data: Path, instance: dg.DagsterInstance
) -> None:
    definitions = build(WarehouseResource(), SourceFilesResource(folder=str(data)))
    outcome = materialize_in(definitions, "key:analytics/dim_date", None, None, instance=instance)
    (failed,) = outcome.failed_steps
    assert failed.error is not None
    assert failed.error.startswith("WAREHOUSE_URL: the warehouse's URL is not set.")
