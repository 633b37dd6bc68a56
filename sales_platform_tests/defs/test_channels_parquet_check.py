"""The Parquet files of the channels against the fact: each kind of difference names its days, and nothing else does."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from sales_platform.defs.channels.parquet import parquet_path, write_days
from sales_platform.defs.channels.parquet_check import compared, money_columns, result
from sales_platform_tests.defs.channels_road import ChannelsRoad, line

DAYS = ["2026-03-02", "2026-03-03", "2026-03-04"]


@pytest.fixture
def road(warehouse_url: str, tmp_path: Path) -> ChannelsRoad:
    """Three days of three payments each, and their files."""
    road = ChannelsRoad(warehouse_url, tmp_path / "data")
    for number, day in enumerate(DAYS):
        road.put(day, [line(10 * number + n, day, amount=f"{n}.10") for n in (1, 2, 3)])
    road.run()
    write_days(road.warehouse, road.data, DAYS)
    return road


def file_of(road: ChannelsRoad, day: str) -> Path:
    return road.data / parquet_path(date.fromisoformat(day))


def judged(road: ChannelsRoad, days: list[str] | None = None) -> dg.AssetCheckResult:
    with road.warehouse.transaction() as connection:
        return result(compared(connection, road.data, days))


def shown(found: dg.AssetCheckResult, name: str) -> Any:
    return found.metadata[name].value


def test_files_that_were_written_hold_the_fact_to_the_last_decimal(road: ChannelsRoad) -> None:
    found = judged(road)
    assert found.passed
    assert found.description == "0 of 3 days differ from the fact"
    assert (shown(found, "days"), shown(found, "rows")) == (3, 9)
    assert money_columns() == ["amount", "fee_amount", "revenue"]


def test_a_day_whose_money_changed_since_is_named_with_both_sums(road: ChannelsRoad) -> None:
    with road.warehouse.transaction() as connection:
        connection.execute(
            "update analytics.fact_transaction set revenue = revenue + 0.00000001 where transaction_id = 'T11'"
        )
    found = judged(road)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert str(found.description).startswith(
        "1 of 3 days differ from the fact, on 2026-03-03; `sales-platform run"
    )
    samples = found.metadata["samples"]
    assert isinstance(samples, dg.TableMetadataValue)
    [sample] = [record.data for record in samples.records]
    assert (sample["day"], sample["file"], sample["rows in the fact"]) == ("2026-03-03", "3 rows", 3)
    # 0.5 % of 6.30
    assert (sample["revenue in the file"], sample["revenue in the fact"]) == ("0.03150000", "0.03150001")
    listing = str(shown(found, "offenders_sql")).removeprefix("```sql\n").removesuffix("\n```")
    assert [row[0] for row in road.rows(listing)] == ["2026-03-03"]


def test_files_that_are_missing_damaged_or_of_a_day_without_payments_are_named_with_what_is_wrong(
    road: ChannelsRoad,
) -> None:
    file_of(road, DAYS[0]).unlink()
    file_of(road, DAYS[1]).write_bytes(file_of(road, DAYS[1]).read_bytes()[:-20])
    stray = file_of(road, "2026-03-09")
    stray.parent.mkdir(parents=True)
    pq.write_table(pq.read_table(file_of(road, DAYS[2])).slice(0, 2), stray)
    found = judged(road)
    assert shown(found, "by_partition") == {
        DAYS[0]: "no file",
        DAYS[1]: "cannot be read",
        "2026-03-09": "2 rows",
    }


def test_a_run_over_days_is_told_of_these_days_alone(road: ChannelsRoad) -> None:
    file_of(road, DAYS[0]).unlink()
    assert judged(road, DAYS[1:]).passed
    assert not judged(road, DAYS[:2]).passed


def test_a_day_that_lost_all_its_payments_has_an_empty_file(road: ChannelsRoad) -> None:
    with road.warehouse.transaction() as connection:
        connection.execute("delete from analytics.fact_transaction where _partition = %s", [DAYS[0]])
    assert not judged(road).passed
    write_days(road.warehouse, road.data, [DAYS[0]])
    assert judged(road).passed
