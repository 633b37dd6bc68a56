"""The days or files that assets are cut into, and which of them a run asked for. No paths here."""

import json
from datetime import date

import dagster as dg

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.settings import load_settings

# The tag of a run of checks alone over some partitions, as a JSON list: Dagster's own tags for a range mean nothing to
# checks that have no partitions.
CHECKED = "sales_platform/partitions"

Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


def daily() -> dg.DailyPartitionsDefinition:
    """Days of the business time zone, today included: what it has so far can be loaded, and is partial."""
    settings = load_settings()
    return dg.DailyPartitionsDefinition(
        start_date=settings.partitions_start.isoformat(), timezone=settings.time_zone, end_offset=1
    )


def of_feed(feed: FileFeedContract) -> dg.PartitionsDefinition[str] | None:
    """Days, files, or None. Files are registered when they arrive, sorted, because a range follows that order."""
    if feed.partitions == "per_file":
        return dg.DynamicPartitionsDefinition(name=feed.name)
    return daily() if feed.partitions == "daily" else None


def as_place(feed: FileFeedContract, partition: str) -> date | str:
    """What `locate` takes for a partition."""
    return as_day(partition) if feed.partitions == "daily" else partition


def asked_for(context: Context) -> list[str] | None:
    """The partitions of this run; None for a run without any, such as a check of a whole table."""
    if asked := context.run.tags.get(CHECKED):
        return [str(partition) for partition in json.loads(asked)]
    if context.has_partition_key or context.has_partition_key_range:
        return list(context.partition_keys)
    return None


def as_day(partition: str) -> date:
    return date.fromisoformat(partition)
