"""What the sensor of a source decides, over plain values, and over a real source with Dagster's own record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import psycopg
import pytest

from sales_platform.components.launching import IN_PROGRESS
from sales_platform.components.source_sensor import (
    LONGEST_PAUSE,
    Remembered,
    decide,
    source_sensor,
)
from sales_platform.contracts.source import PostgresFeedContract
from sales_platform.resources import SourceDatabasesResource, WarehouseResource

SEEN = Remembered(mark="a", asked=1)
SHOP = PostgresFeedContract.model_validate(
    {
        "domain": "shop",
        "database": "shop",
        "description": "A shop.",
        "tables": {"orders": {"key": ["id"], "cursor": "updated_at"}},
    }
)
SENSOR = "shop_changes"


def test_nothing_new_asks_for_nothing() -> None:
    assert decide(SEEN, "a", running=False, failed=False) == (SEEN, "nothing new in the source")


def test_a_new_mark_asks_for_one_run_and_is_remembered() -> None:
    after, why_not = decide(SEEN, "b", running=False, failed=False)

    assert why_not is None
    assert (after.mark, after.asked) == ("b", 2)
    assert decide(after, "b", running=False, failed=False)[1] == "nothing new in the source"


def test_a_mark_that_moves_while_a_run_is_queued_asks_after_it() -> None:
    during, why_not = decide(SEEN, "b", running=True, failed=False)

    assert during == SEEN
    assert why_not == "a run of this source is queued or running"
    assert decide(during, "b", running=False, failed=False)[1] is None


def test_a_tick_that_is_repeated_after_a_crash_gives_the_same_run_key() -> None:
    first, _ = decide(SEEN, "b", running=False, failed=False)
    again, _ = decide(SEEN, "b", running=False, failed=False)

    assert first.run_key == again.run_key
    assert first.run_key != decide(SEEN, "c", running=False, failed=False)[0].run_key


def ticks_until_next_try(before: Remembered) -> tuple[int, Remembered]:
    """How often the sensor declines after a failed run, and what it remembers when it asks again."""
    for declined in range(2 * LONGEST_PAUSE):
        before, why_not = decide(before, "a", running=False, failed=True)
        if why_not is None:
            return declined, before
        assert "the last run failed" in why_not
    raise AssertionError("it never tried again")


def test_a_failed_run_is_tried_again_ever_more_seldom_under_a_new_key_each_time() -> None:
    declined, keys, state = [], [SEEN.run_key], SEEN
    for _ in range(8):
        count, state = ticks_until_next_try(state)
        declined.append(count)
        keys.append(state.run_key)

    assert declined == [1, 2, 4, 8, 16, 32, 64, 64]
    assert len(set(keys)) == len(keys)


def test_a_new_mark_after_failures_is_tried_at_once() -> None:
    _, tired = ticks_until_next_try(ticks_until_next_try(SEEN)[1])

    after, why_not = decide(tired, "b", running=False, failed=True)

    assert why_not is None
    assert (after.failures, after.pause) == (0, 0)


def test_what_is_remembered_survives_as_text() -> None:
    state = Remembered("a", 3, 2, 4)

    assert Remembered.read(state.cursor) == state
    assert Remembered.read(None) == Remembered()


@dataclass
class Watched:
    """A shop's source, its sensor, and ticks of it one after the other."""

    source: psycopg.Connection
    resources: dict[str, object]
    instance: dg.DagsterInstance
    cursor: str | None = None

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, sensor_name=SENSOR, resources=self.resources
        )
        found = source_sensor(SHOP)(context)
        assert isinstance(found, dg.SensorResult | dg.SkipReason)
        if isinstance(found, dg.SensorResult):
            self.cursor = found.cursor
        return found

    def asked(self) -> list[str | None]:
        """Run keys that the next tick asks for."""
        found = self.tick()
        return [run.run_key for run in found.run_requests or []] if isinstance(found, dg.SensorResult) else []

    def skipped(self) -> str:
        found = self.tick()
        reason = found.skip_reason if isinstance(found, dg.SensorResult) else found
        text = reason.skip_message if isinstance(reason, dg.SkipReason) else reason
        return str(text)


@pytest.fixture
def watched(warehouse_url: str, database_url: str) -> Iterator[Watched]:
    resources: dict[str, object] = {
        "warehouse": WarehouseResource(url=warehouse_url),
        "source_databases": SourceDatabasesResource(urls={"shop": database_url}),
    }
    with psycopg.connect(database_url, autocommit=True) as source, dg.DagsterInstance.ephemeral() as instance:
        source.execute("create schema shop")
        source.execute("create table shop.orders (id int primary key, updated_at timestamptz default now())")
        source.execute("create index on shop.orders (updated_at)")
        yield Watched(source, resources, instance)


def test_each_mark_asks_for_one_run(watched: Watched) -> None:
    watched.source.execute("insert into shop.orders (id) values (1)")
    first = watched.asked()

    assert len(first) == 1
    assert watched.asked() == []

    watched.source.execute("insert into shop.orders (id) values (2)")
    second = watched.asked()
    assert len(second) == 1
    assert second != first
    assert watched.asked() == []


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_while_a_run_of_the_source_is_under_way_none_is_asked_for(
    watched: Watched, status: dg.DagsterRunStatus
) -> None:
    assert len(watched.asked()) == 1
    run = watched.instance.add_run(a_run(status))
    watched.source.execute("insert into shop.orders (id) values (1)")

    assert watched.skipped() == "a run of this source is queued or running"

    watched.instance.delete_run(run.run_id)
    assert len(watched.asked()) == 1


def test_a_source_that_is_down_is_a_skip_with_the_reason_and_recovers(watched: Watched) -> None:
    up = watched.resources["source_databases"]
    watched.resources["source_databases"] = SourceDatabasesResource(
        urls={"shop": "postgresql://u:secret@127.0.0.1:1/shop"}
    )

    down = watched.skipped()
    assert "Connection refused" in down
    assert "127.0.0.1:1/shop" in down
    assert "secret" not in down

    watched.resources["source_databases"] = up
    assert len(watched.asked()) == 1


def test_a_missing_index_is_said_with_what_it_costs(watched: Watched) -> None:
    watched.source.execute("insert into shop.orders (id) select generate_series(1, 1200)")
    watched.source.execute("drop index shop.orders_updated_at_idx")
    watched.source.execute("analyze shop.orders")
    watched.tick()

    said = watched.skipped()

    assert "shop.orders has no index on updated_at: each load reads all of its 1,200 rows" in said
    assert "create index on shop.orders (updated_at)" in said


def test_a_queued_run_counts_as_under_way() -> None:
    assert dg.DagsterRunStatus.QUEUED in IN_PROGRESS


def test_the_sensor_is_on_and_looks_every_30_seconds() -> None:
    sensor = source_sensor(SHOP)

    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 30


def a_run(status: dg.DagsterRunStatus) -> dg.DagsterRun:
    return dg.DagsterRun(job_name="shop", status=status, tags={"dagster/sensor_name": SENSOR})
