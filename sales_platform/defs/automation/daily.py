"""At 02:00 of the business time zone each domain with daily files loads the day that ended; nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from sales_platform.components import launching, policy
from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine import incidents
from sales_platform.engine.files import locate
from sales_platform.engine.loads import load_states
from sales_platform.errors import FileMissing
from sales_platform.resources import SourceFilesResource, WarehouseResource
from sales_platform.settings import load_settings

TWO_IN_THE_MORNING = "0 2 * * *"


def day_ended(moment: datetime, zone: ZoneInfo) -> date:
    """The business day before the one that `moment` falls on."""
    return moment.astimezone(zone).date() - timedelta(days=1)


def decision(
    domain: str, day: date, missing_paths: Sequence[str], *, loaded: bool, under_way: bool
) -> dg.RunRequest | dg.SkipReason:
    """One run per day, or why there is none. loaded, under_way: the sensor of the files was there before."""
    if missing_paths:
        return dg.SkipReason(f"No file for {day.isoformat()} yet: {', '.join(missing_paths)}.")
    if loaded:
        return dg.SkipReason(f"{day.isoformat()} is loaded already.")
    if under_way:
        return dg.SkipReason(f"A run of {day.isoformat()} is queued or running.")
    tags = launching.domain_tags(domain)
    return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat(), tags=tags)


def takes(runs: Sequence[tuple[str, str] | None], day: date) -> bool:
    """Whether one of the runs, by first and last partition, is for the day."""
    return any(ends[0] <= day.isoformat() <= ends[1] for ends in runs if ends)


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
        default_status=policy.schedule_status(),
        description=f"Watches for the files of {domain} for the day that has ended: loads them, or calls them overdue.",
    )
    def load_yesterday(
        context: dg.ScheduleEvaluationContext, warehouse: WarehouseResource, source_files: SourceFilesResource
    ) -> dg.RunRequest | dg.SkipReason:
        moment = context.scheduled_execution_time
        day = day_ended(moment, zone)
        missing = _missing(source_files, feeds, day)
        _call_overdue(warehouse, missing, day, moment)
        runs = launching.under_way(context.instance, domain)
        loaded = not missing and _is_loaded(warehouse, feeds, day)
        return decision(domain, day, [path for _, path in missing], loaded=loaded, under_way=takes(runs, day))

    return load_yesterday


def _missing(
    source_files: SourceFilesResource, feeds: Sequence[FileFeedContract], day: date
) -> list[tuple[FileFeedContract, str]]:
    """The feeds whose file is not there, each with its path."""
    paths = []
    for feed in feeds:
        try:
            locate(source_files.root, feed.path, day)
        except FileMissing as error:
            if feed.missing == "fail":
                paths.append((feed, str(error.where)))
    return paths


def _call_overdue(
    warehouse: WarehouseResource, missing: Sequence[tuple[FileFeedContract, str]], day: date, moment: datetime
) -> None:
    """Note each missing file as an incident, which is over when the day is loaded. A feed that never brought a file has
    none to be late with.
    """
    if not missing:
        return
    with warehouse.open().transaction() as connection:
        for feed, path in missing:
            if load_states(connection, feed):
                incidents.note(connection, incidents.overdue(feed.name, day.isoformat(), path, moment))


def _is_loaded(warehouse: WarehouseResource, feeds: Sequence[FileFeedContract], day: date) -> bool:
    """Whether the warehouse holds the whole day: a load of it that began before its end does not count."""
    with warehouse.open().transaction() as connection:
        states = [load_states(connection, feed).get(day.isoformat()) for feed in feeds]
    return all(state and state.landed_load_id is not None and not state.partial for state in states)
