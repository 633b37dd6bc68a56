"""Every hour the checks that time alone can break are looked at, loaded or not; what they say, they know."""

from __future__ import annotations

import dagster as dg

from sales_platform.components import policy
from sales_platform.components.load_checks import BROKEN_BY_TIME
from sales_platform.settings import load_settings

EVERY_HOUR = "0 * * * *"


def hourly(found: dg.Definitions) -> dg.Definitions:
    """The schedule for those of the checks at hand; none of them, no schedule."""
    keys = sorted(
        spec.key
        for checks in found.asset_checks or ()
        for spec in checks.check_specs
        if spec.name in BROKEN_BY_TIME
    )
    if not keys:
        return dg.Definitions()
    schedule = dg.ScheduleDefinition(
        name="freshness",
        target=dg.AssetSelection.checks(*keys),
        cron_schedule=EVERY_HOUR,
        execution_timezone=load_settings().time_zone,
        default_status=policy.schedule_status(),
        description="Watches whether every feed is as fresh as it should be, and whether yesterday is there.",
    )
    return dg.Definitions(schedules=[schedule])
