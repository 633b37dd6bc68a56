"""When backups are made and proven: every night at 03:00, and a restore on Sunday at 06:00 of the business zone."""

import dagster as dg

from sales_platform.components import policy
from sales_platform.defs.backup.blob_backup import GROUP, KEY, blob_backup, today
from sales_platform.defs.backup.proofs import READS_BACK, REHEARSAL, freshness, reads_back, rehearsal
from sales_platform.settings import load_settings

THREE_IN_THE_MORNING = "0 3 * * *"
SUNDAY_AT_SIX = "0 6 * * 0"


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(
        assets=[blob_backup, rehearsal],
        asset_checks=[reads_back, freshness],
        schedules=[_nightly(), _weekly()],
    )


def _nightly() -> dg.ScheduleDefinition:
    zone = load_settings().zone
    reading = dg.AssetSelection.checks(dg.AssetCheckKey(KEY, READS_BACK))
    job = dg.define_asset_job(
        f"{GROUP}_daily",
        selection=dg.AssetSelection.assets(KEY).without_checks() | reading,
        description="A backup of every database, and the check that reads it back.",
    )

    @dg.schedule(
        name=f"{GROUP}_daily",
        job=job,
        cron_schedule=THREE_IN_THE_MORNING,
        execution_timezone=zone.key,
        default_status=policy.schedule_status(),
        description="Watches that every database is backed up once a day, and that the backup can be read back.",
    )
    def back_up_tonight(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.astimezone(zone).date()
        if day != today():
            return dg.SkipReason(f"{day.isoformat()} is over, and a backup holds what is there now.")
        return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat())

    return back_up_tonight


def _weekly() -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=f"{GROUP}_rehearsal",
        target=dg.AssetSelection.assets(REHEARSAL),
        cron_schedule=SUNDAY_AT_SIX,
        execution_timezone=load_settings().time_zone,
        default_status=policy.schedule_status(),
        description="Watches that the newest backup of every database can be restored.",
    )
