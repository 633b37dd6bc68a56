"""How Dagster's record of a range is written by the processes of this platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from sales_platform.components import policy
from sales_platform.local.databases import Databases
from sales_platform.operations.environment import exported, open_instance, storage_url, variables
from sales_platform.operations.materializing import materialize_in
from sales_platform.settings import Settings

FIRST, LAST = "2026-03-01", "2026-03-05"


@pytest.fixture
def instance(settings: Settings, database_url: str) -> Iterator[dg.DagsterInstance]:
    told = variables(settings, Databases({"warehouse": database_url, "dagster": database_url}))
    assert told["DAGSTER_PG_URL"] == storage_url(database_url)
    with exported(told), open_instance(Path(told["DAGSTER_HOME"])) as found:
        yield found


def daily_asset() -> dg.Definitions:
    with policy.beta_accepted():

        @dg.asset(
            partitions_def=dg.DailyPartitionsDefinition(start_date=FIRST),
            backfill_policy=policy.ONE_RUN,
        )
        def day() -> dg.MaterializeResult[None]:
            return dg.MaterializeResult()

    return dg.Definitions(assets=[day], executor=dg.in_process_executor)


def test_the_days_of_a_range_are_recorded_in_one_write(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    store = instance.event_log_storage.store_event

    def seen(event: dg.EventLogEntry) -> None:
        written.append(event.get_dagster_event().event_type_value if event.is_dagster_event else "")
        store(event)

    monkeypatch.setattr(instance.event_log_storage, "store_event", seen)

    assert materialize_in(daily_asset(), "key:day", FIRST, LAST, instance=instance).success

    assert "STEP_SUCCESS" in written
    assert "ASSET_MATERIALIZATION" not in written
    assert len(instance.get_materialized_partitions(dg.AssetKey("day"))) == 5


def test_a_run_keeps_its_connections_to_the_record(instance: dg.DagsterInstance) -> None:
    opened: list[object] = []

    def seen(connection: object, _record: object) -> None:
        opened.append(connection)

    event.listen(Engine, "connect", seen)
    try:
        assert materialize_in(daily_asset(), "key:day", FIRST, LAST, instance=instance).success
    finally:
        event.remove(Engine, "connect", seen)

    # one for runs, one for events, one for schedules, each with one beside it at most
    assert len(opened) <= 6
