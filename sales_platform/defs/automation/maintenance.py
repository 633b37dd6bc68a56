"""Once a week the warehouse is tidied up; what that means, the engine knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from sales_platform.components import policy
from sales_platform.engine.maintaining import KEPT_DAYS, Maintained, maintain
from sales_platform.resources import WarehouseResource
from sales_platform.settings import load_settings

SUNDAY_AT_FIVE = "0 5 * * 0"
COLUMNS = ("table", "rows", "dead_rows", "bytes", "trimmed")


@dg.asset(
    key=["ops", "maintenance"],
    description=(
        "Statistics and free room for every table of the warehouse (ANALYZE, VACUUM); loads that published nothing and"
        f" incidents that are over leave after {KEPT_DAYS} days. Never what a rebuild reads."
    ),
    group_name="maintenance",
    kinds={"postgres"},
    owners=["team:sales-data"],
    retry_policy=policy.THREE_TRIES,
    pool=policy.writer_of("ops.maintenance"),
)
def maintenance(warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
    today = datetime.now(UTC).astimezone(load_settings().zone).date()
    with policy.failures_named():
        done = maintain(warehouse.open(), today)
    return dg.MaterializeResult(metadata=_figures(done))


@dg.definitions
def defs() -> dg.Definitions:
    weekly = dg.ScheduleDefinition(
        name="maintenance",
        target=dg.AssetSelection.assets(maintenance),
        cron_schedule=SUNDAY_AT_FIVE,
        execution_timezone=load_settings().time_zone,
        default_status=policy.schedule_status(),
        description="Watches that no table of the warehouse grows without need: statistics, room, and old detail.",
    )
    return dg.Definitions(assets=[maintenance], schedules=[weekly])


def _figures(done: Sequence[Maintained]) -> dict[str, dg.MetadataValue]:
    records = [dg.TableRecord({name: getattr(item, name) for name in COLUMNS}) for item in done]
    schema = dg.TableSchema(
        [dg.TableColumn(name, "string" if name == "table" else "int") for name in COLUMNS]
    )
    return {
        "tables": dg.MetadataValue.int(len(done)),
        "trimmed": dg.MetadataValue.int(sum(item.trimmed for item in done)),
        "dead_rows": dg.MetadataValue.int(sum(item.dead_rows for item in done)),
        "bytes": dg.MetadataValue.int(sum(item.bytes for item in done)),
        "by_table": dg.MetadataValue.table(records, schema=schema),
    }
