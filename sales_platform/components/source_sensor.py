"""The sensor of an OLTP source: a run when its high-water mark moved, none when nothing did. What a mark is, the engine
knows.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

import dagster as dg

from sales_platform.components import policy
from sales_platform.components.launching import IN_PROGRESS
from sales_platform.contracts.source import PostgresFeedContract
from sales_platform.engine.oltp.marks import SourceMark, source_mark
from sales_platform.errors import SalesPlatformError
from sales_platform.resources import SourceDatabasesResource, WarehouseResource

EVERY_SECONDS = 30
LONGEST_PAUSE = 64


@dataclass(frozen=True)
class Remembered:
    """What the sensor keeps between ticks. mark: for which it last asked for a run. asked: how many runs so far.
    failures: of runs for this mark, one after the other. pause: ticks until the next try.
    """

    mark: str = ""
    asked: int = 0
    failures: int = 0
    pause: int = 0

    @classmethod
    def read(cls, cursor: str | None) -> Remembered:
        return cls(**json.loads(cursor)) if cursor else cls()

    @property
    def cursor(self) -> str:
        return json.dumps(asdict(self))

    @property
    def run_key(self) -> str:
        """One per mark and try, so that a tick that is repeated after a crash asks for nothing twice."""
        return f"{hashlib.sha256(self.mark.encode()).hexdigest()[:16]}-{self.asked}"


def decide(before: Remembered, mark: str, *, running: bool, failed: bool) -> tuple[Remembered, str | None]:
    """Whether to ask for a run, as (what to remember, why not). failed: the last run that was asked for did.

    A mark that moves while a run works asks again after it; one whose run failed is tried again, after twice as many
    ticks each time.
    """
    if running:
        return before, "a run of this source is queued or running"
    if mark != before.mark:
        return Remembered(mark, before.asked + 1), None
    if not failed:
        return before, "nothing new in the source"
    if before.pause > 1:
        return replace(
            before, pause=before.pause - 1
        ), f"the last run failed; next try in {before.pause - 1} ticks"
    if before.pause == 0:
        pause = min(2**before.failures, LONGEST_PAUSE)
        waiting = replace(before, failures=before.failures + 1, pause=pause)
        return waiting, f"the last run failed; next try in {pause} ticks"
    return replace(before, asked=before.asked + 1, pause=0), None


def source_sensor(source: PostgresFeedContract) -> dg.SensorDefinition:
    """`<domain>_changes`, which asks for a run of the whole domain."""
    name = f"{source.domain}_changes"

    @dg.sensor(
        name=name,
        target=dg.AssetSelection.groups(source.domain),
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=policy.sensor_status(),
        description=f"Watches the source of {source.domain}, and runs the domain when rows are new or changed.",
    )
    def look(
        context: dg.SensorEvaluationContext,
        warehouse: WarehouseResource,
        source_databases: SourceDatabasesResource,
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            mark = source_mark(warehouse.open(), source_databases.open(source.database), source)
        except SalesPlatformError as error:
            return dg.SkipReason(str(error))
        running, failed = _last_run(context.instance, name)
        after, why_not = decide(Remembered.read(context.cursor), mark.text, running=running, failed=failed)
        if why_not:
            return dg.SensorResult(
                skip_reason=" ".join([why_not, *_unindexed(source, mark)]), cursor=after.cursor
            )
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=after.run_key)], cursor=after.cursor)

    return look


def _last_run(instance: dg.DagsterInstance, sensor: str) -> tuple[bool, bool]:
    """Whether a run that this sensor asked for is under way, and whether the newest one failed."""
    tags = {"dagster/sensor_name": sensor}
    if instance.get_runs(dg.RunsFilter(tags=tags, statuses=IN_PROGRESS), limit=1):
        return True, False
    newest = instance.get_runs(dg.RunsFilter(tags=tags), limit=1)
    return False, bool(newest) and newest[0].status is dg.DagsterRunStatus.FAILURE


def _unindexed(source: PostgresFeedContract, mark: SourceMark) -> list[str]:
    schema = source.db_schema or source.domain
    return [
        f"{schema}.{table} has no index on {source.tables[table].cursor}: each load reads all of its {rows:,} rows;"
        f" `create index on {schema}.{table} ({source.tables[table].cursor})` would spare that."
        for table, rows in mark.unindexed.items()
    ]
