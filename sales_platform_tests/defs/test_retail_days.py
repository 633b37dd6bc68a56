"""A sale belongs to one day of the business time zone, at its edges and over clock changes (B-06, B-07)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sales_platform.engine.feeds import load_files
from sales_platform.engine.migrations import migrate
from sales_platform.engine.warehouse import Warehouse
from sales_platform_tests.faults.road import DAY, NEXT_DAY, Road, sale, text

ZONE = "Europe/Berlin"
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def berlin(warehouse_url: str, tmp_path: Path) -> Road:
    """A warehouse whose business days are those of Berlin."""
    migrate(warehouse_url, time_zone=ZONE)
    return Road(Warehouse(warehouse_url), tmp_path / "data")


def load_each_in_every_file(road: Road, sales: dict[int, datetime], days: list[date]) -> dict[int, str]:
    """Offer every sale to every day; returns where each of them was taken."""
    lines = {number: moment.isoformat() for number, moment in sales.items()}
    for day in days:
        road.put_sales(text(sale(number, sale_timestamp=at) for number, at in lines.items()), day)
    lenient = road.catalog.feeds["retail_sales"].model_copy(update={"reject_limit": Decimal(1)})
    load_files(road.warehouse, lenient, [road.file("sales", day) for day in days])
    taken = road.rows("select sale_id, _partition from staging.retail_sales")
    assert len(taken) == len(sales)
    refused = road.rows(
        "select source_row, array_agg(distinct reason) from quality.rejected_record group by 1"
    )
    assert refused == [] or {tuple(reasons) for _, reasons in refused} == {("OUTSIDE_WINDOW",)}
    assert road.one("select count(*) from quality.rejected_record") == len(sales) * (len(days) - 1)
    return dict(taken)


def test_b_06_a_sale_at_midnight_belongs_to_the_day_that_begins_and_to_no_other(berlin: Road) -> None:
    midnight = datetime(NEXT_DAY.year, NEXT_DAY.month, NEXT_DAY.day, tzinfo=ZoneInfo(ZONE))
    moments = {1: midnight - timedelta(microseconds=1), 2: midnight, 3: midnight.astimezone(UTC)}

    taken = load_each_in_every_file(berlin, moments, [DAY, NEXT_DAY])

    assert taken == {1: str(DAY), 2: str(NEXT_DAY), 3: str(NEXT_DAY)}


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25)])
def test_b_07_every_half_hour_around_a_clock_change_belongs_to_exactly_one_day(
    berlin: Road, day: date, hours: int
) -> None:
    days = [day - timedelta(days=1), day, day + timedelta(days=1)]
    begin = datetime(days[0].year, days[0].month, days[0].day, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    sales = {n: begin + n * HALF_HOUR for n in range((24 + hours + 24) * 2)}

    taken = load_each_in_every_file(berlin, sales, days)

    assert taken == {n: str(at.astimezone(ZoneInfo(ZONE)).date()) for n, at in sales.items()}
    assert [list(taken.values()).count(str(one)) for one in days] == [48, hours * 2, 48]
