"""The schedule at 02:00: which day it asks for, and what it says when there is nothing to load."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from sales_platform.definitions import build
from sales_platform.defs.automation.daily import day_ended, decision
from sales_platform.resources import SourceFilesResource, WarehouseResource

TWO_UTC = datetime(2026, 3, 5, 2, tzinfo=UTC)

Tick = Callable[[Path], dg.RunRequest | dg.SkipReason]


def test_the_day_that_ended_is_taken_in_the_business_time_zone() -> None:
    assert day_ended(TWO_UTC, ZoneInfo("UTC")) == date(2026, 3, 4)
    assert day_ended(TWO_UTC, ZoneInfo("America/New_York")) == date(2026, 3, 3)


def test_a_day_with_its_file_is_asked_for_once() -> None:
    request = decision(date(2026, 3, 4), [])
    assert isinstance(request, dg.RunRequest)
    assert (request.run_key, request.partition_key) == ("2026-03-04", "2026-03-04")


def test_a_day_without_its_file_is_skipped_and_the_path_named() -> None:
    skip = decision(date(2026, 3, 4), ["retail/sales/2026/03/04/sales.csv"])
    assert isinstance(skip, dg.SkipReason)
    assert "retail/sales/2026/03/04/sales.csv" in str(skip.skip_message)


@pytest.fixture
def tick() -> Tick:
    def evaluate(data: Path) -> dg.RunRequest | dg.SkipReason:
        definitions = build(WarehouseResource(), SourceFilesResource(folder=str(data)))
        schedule = definitions.resolve_schedule_def("retail_daily")
        context = dg.build_schedule_context(
            scheduled_execution_time=TWO_UTC,
            resources={"source_files": SourceFilesResource(folder=str(data))},
            repository_def=definitions.get_repository_def(),
        )
        found = schedule.evaluate_tick(context)
        return found.run_requests[0] if found.run_requests else dg.SkipReason(found.skip_message)

    return evaluate


def test_the_tick_at_two_asks_for_yesterday(tick: Tick, tmp_path: Path) -> None:
    file = tmp_path / "retail/sales/2026/03/04/sales.csv"
    file.parent.mkdir(parents=True)
    file.touch()
    request = tick(tmp_path)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-03-04"


def test_the_tick_at_two_says_which_file_is_missing(tick: Tick, tmp_path: Path) -> None:
    skip = tick(tmp_path)
    assert isinstance(skip, dg.SkipReason)
    assert skip.skip_message == "No file for 2026-03-04 yet: retail/sales/2026/03/04/sales.csv."
