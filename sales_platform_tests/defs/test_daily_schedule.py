"""The schedule at 02:00: which day it asks for, over any clock, and what it does when there is nothing to load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from sales_platform.components import partitions
from sales_platform.contracts.catalog import read_catalog
from sales_platform.definitions import build
from sales_platform.defs.automation.daily import day_ended, decision, takes
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.incidents import open_incidents, recover_overdue
from sales_platform.engine.warehouse import Warehouse
from sales_platform.resources import SourceFilesResource, WarehouseResource
from sales_platform_tests.faults.road import good_sales, text

TWO_UTC = datetime(2026, 3, 5, 2, tzinfo=UTC)
DAY = date(2026, 3, 4)
# an hour that is missing or comes twice lies at 02:00 in Berlin, at midnight in São Paulo (until 2019) and in Beirut
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
)


def test_the_day_that_ended_is_taken_in_the_business_time_zone() -> None:
    assert day_ended(TWO_UTC, ZoneInfo("UTC")) == date(2026, 3, 4)
    assert day_ended(TWO_UTC, ZoneInfo("America/New_York")) == date(2026, 3, 3)


def decide(missing: list[str], *, loaded: bool = False, under_way: bool = False) -> str:
    """The run key, or why there is none."""
    found = decision("retail", DAY, missing, loaded=loaded, under_way=under_way)
    return str(found.run_key if isinstance(found, dg.RunRequest) else found.skip_message)


def test_a_day_with_its_file_is_asked_for_once() -> None:
    request = decision("retail", DAY, [], loaded=False, under_way=False)
    assert isinstance(request, dg.RunRequest)
    assert (request.run_key, request.partition_key) == ("2026-03-04", "2026-03-04")


def test_a_day_is_not_asked_for_without_its_file_or_when_the_sensor_was_there_before() -> None:
    path = "retail/sales/2026/03/04/sales.csv"
    assert decide([path]) == f"No file for 2026-03-04 yet: {path}."
    assert decide([], loaded=True) == "2026-03-04 is loaded already."
    assert decide([], under_way=True) == "A run of 2026-03-04 is queued or running."


def test_a_run_takes_the_days_of_its_range() -> None:
    assert takes([None, ("2026-03-01", "2026-03-04")], DAY)
    assert not takes([None, ("2026-03-05", "2026-03-09")], DAY)


def ticks(zone: ZoneInfo, first: date, last: date) -> Iterator[datetime]:
    """02:00 of each day of a wall clock; where that time is skipped, the moment at which the clock jumped over it, and
    where it comes twice, both.
    """
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        moments = {
            datetime(day.year, day.month, day.day, 2, tzinfo=zone, fold=fold).astimezone(UTC)
            for fold in (0, 1)
        }
        yield from sorted(moments)


@pytest.mark.parametrize("name", ZONES)
def test_no_day_is_skipped_whatever_the_clock_does_and_one_that_comes_twice_has_one_run_key(
    name: str,
) -> None:
    zone, first, last = ZoneInfo(name), date(2015, 1, 1), date(2028, 12, 31)

    asked = [day_ended(moment, zone) for moment in ticks(zone, first, last)]

    expected = [first + timedelta(days=n - 1) for n in range((last - first).days + 1)]
    assert sorted(set(asked)) == expected
    assert {date(2024, 2, 29), date(2028, 2, 29), date(2026, 12, 31), date(2027, 1, 1)} <= set(asked)


@pytest.mark.parametrize("name", ZONES)
def test_every_day_of_the_calendar_is_one_partition_whatever_the_clock_does(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUSINESS_TIME_ZONE", name)
    monkeypatch.setenv("PARTITIONS_START", "2015-01-01")
    noon = datetime(2028, 12, 31, 12, tzinfo=ZoneInfo(name))

    keys = partitions.daily().get_partition_keys(current_time=noon)

    days = (noon.date() - date(2015, 1, 1)).days + 1
    assert keys == [(date(2015, 1, 1) + timedelta(days=n)).isoformat() for n in range(days)]


@dataclass
class Nights:
    """retail's schedule over real files and a real warehouse."""

    data: Path
    warehouse: Warehouse
    definitions: dg.Definitions
    instance: dg.DagsterInstance

    def put(self, day: date, sales: int = 40) -> None:
        file = self.data / f"retail/sales/{day:%Y/%m/%d}/sales.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text(good_sales(day, sales)))

    def load(self, day: date) -> None:
        feed = read_catalog().feeds["retail_sales"]
        load_files(self.warehouse, feed, [locate(self.data, feed.path, day)])

    def overdue(self) -> list[str]:
        with self.warehouse.transaction() as connection:
            recover_overdue(connection)
            return [found.subject for found in open_incidents(connection)]

    def tick(self, moment: datetime = TWO_UTC) -> str:
        """The day that is asked for, or why none is."""
        with dg.build_schedule_context(
            instance=self.instance,
            scheduled_execution_time=moment,
            resources={
                "warehouse": WarehouseResource(url=self.warehouse.url),
                "source_files": SourceFilesResource(folder=str(self.data)),
            },
            repository_def=self.definitions.get_repository_def(),
        ) as context:
            found = self.definitions.resolve_schedule_def("retail_daily").evaluate_tick(context)
        return str(found.run_requests[0].partition_key if found.run_requests else found.skip_message)


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build(WarehouseResource(), SourceFilesResource())


@pytest.fixture
def nights(warehouse_url: str, tmp_path: Path, definitions: dg.Definitions) -> Iterator[Nights]:
    with dg.instance_for_test() as instance:
        yield Nights(tmp_path, Warehouse(warehouse_url), definitions, instance)


def test_the_tick_at_two_asks_for_yesterday(nights: Nights) -> None:
    nights.put(DAY)
    assert nights.tick() == "2026-03-04"


def test_what_the_sensor_loaded_before_two_is_not_run_again(nights: Nights) -> None:
    nights.put(DAY)
    nights.load(DAY)
    assert nights.tick() == "2026-03-04 is loaded already."


def test_a_run_under_way_that_takes_the_day_is_enough(nights: Nights) -> None:
    nights.put(DAY)
    tags = {
        "sales_platform/domain": "retail",
        "dagster/asset_partition_range_start": "2026-03-01",
        "dagster/asset_partition_range_end": "2026-03-04",
    }
    run = dg.DagsterRun(job_name="retail", status=dg.DagsterRunStatus.STARTED, tags=tags)
    nights.instance.add_run(run)
    assert nights.tick() == "A run of 2026-03-04 is queued or running."


def test_a_day_without_its_file_is_overdue_until_it_is_loaded(nights: Nights) -> None:
    nights.put(date(2026, 3, 1))
    nights.load(date(2026, 3, 1))

    assert nights.tick() == "No file for 2026-03-04 yet: retail/sales/2026/03/04/sales.csv."
    assert nights.tick().startswith("No file for 2026-03-04 yet")
    assert nights.overdue() == ["retail_sales for 2026-03-04"]

    nights.put(DAY)
    nights.load(DAY)
    assert nights.overdue() == []


def test_a_feed_that_never_brought_a_file_is_not_overdue(nights: Nights) -> None:
    assert nights.tick().startswith("No file for 2026-03-04 yet")
    assert nights.overdue() == []


def test_three_ticks_that_were_missed_and_come_together_ask_for_their_own_days(nights: Nights) -> None:
    for ago in range(3):
        nights.put(DAY - timedelta(days=ago))

    late = [nights.tick(TWO_UTC - timedelta(days=ago)) for ago in (2, 1, 0)]

    assert late == ["2026-03-02", "2026-03-03", "2026-03-04"]


def test_at_two_in_berlin_the_schedule_asks_for_the_day_before_over_clock_changes(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUSINESS_TIME_ZONE", "Europe/Berlin")
    nights.definitions = build(WarehouseResource(), SourceFilesResource())
    expected = {
        datetime(2026, 3, 29, 1, tzinfo=UTC): "2026-03-28",  # 03:00, because 02:00 is skipped
        datetime(2026, 3, 30, 0, tzinfo=UTC): "2026-03-29",
        datetime(2026, 10, 25, 0, tzinfo=UTC): "2026-10-24",  # 02:00 for the first time
        datetime(2026, 10, 25, 1, tzinfo=UTC): "2026-10-24",  # and for the second
        datetime(2026, 10, 26, 1, tzinfo=UTC): "2026-10-25",
        datetime(2027, 1, 1, 1, tzinfo=UTC): "2026-12-31",
        datetime(2028, 3, 1, 1, tzinfo=UTC): "2028-02-29",
    }
    for day in expected.values():
        nights.put(date.fromisoformat(day))

    assert {moment: nights.tick(moment) for moment in expected} == expected
