"""At 02:00 of the business time zone each domain with daily files loads the day that ended; nothing else."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.files import locate
from sales_platform.errors import FileMissing
from sales_platform.resources import SourceFilesResource
from sales_platform.settings import load_settings

TWO_IN_THE_MORNING = "0 2 * * *"


def day_ended(moment: datetime, zone: ZoneInfo) -> date:
    """The business day before the one that `moment` falls on."""
    return moment.astimezone(zone).date() - timedelta(days=1)


def decision(day: date, missing_paths: Sequence[str]) -> dg.RunRequest | dg.SkipReason:
    """One run per day, or why there is none."""
    if missing_paths:
        return dg.SkipReason(f"No file for {day.isoformat()} yet: {', '.join(missing_paths)}.")
    return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat())


@dg.definitions
def defs() -> dg.Definitions:
    daily = [feed for feed in read_catalog().feeds.values() if feed.partitions == "daily"]
    domains = sorted({feed.domain for feed in daily})
    return dg.Definitions(
        schedules=[_schedule(domain, [f for f in daily if f.domain == domain]) for domain in domains]
    )


def _schedule(domain: str, feeds: Sequence[FileFeedContract]) -> dg.ScheduleDefinition:
    zone = load_settings().zone
    job = dg.define_asset_job(
        f"{domain}_daily",
        selection=dg.AssetSelection.groups(domain),
        description=f"Every table of {domain}, for one day or a range of days.",
    )

    @dg.schedule(
        name=f"{domain}_daily",
        job=job,
        cron_schedule=TWO_IN_THE_MORNING,
        execution_timezone=zone.key,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Loads the files of {domain} for the day that has ended; skips while one is missing.",
    )
    def load_yesterday(
        context: dg.ScheduleEvaluationContext, source_files: SourceFilesResource
    ) -> dg.RunRequest | dg.SkipReason:
        day = day_ended(context.scheduled_execution_time, zone)
        return decision(day, _missing(source_files, feeds, day))

    return load_yesterday


def _missing(source_files: SourceFilesResource, feeds: Sequence[FileFeedContract], day: date) -> list[str]:
    paths = []
    for feed in feeds:
        try:
            locate(source_files.root, feed.path, day)
        except FileMissing as error:
            if feed.missing == "fail":
                paths.append(str(error.where))
    return paths
