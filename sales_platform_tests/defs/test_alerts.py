"""Failing runs of a real Dagster instance, incidents in a real warehouse, alerts on a real HTTP server.

Dagster's own time is not waited for: each tick is given a moment at which all ends of runs are settled.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

import sales_platform.local
from sales_platform.components import policy
from sales_platform.components.run_outcomes import BY_PARTITION
from sales_platform.definitions import build
from sales_platform.defs.automation.alerts import Remembered, look
from sales_platform.engine.incidents import note, open_incidents, overdue
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import FileMissing, SalesPlatformError, ServerUnavailable
from sales_platform.resources import AlertSinksResource, SourceFilesResource, WarehouseResource
from sales_platform_tests.resources.receiver import Receiver

DAYS = dg.DailyPartitionsDefinition("2026-03-01")


@dataclass
class Behaviour:
    """What goes wrong in the next run. error: raised by the load. strange: raised where nobody names it. bad: days that
    fail the check.
    """

    error: Exception | None = None
    strange: Exception | None = None
    rejected: bool = False
    bad: list[str] = field(default_factory=list)


def shop(behaviour: Behaviour) -> dg.Definitions:
    with policy.beta_accepted():

        @dg.multi_asset(
            name="sales",
            specs=[dg.AssetSpec(["staging", "sales"])],
            check_specs=[dg.AssetCheckSpec("reject_limit", asset=["staging", "sales"], blocking=True)],
            partitions_def=DAYS,
            backfill_policy=policy.ONE_RUN,
        )
        def load() -> Iterator[Any]:
            with policy.failures_named():
                if behaviour.error:
                    raise behaviour.error
            if behaviour.strange:
                raise behaviour.strange
            result = dg.AssetCheckResult(
                check_name="reject_limit", passed=not behaviour.rejected, description="40 % of a file's rows"
            )
            yield dg.MaterializeResult(["staging", "sales"], check_results=[result])

    @dg.asset_check(asset=["staging", "sales"], blocking=True)
    def unique() -> dg.AssetCheckResult:
        named = (
            {BY_PARTITION: dg.MetadataValue.json(dict.fromkeys(behaviour.bad, 1))} if behaviour.bad else {}
        )
        return dg.AssetCheckResult(passed=not behaviour.bad, description="1 of 9 rows", metadata=named)

    jobs = [dg.define_asset_job("shop_daily")]
    return dg.Definitions([load], asset_checks=[unique], jobs=jobs, executor=dg.in_process_executor)


class World:
    """A shop, its sensor tick by tick, and who receives the alerts."""

    def __init__(self, instance: dg.DagsterInstance, warehouse_url: str, receiver: Receiver) -> None:
        self.behaviour = Behaviour()
        self.instance = instance
        self.job = shop(self.behaviour).resolve_job_def("shop_daily")
        self.warehouse = Warehouse(warehouse_url)
        self.receiver = receiver
        self.remembered = Remembered()
        self.tick()

    def run(self, first: str, last: str | None = None, tags: dict[str, str] | None = None) -> str:
        span = {
            "dagster/asset_partition_range_start": first,
            "dagster/asset_partition_range_end": last or first,
        }
        return self.job.execute_in_process(
            instance=self.instance, raise_on_error=False, tags={**span, **(tags or {})}
        ).run_id

    def tick(self, warehouse: Warehouse | None = None) -> list[str]:
        """The texts that arrived in this tick."""
        before = len(self.receiver.bodies)
        sinks = AlertSinksResource(timeout_seconds=0.3)
        later = datetime.now(UTC) + timedelta(minutes=1)
        self.remembered, _ = look(self.instance, warehouse or self.warehouse, sinks, self.remembered, later)
        return self.receiver.texts[before:]

    def open_subjects(self) -> list[str]:
        with self.warehouse.transaction() as connection:
            return [f"{i.kind} {i.subject} {i.times}" for i in open_incidents(connection)]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with Receiver() as running:
        monkeypatch.setenv("ALERT_WEBHOOK_URL", running.url)
        yield running


@pytest.fixture
def world(warehouse_url: str, receiver: Receiver) -> Iterator[World]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(instance, warehouse_url, receiver)


def missing() -> SalesPlatformError:
    return FileMissing("there is no file.", where="shop/sales.csv", remedy="Put it there.")


def test_a_run_that_fails_again_is_one_alert_then_one_recovery_then_a_new_alert(world: World) -> None:
    world.behaviour.error = missing()
    run_id = world.run("2026-03-04")
    (told,) = world.tick()
    assert told.startswith("Run failure: staging/sales for 2026-03-04, since ")
    assert "shop/sales.csv: there is no file. Put it there." in told
    assert told.endswith(f"http://127.0.0.1:3000/runs/{run_id}")
    world.run("2026-03-04")
    world.run("2026-03-04")
    assert (world.tick(), world.tick()) == ([], [])

    world.behaviour.error = None
    world.run("2026-03-05")
    assert world.tick() == [], "another day mends nothing"
    world.run("2026-03-04")
    (over,) = world.tick()
    assert over.startswith("Over: Run failure: staging/sales for 2026-03-04, after ")
    assert over.endswith("seen 3 times.")

    world.behaviour.error = missing()
    world.run("2026-03-04")
    (again,) = world.tick()
    assert again.startswith("Run failure: staging/sales for 2026-03-04")


def test_what_failed_and_was_mended_between_two_ticks_is_told_with_its_end(world: World) -> None:
    world.behaviour.error = missing()
    world.run("2026-03-04")
    world.behaviour.error = None
    world.run("2026-03-04")
    assert [text.split(":")[0] for text in world.tick()] == ["Run failure", "Over"]


def test_too_many_rejected_rows_are_one_alert_although_their_run_failed_too(world: World) -> None:
    world.behaviour.rejected = True
    world.run("2026-03-04")
    (told,) = world.tick()
    assert told.startswith("Reject limit: staging/sales for 2026-03-04, since ")
    assert "40 % of a file's rows. `sales-platform rejected list`" in told
    world.behaviour.rejected = False
    world.run("2026-03-04")
    (over,) = world.tick()
    assert over.startswith("Over: Reject limit")


def test_a_check_over_a_range_is_over_when_the_day_that_it_named_passed(world: World) -> None:
    world.behaviour.bad = ["2026-03-02"]
    world.run("2026-03-01", "2026-03-03")
    (told,) = world.tick()
    assert told.startswith("Check failure: unique of staging/sales for 2026-03-02, since ")
    assert world.open_subjects() == ["check_failure unique of staging/sales for 2026-03-02 1"]
    world.behaviour.bad = []
    world.run("2026-03-01")
    assert world.tick() == []
    world.run("2026-03-02")
    (over,) = world.tick()
    assert over.startswith("Over: Check failure: unique")


def test_a_run_that_dagster_starts_again_by_itself_is_told_when_its_last_try_failed(world: World) -> None:
    world.behaviour.error = missing()
    world.run("2026-03-04", tags={"dagster/will_retry": "true"})
    assert world.tick() == []
    world.run("2026-03-04", tags={"dagster/will_retry": "false"})
    assert len(world.tick()) == 1


def test_on_the_storage_and_the_retries_of_the_platform_a_failed_step_is_told_and_a_first_crash_is_not(
    warehouse_url: str, database_url: str, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(Path(sales_platform.local.__file__).parent / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_PG_URL", database_url.replace("postgresql://", "postgresql+psycopg2://", 1))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        world = World(instance, warehouse_url, receiver)
        crashed = instance.create_run_for_job(world.job, tags={"dagster/partition": "2026-03-05"})
        instance.report_run_failed(crashed)
        assert world.tick() == []
        lineage = {"dagster/parent_run_id": crashed.run_id, "dagster/root_run_id": crashed.run_id}
        last = instance.create_run_for_job(
            world.job,
            tags={"dagster/partition": "2026-03-05", **lineage},
            parent_run_id=crashed.run_id,
            root_run_id=crashed.run_id,
        )
        instance.report_run_failed(last)
        world.behaviour.error = missing()
        world.run("2026-03-04")
        told = world.tick()
        assert [text.split(" since ")[0] for text in told] == [
            "Run failure: staging/sales for 2026-03-05,",
            "Run failure: staging/sales for 2026-03-04,",
        ]


def test_a_run_that_never_started_is_told_and_over_when_its_work_is_done(world: World) -> None:
    run = world.instance.create_run_for_job(world.job, tags={"dagster/partition": "2026-03-04"})
    world.instance.report_run_failed(run)
    (told,) = world.tick()
    assert "its process died or never started" in told
    world.run("2026-03-04")
    (over,) = world.tick()
    assert over.startswith("Over: Run failure")


def test_a_password_or_a_row_in_an_exception_is_not_in_the_alert(world: World) -> None:
    row = ValueError("Key (email)=(alice@example.com) exists, hunter2")
    world.behaviour.error = row
    world.run("2026-03-04")
    world.behaviour.error, world.behaviour.strange = None, row
    world.run("2026-03-05")
    world.behaviour.strange = dg.Failure("postgresql://loader:hunter2@host/db does not answer")
    world.run("2026-03-06")
    told = world.tick()
    said = json.dumps(told)
    assert [
        words in text
        for words, text in zip(
            ("does not know: ValueError", "of the type ValueError", "loader:***@host/db does not"),
            told,
            strict=True,
        )
    ] == [True, True, True], told
    assert ("hunter2" in said, "alice" in said) == (False, False)


@pytest.mark.parametrize("answer", [500, None])
def test_alerts_wait_for_a_receiver_that_fails_or_hangs_and_runs_are_noted_meanwhile(
    world: World, answer: int | None
) -> None:
    world.receiver.answer = answer
    world.behaviour.error = missing()
    world.run("2026-03-04")
    assert world.tick() == []
    world.run("2026-03-05")
    assert world.tick() == []
    world.receiver.answer = 200
    assert len(world.tick()) == 2
    assert world.tick() == []


def test_a_cursor_that_was_lost_after_the_commit_doubles_nothing(world: World) -> None:
    kept = world.remembered
    world.behaviour.error = missing()
    world.run("2026-03-04")
    world.behaviour.error = None
    world.run("2026-03-04")
    assert len(world.tick()) == 2
    world.remembered = kept
    assert world.tick() == []
    assert world.open_subjects() == []


def test_what_failed_before_the_first_tick_is_history(world: World) -> None:
    world.behaviour.error = missing()
    world.run("2026-03-04")
    world.remembered = Remembered()
    assert world.tick() == []
    world.run("2026-03-05")
    assert len(world.tick()) == 1


def test_an_overdue_file_that_a_schedule_noted_is_told_by_the_sensor(world: World) -> None:
    with world.warehouse.transaction() as connection:
        note(connection, overdue("shop_sales", "2026-03-04", "shop/sales.csv", datetime.now(UTC)))
    (told,) = world.tick()
    assert told.startswith("Overdue: shop_sales for 2026-03-04, since ")


def test_a_warehouse_out_of_reach_is_told_without_it_once_and_runs_are_noted_later(world: World) -> None:
    nowhere = Warehouse("postgresql://loader:hunter2@127.0.0.1:1/warehouse")
    world.behaviour.error = missing()
    world.run("2026-03-04")
    (told,) = world.tick(nowhere)
    assert told.startswith("Warehouse: out of reach since ")
    assert "hunter2" not in told
    assert world.tick(nowhere) == []
    back = world.tick()
    assert [text.split(":")[0] for text in back] == ["Run failure", "Over"]
    assert "in reach again" in back[1]
    assert world.tick() == []


def test_a_warehouse_out_of_reach_is_told_when_the_receiver_is_back(world: World) -> None:
    nowhere = Warehouse("postgresql://127.0.0.1:1/warehouse")
    world.receiver.answer = 500
    assert world.tick(nowhere) == []
    world.receiver.answer = 200
    (told,) = world.tick(nowhere)
    assert told.startswith("Warehouse: out of reach since ")


def test_the_sensor_of_the_platform_ticks_with_its_own_resources(
    world: World, warehouse_url: str, receiver: Receiver
) -> None:
    definitions = build(WarehouseResource(url=warehouse_url), SourceFilesResource())
    with world.warehouse.transaction() as connection:
        note(connection, overdue("shop_sales", "2026-03-04", "shop/sales.csv", datetime.now(UTC)))
    context = dg.build_sensor_context(
        instance=world.instance,
        definitions=definitions,
        resources={
            "warehouse": WarehouseResource(url=warehouse_url),
            "alert_sinks": AlertSinksResource(),
        },
    )
    result = definitions.resolve_sensor_def("alerts").evaluate_tick(context)
    assert result.skip_message == "0 runs ended, 1 alerts sent"
    assert Remembered.read(result.cursor).after is not None
    assert len(receiver.bodies) == 1


def test_a_warehouse_that_has_no_table_of_incidents_says_so_instead_of_failing_the_tick(
    world: World, warehouse_url: str
) -> None:
    with psycopg.connect(warehouse_url) as connection:
        connection.execute("drop table ops.alert, ops.incident_part, ops.incident")
    with pytest.raises(SalesPlatformError) as caught:
        world.tick()
    assert not isinstance(caught.value, ServerUnavailable)
