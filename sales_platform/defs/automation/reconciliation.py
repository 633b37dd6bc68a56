"""At 04:00 of the business time zone each source database is compared with the warehouse; nothing else."""

from __future__ import annotations

import dagster as dg

from sales_platform.components import policy
from sales_platform.contracts.catalog import read_catalog
from sales_platform.settings import load_settings

FOUR_IN_THE_MORNING = "0 4 * * *"


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(schedules=[_schedule(domain) for domain in sorted(read_catalog().sources)])


def _schedule(domain: str) -> dg.ScheduleDefinition:
    """One for each source, so that one that is down or paused holds up no other."""
    name = f"{domain}_reconciliation"
    return dg.ScheduleDefinition(
        name=name,
        target=dg.AssetSelection.assets(["ops", name]),
        cron_schedule=FOUR_IN_THE_MORNING,
        execution_timezone=load_settings().time_zone,
        default_status=policy.schedule_status(),
        description=f"Watches for rows of {domain} that were changed without a stamp or deleted, and repairs them.",
    )
