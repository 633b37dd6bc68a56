"""Turning ended runs into incidents and sends what waits. What counts, and what is said, is not here."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

import dagster as dg

from sales_platform.components import policy
from sales_platform.components.alerting import recoveries, troubles
from sales_platform.components.run_outcomes import EndedRun, ended_runs, newest_end
from sales_platform.engine import incidents
from sales_platform.engine.outbox import Alert, send_waiting
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import SalesPlatformError, ServerUnavailable, TransientError
from sales_platform.resources import AlertSinksResource, WarehouseResource
from sales_platform.settings import load_settings

EVERY_SECONDS = 30
AT_ONCE = 50
# Ids are given before their events are committed, and whether a run is retried is noted after its end.
SETTLED = timedelta(seconds=5)


@dataclass(frozen=True)
class Remembered:
    """What the sensor keeps between ticks. after: storage id of the last end of a run that was noted; None before the
    first tick. down_since: when the warehouse was first out of reach. down_tries: how often that was told in vain; None
    when it was told.
    """

    after: int | None = None
    down_since: str | None = None
    down_tries: int | None = 0

    @classmethod
    def read(cls, cursor: str | None) -> Remembered:
        return cls(**json.loads(cursor)) if cursor else cls()

    @property
    def cursor(self) -> str:
        return json.dumps(asdict(self))


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(sensors=[alerts()])


def alerts() -> dg.SensorDefinition:
    """The sensor, on or off as the settings say now."""
    return dg.sensor(
        name="alerts",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=policy.sensor_status(),
        description="Watches for runs, checks and files that fail or are late, and tells log and webhook of them.",
    )(_tell)


def _tell(
    context: dg.SensorEvaluationContext, warehouse: WarehouseResource, alert_sinks: AlertSinksResource
) -> dg.SensorResult | dg.SkipReason:
    try:
        before = Remembered.read(context.cursor)
        after, told = look(context.instance, warehouse.open(), alert_sinks, before, datetime.now(UTC))
    except SalesPlatformError as error:
        return dg.SkipReason(str(error))
    return dg.SensorResult(skip_reason=told, cursor=after.cursor)


def look(
    instance: dg.DagsterInstance,
    warehouse: Warehouse,
    sinks: AlertSinksResource,
    before: Remembered,
    now: datetime,
) -> tuple[Remembered, str]:
    """Note what ended since, then send what waits. Returns what to remember, and a sentence on what was done.

    What the first tick finds is history, for which nobody waits. Raises the warehouse's errors but the one that it
    is out of reach, which is told without it.
    """
    if before.after is None:
        before = replace(before, after=newest_end(instance))
    ended = ended_runs(instance, before.after or 0, now - SETTLED, AT_ONCE)
    try:
        _note(warehouse, [run for _, run in ended])
        sent, waits = send_waiting(warehouse, sinks.send)
    except ServerUnavailable as error:
        return _out_of_reach(before, error, sinks, now), str(error)
    after = replace(before, after=ended[-1][0] if ended else before.after)
    if before.down_since:
        after = _in_reach_again(after, warehouse, sinks, now)
    return after, f"{len(ended)} runs ended, {sent} alerts sent{f'; {waits}' if waits else ''}"


def _note(warehouse: Warehouse, runs: list[EndedRun]) -> None:
    base = f"http://127.0.0.1:{load_settings().ui_port}/runs"
    with warehouse.transaction() as connection:
        for run in runs:
            for trouble in troubles(run, f"{base}/{run.run_id}"):
                incidents.note(connection, trouble)
            incidents.recover(connection, recoveries(run))
        incidents.recover_overdue(connection)


def _out_of_reach(
    before: Remembered, error: ServerUnavailable, sinks: AlertSinksResource, now: datetime
) -> Remembered:
    """Where incidents are kept is out of reach, so this one is kept in the cursor; runs are noted later."""
    since = before.down_since or now.isoformat()
    if before.down_tries is None:
        return before
    text = f"Warehouse: out of reach since {datetime.fromisoformat(since):%Y-%m-%d %H:%M} UTC. {error}"
    told = _sent(sinks, Alert(0, "opened", text, before.down_tries))
    return replace(before, down_since=since, down_tries=None if told else before.down_tries + 1)


def _in_reach_again(
    after: Remembered, warehouse: Warehouse, sinks: AlertSinksResource, now: datetime
) -> Remembered:
    """Told once or not at all: whether this is lost, the next alert shows that the warehouse answers."""
    passed = (now - datetime.fromisoformat(after.down_since or now.isoformat())).total_seconds()
    if after.down_tries is None:
        text = f"Over: Warehouse: {warehouse.where} is in reach again, after {incidents.duration(passed)}."
        if not _sent(sinks, Alert(0, "closed", text)):
            return after
    return replace(after, down_since=None, down_tries=0)


def _sent(sinks: AlertSinksResource, alert: Alert) -> bool:
    try:
        sinks.send(alert)
    except TransientError:
        return False
    return True
